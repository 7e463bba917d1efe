"""Images of prepared data for figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study

SAMPLED_CLASSES = 20
SAMPLES_OF_A_CLASS = 10
LONGEST_SHAPE = 1.5  # of the room for an image: a strip of 1024×16 pixels would make a figure of metres
Images = NDArray[np.uint8]  # [N, channels, height, width]


def split_images(study: Study, dataset: str, split: str) -> Images | None:
    """The images of a split, mapped from disk; None if the data are not prepared here."""
    path = data_folder(study, dataset) / f"{split}_images.npy"
    return np.load(path, mmap_mode="r") if path.exists() else None


def samples_by_class(study: Study, dataset: str, card: Mapping[str, Any]) -> Images | None:
    """The first 10 images in the training split of each of the first 20 classes, [classes, 10, C, H, W].

    White where a class has fewer.
    """
    images = split_images(study, dataset, "train")
    if images is None:
        return None
    labels = np.load(data_folder(study, dataset) / "train_labels.npy", mmap_mode="r")
    classes = min(SAMPLED_CLASSES, len(card["classes"]))
    found = np.full((classes, SAMPLES_OF_A_CLASS, *images.shape[1:]), 255, np.uint8)
    for index in range(classes):
        members = labels == index if labels.ndim == 1 else labels[:, index] == 1
        rows = np.flatnonzero(members)[:SAMPLES_OF_A_CLASS]
        found[index, : len(rows)] = images[rows]
    return found


def shape_on_paper(images: Images) -> float:
    """Height / width of the room for an image: that of images [..., H, W], but no strip."""
    height, width = images.shape[-2:]
    return float(np.clip(height / width, 1 / LONGEST_SHAPE, LONGEST_SHAPE))


def mosaic(images: Images, largest: int = 64) -> Images:
    """Rows of images [rows, columns, C, H, W] as one picture [height, width, 3].

    Each lies in the middle of a room of `shape_on_paper`, whose longer side has at most `largest` pixels.
    """
    rows, columns, channels, height, width = images.shape
    shape = shape_on_paper(images)
    room = np.array([1.0, shape]) * max(width, height / shape)  # width, height
    scale = min(1.0, largest / room.max())
    across, down = (max(1, round(side * scale)) for side in room)
    size = (min(across, max(1, round(width * scale))), min(down, max(1, round(height * scale))))
    gap = max(1, across // 16)
    sheet = Image.new("RGB", (columns * (across + gap) - gap, rows * (down + gap) - gap), "white")
    for row, column in np.ndindex(rows, columns):
        pixels = images[row, column].transpose(1, 2, 0)
        pixels = np.repeat(pixels, 3, 2) if channels == 1 else pixels[:, :, :3]
        picture = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
        corner = column * (across + gap) + (across - size[0]) // 2, row * (down + gap) + (down - size[1]) // 2
        sheet.paste(picture, corner)
    return np.asarray(sheet)
