"""Stratified splits that depend on the labels and a seed, and on nothing else."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.iterative_stratification import take_share
from bakeoff.data.source import Labels
from bakeoff.errors import BakeoffError

Rows = NDArray[np.int64]


def count_labels(labels: Labels, classes: int) -> NDArray[np.int64]:
    """Images of each class, or positives of each label: int64 [classes]."""
    if labels.ndim == 2:
        return (labels == 1).sum(axis=0, dtype=np.int64)
    return np.bincount(labels, minlength=classes)


def stratified_split(labels: Labels, share: float, seed: int, classes: list[str]) -> tuple[Rows, Rows]:
    """Rows (kept, taken), each in ascending order; `share` of every class or label is taken.

    Multi-label rows are split by iterative stratification, so only about `share` of all are taken. Raises BakeoffError
    when a class has fewer than two images, or the share has fewer images than there are classes.
    """
    if not 0 < share < 1:
        raise BakeoffError(f"the share to split off is {share}; allowed: more than 0 and less than 1")
    if labels.ndim == 2:
        return _split_labels(labels, share, seed)
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels, minlength=len(classes))
    if small := few_images(labels, 2, classes):
        raise BakeoffError(
            f"a stratified split needs at least 2 images of every class; {small}. "
            "Add images, remove the class, or give the splits as folders"
        )
    taken, present = int(np.ceil(share * len(labels))), int((counts > 0).sum())
    if taken < present or len(labels) - taken < present:
        raise BakeoffError(
            f"splitting off {share:g} of {len(labels)} images leaves {min(taken, len(labels) - taken)} "
            f"images on one side, fewer than the {present} classes. Choose another share or add images"
        )
    kept_rows, taken_rows = train_test_split(
        np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed % 2**32
    )
    return np.sort(kept_rows), np.sort(taken_rows)


def exactly_per_class(labels: Labels, count: int, seed: int, classes: list[str]) -> Rows:
    """Rows, ascending, of `count` images of each class. Raises BakeoffError when a class has fewer."""
    if small := few_images(labels, count, classes):
        raise BakeoffError(f"{count:,} images of each class are asked for; {small}")
    return _draw(labels, np.full(len(classes), count), seed)


def few_images(labels: Labels, needed: int, classes: list[str]) -> str:
    """The classes with fewer images than are needed, in words; an empty text where each has enough."""
    found = np.bincount(labels, minlength=len(classes))
    return _some([f"{name!r} has {number:,}" for name, number in zip(classes, found, strict=True) if number < needed])


def at_most(labels: Labels, limit: int, seed: int, classes: int) -> Rows:
    """At most `limit` rows, ascending, with classes or labels in proportion and none of them lost.

    A `limit` that is too small to have one image of each class is raised to that number.
    """
    if limit >= len(labels):
        return np.arange(len(labels))
    needed = _one_of_each_label(labels, seed) if labels.ndim == 2 else np.unique(labels, return_index=True)[1]
    limit = max(limit, len(needed))
    if labels.ndim == 1:
        return _draw(labels, _in_proportion(count_labels(labels, classes), limit), seed)
    random = np.random.default_rng(seed)
    taken = take_share(labels == 1, limit / len(labels), seed, needed)  # about `limit` rows, not exactly
    spare = random.permutation(np.setdiff1d(np.arange(len(labels)), taken))
    ordered = np.concatenate([needed, random.permutation(np.setdiff1d(taken, needed)), spare])
    return np.sort(ordered[:limit])


def _split_labels(labels: Labels, share: float, seed: int) -> tuple[Rows, Rows]:
    taken = take_share(labels == 1, share, seed)
    kept = np.setdiff1d(np.arange(len(labels)), taken)
    if len(kept) == 0 or len(taken) == 0:
        raise BakeoffError(
            f"splitting off {share:g} of {len(labels)} images leaves none on one side. "
            "Choose another share or add images"
        )
    return kept, taken


def _draw(labels: Labels, counts: NDArray[np.int64], seed: int) -> Rows:
    """`counts[k]` random rows of each class k, ascending."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    found = np.bincount(labels, minlength=len(counts))
    place = np.arange(len(labels)) - np.repeat(np.cumsum(found) - found, found)  # within its class
    return np.sort(by_class[place < counts[labels[by_class]]])


def _in_proportion(counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """`limit` images in proportion to `counts`, by largest remainders: at least one for each class that has any."""
    shares = np.maximum((counts > 0).astype(np.float64), limit * counts / counts.sum())
    result = np.minimum(np.floor(shares).astype(np.int64), counts)
    while result.sum() > limit:  # the largest class pays for those raised to one image
        result[result.argmax()] -= 1
    order = np.argsort(-(limit * counts / counts.sum() - result), kind="stable")
    order = order[result[order] < counts[order]]
    result[order[: limit - result.sum()]] += 1
    return result


def _one_of_each_label(labels: Labels, seed: int) -> Rows:
    """A few rows that together have every label that occurs, chosen for the rarest labels first."""
    positive = labels == 1
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    counts = positive.sum(axis=0)
    chosen: list[int] = []
    for label in np.argsort(counts, kind="stable"):
        if counts[label] and not positive[chosen, label].any():
            chosen.append(int(shuffled[positive[shuffled, label].argmax()]))
    return np.sort(np.array(chosen, np.int64))


def _some(items: list[str], limit: int = 10) -> str:
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
