"""Where images and labels come from. A new source is a file with a `Source` record, listed in `registry`."""
