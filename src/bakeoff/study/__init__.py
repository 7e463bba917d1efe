"""What a study may say, and what it means: without torch."""
