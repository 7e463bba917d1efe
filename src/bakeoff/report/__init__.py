"""The words and numbers that people read."""
