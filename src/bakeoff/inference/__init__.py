"""Trained networks at work: loaded from what runs left, for new images, and written in other formats."""
