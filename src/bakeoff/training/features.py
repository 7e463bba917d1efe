"""Outputs of a frozen backbone: computed once for a dataset, shared by every run that trains a classifier on them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import nn

from bakeoff.data.arrays import write_array
from bakeoff.data.batches import Batches
from bakeoff.data.prepared import PreparedData
from bakeoff.errors import BakeoffError, first_line
from bakeoff.files import remove_leftovers, write_atomically, write_json
from bakeoff.study.entries import SPLITS, Recipe
from bakeoff.training.devices import free_memory, is_out_of_memory, precision
from bakeoff.training.micro_batches import halved

Features = dict[str, NDArray[np.float32]]
# No recipe's batch size: whichever came first would decide the last bits for the others.
IMAGES_AT_A_TIME = 64


def keep_features(
    backbone: nn.Module, images: Callable[[], Mapping[str, Batches]], recipe: Recipe, folder: Path, data: PreparedData
) -> Features:
    """The features of each split, float32 [N, features], mapped from disk. Missing ones are computed.

    `images` gives the batches, and brings the backbone to their device. Of two processes one computes and the other
    waits. Raises BakeoffError when the backbone does not give one vector for an image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", is_singleton=True):  # `bakeoff features` may hold it already
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


@torch.no_grad()
def _compute(
    backbone: nn.Module, images: Mapping[str, Batches], recipe: Recipe, folder: Path, data: PreparedData
) -> None:
    started = time.monotonic()
    remove_leftovers(folder / "card.json", *(folder / f"{split}.npy" for split in SPLITS))
    (folder / "card.json").unlink(missing_ok=True)
    backbone.eval()
    width, size = 0, IMAGES_AT_A_TIME
    for split in SPLITS:
        width, size = _compute_split(backbone, images[split], recipe, folder / f"{split}.npy", size)
        print(f"features of {split}: {len(images[split]):,} images, {time.monotonic() - started:.1f} s", flush=True)
    seconds = time.monotonic() - started
    write_json(folder / "card.json", {"features": width, "seconds": seconds, "data": _checksums(data)})


def _compute_split(backbone: nn.Module, batches: Batches, recipe: Recipe, path: Path, size: int) -> tuple[int, int]:
    """Write the features of a split, `size` images at a time or, where memory does not hold so many, fewer.

    Returns the width of a row, and how many images it was at last. Raises BakeoffError when one is too many.
    """
    while True:
        try:
            with write_atomically(path) as temporary:
                _, width = write_array(temporary, _outputs(backbone, batches, recipe, size), len(batches))
                return width, size
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said, smaller = first_line(error), halved(size, least=1)
        if smaller is None:
            raise BakeoffError(
                f"{path}: memory does not hold the backbone at work on one image: {said}; take a smaller model, or "
                "smaller images"
            )
        print(f"memory does not hold {size} images: {said}; in parts of {smaller}", flush=True)
        size = smaller
        free_memory(batches.device)


def _outputs(backbone: nn.Module, batches: Batches, recipe: Recipe, size: int) -> Iterator[NDArray[np.float32]]:
    for images, _ in batches.ordered(size):
        with precision(recipe, images.device):
            output = backbone(images)
        if output.ndim != 2:
            raise BakeoffError(
                f"{type(backbone).__name__} gives {list(output.shape[1:])} for an image before its classifier, not one "
                "vector; its backbone cannot be frozen"
            )
        yield output.float().cpu().numpy()


def _checksums(data: PreparedData) -> dict[str, str]:
    return {name: file["sha256"] for name, file in data.card["files"].items() if name.endswith("images.npy")}
