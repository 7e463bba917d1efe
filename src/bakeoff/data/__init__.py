"""Data: sources, their preparation into arrays, and batches of them."""
