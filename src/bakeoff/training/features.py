"""Outputs of a frozen backbone: computed once for a dataset, shared by every run that trains a classifier on them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.batches import Batches
from bakeoff.data.prepare import PreparedData
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically, write_json
from bakeoff.study import Recipe
from bakeoff.training.loop import Splits, precision

SPLITS = ("train", "validation", "test")
Features = dict[str, NDArray[np.float32]]


def keep_features(
    backbone: nn.Module, images: Callable[[], Splits], recipe: Recipe, folder: Path, data: PreparedData
) -> Features:
    """The features of each split, float32 [N, features], mapped from disk; computed first when they are not there.

    `images` gives the batches, and brings the backbone to their device. Of two processes one computes and the other
    waits. Raises BakeoffError when the backbone does not give one vector for an image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        found = read_features(folder, data)
        if found is None:
            _compute(backbone, images(), recipe, folder, data)
            found = read_features(folder, data)
    if found is None:
        raise BakeoffError(f"{folder}: what was written cannot be read back; is the disk sound?")
    return found


def read_features(folder: Path, data: PreparedData) -> Features | None:
    """The features that are kept of prepared data; None unless they are whole and of this very data."""
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        features = {split: np.load(folder / f"{split}.npy", mmap_mode="c") for split in SPLITS}
        width, of_data = card["features"], card["data"]
    except (OSError, ValueError, EOFError, KeyError, TypeError):  # missing or damaged: to be computed
        return None
    fit = all(features[split].shape == (data.card["counts"][split], width) for split in SPLITS)
    return features if fit and of_data == _checksums(data) else None


def seconds_of(folder: Path) -> float:
    """How long the features took to compute."""
    return float(json.loads((folder / "card.json").read_text(encoding="utf-8"))["seconds"])


@torch.no_grad()
def _compute(backbone: nn.Module, images: Splits, recipe: Recipe, folder: Path, data: PreparedData) -> None:
    started = time.monotonic()
    (folder / "card.json").unlink(missing_ok=True)
    backbone.eval()
    width = 0
    for split in SPLITS:
        batches = getattr(images, split)
        with write_atomically(folder / f"{split}.npy") as temporary:
            width = _write(temporary, _outputs(backbone, batches, recipe), len(batches))
        print(f"features of {split}: {len(batches):,} images, {time.monotonic() - started:.1f} s", flush=True)
    seconds = time.monotonic() - started
    write_json(folder / "card.json", {"features": width, "seconds": seconds, "data": _checksums(data)})


def _outputs(backbone: nn.Module, batches: Batches, recipe: Recipe) -> Iterator[Tensor]:
    for images, _ in batches.ordered():
        with precision(recipe, images.device):
            output = backbone(images)
        if output.ndim != 2:
            raise BakeoffError(
                f"{type(backbone).__name__} gives {list(output.shape[1:])} for an image before its classifier, not one "
                "vector; its backbone cannot be frozen"
            )
        yield output.float().cpu()


def _write(path: Path, batches: Iterator[Tensor], count: int) -> int:
    """Write an .npy file in order; writing, unlike mapping, reports a full disk. Returns the width of a row."""
    width = 0
    with path.open("wb") as file:
        for batch in batches:
            if not width:
                width = batch.shape[1]
                header = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(batch.numpy(), "<f4").data)
    return width


def _checksums(data: PreparedData) -> dict[str, str]:
    return {name: file["sha256"] for name, file in data.card["files"].items() if name.endswith("images.npy")}
