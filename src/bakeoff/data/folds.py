"""The folds of cross-validation: each image is a test image once."""

import numpy as np

from bakeoff.data.iterative_stratification import take_share
from bakeoff.data.source import Labels
from bakeoff.data.splits import Rows, few_images
from bakeoff.errors import BakeoffError


def fold(labels: Labels, number: int, count: int, seed: int, classes: list[str]) -> tuple[Rows, Rows]:
    """Rows (kept, taken), each in ascending order: taken is the fold `number` of `count`, from 1.

    Folds hold each class in proportion. Multi-label rows are dealt out by iterative stratification. Raises
    BakeoffError when a class has fewer images than there are folds.
    """
    rows = np.arange(len(labels))
    if labels.ndim == 2:
        left = rows
        for dealt in range(1, number + 1):
            taken = left[take_share(labels[left] == 1, 1 / (count - dealt + 1), seed)] if dealt < count else left
            left = np.setdiff1d(left, taken)
        return np.setdiff1d(rows, taken), taken
    from sklearn.model_selection import StratifiedKFold

    small = few_images(labels, count, classes)
    if small:
        raise BakeoffError(f"{count} folds need as many images of every class; {small}. Ask for fewer folds")
    folds = StratifiedKFold(count, shuffle=True, random_state=seed % 2**32).split(rows, labels)
    kept, taken = list(folds)[number - 1]
    return np.sort(kept), np.sort(taken)
