"""Where images and labels come from: a file for each source, found by name in `registry`."""
