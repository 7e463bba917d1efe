"""The card of a prepared dataset: what it says, reading it, and checking the arrays against it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.choose import Split
from bakeoff.data.duplicates import find_duplicates
from bakeoff.data.source import Labels, SourceData
from bakeoff.data.splits import count_labels
from bakeoff.errors import BakeoffError
from bakeoff.files import describe_file
from bakeoff.study.metrics import IGNORED
from bakeoff.study.specification import DatasetSpecification

CARD = "card.json"
REQUIRED_KEYS = {"files", "entry", "split_seed", "task", "shape", "classes", "counts"}

Card = dict[str, Any]


class DamagedData(BakeoffError):
    """Prepared data that is missing or does not match its card."""


def describe_data(specification: DatasetSpecification, data: SourceData, splits: dict[str, Split]) -> Card:
    """The card of decoded splits, without `files`.

    `shape` is [C, H, W]; `mean` and `std` are per channel of the training split, of pixels in 0..1; `counts` and
    `class_counts` (positives, for multi-label data) are per split; `duplicates` are images that two splits share.
    """
    labels = {name: split.chosen_labels for name, split in splits.items()}
    mean, std = _mean_and_std(splits["train"])
    return {
        "name": specification.name,
        "source": specification.entry.source,
        **specification.content,
        "task": data.task,
        "shape": [int(size) for size in splits["train"].array.shape[1:]],
        "classes": data.classes,
        "counts": {name: len(split) for name, split in splits.items()},
        "class_counts": {name: count_labels(array, len(data.classes)).tolist() for name, array in labels.items()},
        **(_label_counts(labels) if data.task == "multi-label" else {}),
        "mean": mean,
        "std": std,
        "files": {},
        "skipped": data.skipped,
        "duplicates": find_duplicates(splits),
        **({"warnings": data.warnings} if data.warnings else {}),
    }


def read_card(folder: Path) -> Card:
    """The card of prepared data. Raises DamagedData."""
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DamagedData(f"{path}: missing; run `bakeoff prepare STUDY DATASET` first, as snakemake does") from error
    except ValueError as error:
        raise DamagedData(f"{path}: cannot be read as a card: {error}; prepare the data again") from error
    if not isinstance(card, dict) or not card.keys() >= REQUIRED_KEYS:
        raise DamagedData(f"{path}: the card is incomplete; prepare the data again")
    return card


def verify(folder: Path, full: bool = False) -> list[str]:
    """What is wrong with prepared data; an empty list when nothing is. `full` also compares checksums."""
    try:
        card = read_card(folder)
    except DamagedData as error:
        return [str(error)]
    problems = []
    for name, expected in card["files"].items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif path.stat().st_size != expected["bytes"]:
            problems.append(f"{path}: has {path.stat().st_size} bytes, but its card says {expected['bytes']}")
        elif full and describe_file(path) != expected:
            problems.append(f"{path}: its content does not match its card (the SHA-256 checksums differ)")
    return problems


def _label_counts(labels: dict[str, Labels]) -> dict[str, Any]:
    """What only multi-label cards say. Ignored labels count neither as positive nor as negative."""
    positives = sum(int((array == 1).sum()) for array in labels.values())
    return {
        "ignored_counts": {name: (array == IGNORED).sum(axis=0).tolist() for name, array in labels.items()},
        "label_cardinality": positives / sum(map(len, labels.values())),  # mean labels per image, over all splits
    }


def _mean_and_std(split: Split) -> tuple[list[float], list[float]]:
    """Per channel, of pixels in 0..1. Counting the 256 values first makes it exact and needs little memory."""
    channels = split.array.shape[1]
    counts = np.zeros((channels, 256), np.int64)
    for chunk in split.chunks():
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(axis=1)
    return mean.tolist(), np.sqrt(variance).tolist()
