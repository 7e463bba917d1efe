"""Which images a dataset keeps, and in which split: decided on labels alone, before anything is decoded."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.folds import fold
from bakeoff.data.source import Labels, Pixels, PixelsOrFiles, SourceData, label_layout
from bakeoff.data.splits import Rows, at_most, exactly_per_class, stratified_split
from bakeoff.errors import BakeoffError, under
from bakeoff.study.cuts import Cut
from bakeoff.study.entries import SPLITS, Dataset
from bakeoff.study.metrics import IGNORED, Task

CHUNK_BYTES = 32 << 20


@dataclass(frozen=True)
class Split:
    """Rows of a source's images and labels; None stands for all. Nothing is copied until the arrays are written.

    `names` are those of the files that the images were decoded from.
    """

    images: PixelsOrFiles
    labels: Labels
    rows: Rows | None = None
    names: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.images) if self.rows is None else len(self.rows)

    @property
    def array(self) -> Pixels:
        """The images, which must have been decoded."""
        assert not isinstance(self.images, list)
        return self.images

    @property
    def chosen_labels(self) -> Labels:
        return self.labels if self.rows is None else self.labels[self.rows]

    @property
    def chosen_rows(self) -> Rows:
        return np.arange(len(self.images)) if self.rows is None else self.rows

    def pick(self, rows: Rows) -> "Split":
        """The split of `rows`, which count among the chosen ones."""
        return replace(self, rows=self.chosen_rows[rows])

    def name(self, at: int, split: str) -> str:
        """What messages call the chosen image `at`: its file, or its row in the prepared array."""
        return f"{split} image {at}" if self.names is None else self.names[self.chosen_rows[at]]

    def chunks(self) -> Iterator[Pixels]:
        """The chosen images, a few megabytes at a time."""
        step = max(1, CHUNK_BYTES // max(1, math.prod(self.array.shape[1:])))
        for start in range(0, len(self), step):
            chosen = slice(start, start + step) if self.rows is None else self.rows[start : start + step]
            yield np.ascontiguousarray(self.array[chosen])


def whole_splits(data: SourceData) -> dict[str, Split]:
    """The splits as the source has them. Raises BakeoffError for labels that do not match images, task or classes."""
    splits = {split: Split(images, labels) for split, (images, labels) in data.splits.items()}
    if len(set(data.classes)) < len(data.classes):
        twice = next(name for name in data.classes if data.classes.count(name) > 1)
        raise BakeoffError(f"two classes are named {twice!r}")
    for split, part in splits.items():
        if len(part.images) == 0 or len(part.images) != len(part.labels):
            raise BakeoffError(f"the {split} split has {len(part.images)} images and {len(part.labels)} labels")
        _check_labels(part.labels, data.task, len(data.classes), f"the {split} split")
    return splits


def choose(
    splits: dict[str, Split], data: SourceData, entry: Dataset, seed: int, cut: Cut | None = None
) -> dict[str, Split]:
    """The three splits that are prepared. Raises BakeoffError when they cannot be made.

    Test images are split off first where the source says so, then validation images where it has none. Then
    `per_class` and `limit` thin out each split. Of a dataset that is split repeatedly, these are those of a `cut`.
    """
    if cut is not None:
        check_repeatable(data, cut)
        if cut.kind == "fold":
            splits = splits | _fold(splits["train"], cut, data.classes, seed)
        seed = cut.seed(seed)
    if data.test_share is not None and "test" not in splits:
        splits = splits | _split_off(splits["train"], "test", data.test_share, data.classes, seed)
    if "validation" not in splits:
        splits = splits | _split_off(splits["train"], "validation", entry.validation, data.classes, seed)
    splits = {split: splits[split] for split in SPLITS}
    if entry.per_class is not None:
        if data.task == "multi-label":
            raise BakeoffError(
                "an image of a multi-label dataset may have several classes; use limit: N instead", ["per_class"]
            )
        for split, count in entry.per_class.model_dump(exclude_none=True).items():
            with under("per_class", split):
                rows = exactly_per_class(splits[split].chosen_labels, count, seed, data.classes)
            splits[split] = splits[split].pick(rows)
    if entry.limit is not None:
        for split in SPLITS:
            rows = at_most(splits[split].chosen_labels, entry.limit, seed, len(data.classes))
            splits[split] = splits[split].pick(rows)
    return splits


def check_repeatable(data: SourceData, cut: Cut) -> None:
    """Raise BakeoffError for a source that has a test split of its own."""
    if data.test_share is None:
        message = f"the source has a test split of its own, which would be the same in every cut; leave {cut.key} out"
        raise BakeoffError(message, [cut.key])


def _fold(train: Split, cut: Cut, classes: list[str], seed: int) -> dict[str, Split]:
    with under(cut.key):
        kept, taken = fold(train.chosen_labels, cut.number, cut.count, seed, classes)
    return {"train": train.pick(kept), "test": train.pick(taken)}


def _split_off(train: Split, name: str, share: float, classes: list[str], seed: int) -> dict[str, Split]:
    with under(name):
        kept, taken = stratified_split(train.chosen_labels, share, seed, classes)
    return {"train": train.pick(kept), name: train.pick(taken)}


def _check_labels(labels: Labels, task: Task, classes: int, what: str) -> None:
    dtype, shape = label_layout(task, len(labels), classes)
    if labels.dtype != dtype or labels.shape != shape:
        raise BakeoffError(
            f"{what} has labels {labels.dtype} {list(labels.shape)}; a {task} dataset of {classes} classes needs "
            f"{dtype} {list(shape)}"
        )
    if task == "multi-class":
        outside: NDArray[np.int64] = np.unique(labels[(labels < 0) | (labels >= classes)])
        allowed = f"0..{classes - 1} for {classes} classes"
    else:
        outside = np.unique(labels[(labels > 1) & (labels != IGNORED)])
        allowed = f"0, 1, and {IGNORED} for ignored"
    if len(outside):
        raise BakeoffError(f"{what} has labels {outside[:5].tolist()}; allowed: {allowed}")
