"""Images and labels out of the dataset objects of torchvision."""

from typing import Any

import numpy as np

from bakeoff.data.decoding import Collected, collect
from bakeoff.data.source import Labels, Pixels, Request, SourceData
from bakeoff.data.sources.torchvision_classes import Wanted, open_splits
from bakeoff.errors import BakeoffError


def read_with_torchvision(wanted: Wanted) -> SourceData:
    """All splits of a class: its arrays where it holds them, else its pictures one by one. Raises NotThere."""
    splits: dict[str, tuple[Pixels, Labels]] = {}
    classes: list[str] = []
    skipped: list[str] = []
    warnings: list[str] = []
    fitted = False
    for split, dataset in open_splits(wanted):
        arrays = _arrays(dataset)
        if arrays is None:
            fitted = True
            arrays, collected = _pictures(dataset, split, wanted.request)
            skipped += collected.skipped
            warnings += collected.warnings
        splits[split] = arrays
        classes = classes or _classes(dataset)
    if not classes:
        highest = max(int(labels.max()) for _, labels in splits.values() if len(labels))
        classes = [str(label) for label in range(highest + 1)]
    return SourceData(splits, classes, fitted=fitted, skipped=skipped, warnings=warnings)


def _arrays(dataset: Any) -> tuple[Pixels, Labels] | None:
    """The images and labels that an object holds as arrays, if it does."""
    labels = getattr(dataset, "targets", getattr(dataset, "labels", None))
    images = getattr(dataset, "data", None)
    if labels is None or not hasattr(images, "shape"):
        return None
    pixels, targets = np.asarray(images), np.asarray(labels)
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(targets) != len(pixels) or targets.ndim > 2:
        return None
    if targets.ndim == 2:  # QMNIST: the class, then where the digit came from
        targets = targets[:, 0]
    return _channels_first(pixels), targets.astype(np.int64)


def _channels_first(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3:
        return pixels[:, None]
    return pixels.transpose(0, 3, 1, 2) if pixels.shape[-1] in (1, 3) else pixels


def _pictures(dataset: Any, split: str, request: Request) -> tuple[tuple[Pixels, Labels], Collected]:
    """Images, in the mode and size asked for, with their labels, and what else was found."""
    targets = np.full(len(dataset), -1, np.int64)

    def image(row: int) -> Any:
        picture, target = dataset[row]
        if isinstance(target, bool) or not hasattr(target, "__index__"):
            raise BakeoffError(
                f"{type(dataset).__name__} is no classification dataset: a target of its {split} "
                f"split is {target!r}, not the number of a class"
            )
        targets[row] = int(target)
        return picture

    collected = collect(len(dataset), image, lambda row: f"{split} image {row}", request)
    return (collected.images, targets[collected.rows]), collected


def _classes(dataset: Any) -> list[str]:
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None) or []
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]
