"""What a study may say and what it means: entries, matrix, reading, specification, paths. Without torch."""
