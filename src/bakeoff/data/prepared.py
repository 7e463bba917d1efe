"""Prepared arrays as training uses them: mapped from disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.card import Card, DamagedData, read_card
from bakeoff.data.source import Labels, Pixels, label_layout
from bakeoff.study.entries import SPLITS


@dataclass(frozen=True)
class PreparedData:
    """A card, and for each split the images uint8 [N, C, H, W] and labels, mapped from disk.

    Labels are int64 [N], or for the task "multi-label" uint8 [N, L] of 0, 1 and IGNORED (255).
    """

    card: Card
    splits: dict[str, tuple[Pixels, Labels]]


def load_prepared(folder: Path) -> PreparedData:
    """The prepared data of a folder. Raises DamagedData naming the file."""
    card = read_card(folder)
    splits = {}
    for split in SPLITS:
        count = card["counts"][split]
        splits[split] = (
            _mapped(folder / f"{split}_images.npy", np.dtype(np.uint8), (count, *card["shape"])),
            _mapped(folder / f"{split}_labels.npy", *label_layout(card["task"], count, len(card["classes"]))),
        )
    return PreparedData(card, splits)


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        # Copy on write: torch wants arrays that it may write to, and the file must not change.
        array: NDArray[Any] = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as error:
        raise DamagedData(f"{path}: cannot be read: {error}") from error
    if array.dtype != dtype or array.shape != shape:
        raise DamagedData(f"{path}: holds {array.dtype} {array.shape}, but its card says {dtype} {shape}")
    return array
