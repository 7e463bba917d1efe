"""Stratified splits that depend on the labels and a seed, and on nothing else."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import Labels
from bakeoff.errors import BakeoffError

Rows = NDArray[np.int64]


def stratified_split(labels: Labels, share: float, seed: int, where: str, classes: list[str]) -> tuple[Rows, Rows]:
    """Rows (kept, taken), each in ascending order; `share` of every class is taken.

    Raises BakeoffError when a class has fewer than two images, or the share is fewer images than classes.
    """
    from sklearn.model_selection import train_test_split

    if not 0 < share < 1:
        raise BakeoffError(f"{where}: the share to split off is {share}; allowed: more than 0 and less than 1")
    counts = np.bincount(labels, minlength=len(classes))
    small = [f"{name!r} has {count}" for name, count in zip(classes, counts, strict=False) if count < 2]
    if small:
        raise BakeoffError(
            f"{where}: a stratified split needs at least 2 images of every class; {_some(small)}. "
            "Add images, remove the class, or give the splits as folders"
        )
    taken, present = int(np.ceil(share * len(labels))), int((counts > 0).sum())
    if taken < present or len(labels) - taken < present:
        raise BakeoffError(
            f"{where}: splitting off {share:g} of {len(labels)} images leaves {min(taken, len(labels) - taken)} "
            f"images on one side, fewer than the {present} classes. Choose another share or add images"
        )
    kept_rows, taken_rows = train_test_split(
        np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed % 2**32
    )
    return np.sort(kept_rows), np.sort(taken_rows)


def _some(items: list[str], limit: int = 10) -> str:
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
