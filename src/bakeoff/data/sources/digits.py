"""Scikit-learn's handwritten digits: 1,797 images of 8x8 pixels, shipped with the package."""

import numpy as np

from bakeoff.data.source import Request, Source, SourceData

TEST_SHARE = 0.2


def load(request: Request) -> SourceData:
    """The digits, their 17 gray levels spread over 0..255; a fifth of each class is the test split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    classes = [str(name) for name in digits.target_names]
    return SourceData({"train": (images, digits.target.astype(np.int64))}, classes, test_share=TEST_SHARE)


DIGITS = Source("digits", "scikit-learn's 8x8 handwritten digits; no download", load)
