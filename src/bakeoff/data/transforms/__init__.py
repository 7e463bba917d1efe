"""Random transforms of batches of images: a file for each family, found by name in `build`."""
