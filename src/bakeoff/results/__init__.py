"""What a run leaves behind, as types, and the summary of all runs of a study."""
