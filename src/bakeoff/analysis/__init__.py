"""From finished runs to the tables of statistics, without torch."""
