"""Random transforms of batches of images: a file for each family, found by name in `build`.

A new transform is a `BatchTransform` record in the file of its family; a new family is also listed in `registry`.
"""
