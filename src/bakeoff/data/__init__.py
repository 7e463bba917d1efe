"""What happens to an image, from its file to a batch.

1. `loading.py` asks a source for files or arrays with their labels, decides which images are kept and in which split,
   and has the files decoded in parallel (`decoding.py`).
2. `pixels.py` turns one picture into uint8 [C, H, W]: upright, in the mode asked for, resized, cropped.
3. `prepare.py` writes the splits as arrays beside a card, once; `prepared.py` maps them into memory for each run.
4. `batches.py` draws the order of an epoch, gathers a batch and hands it out as floats: the transforms of the recipe on
   pixels 0..255, normalisation, the transforms on normalised pixels, and last MixUp or CutMix.

Read `loading.py`, `pixels.py` and `batches.py` for the whole way. `transforms/` has a file for each family of them.
"""
