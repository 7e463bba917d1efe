"""Images of prepared data for figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study

Images = NDArray[np.uint8]  # [N, channels, height, width]


def split_images(study: Study, dataset: str, split: str) -> Images | None:
    """The images of a split, mapped from disk; None if the data are not prepared here."""
    path = data_folder(study, dataset) / f"{split}_images.npy"
    return np.load(path, mmap_mode="r") if path.exists() else None


def samples_by_class(
    study: Study, dataset: str, card: Mapping[str, Any], most_classes: int, each: int
) -> Images | None:
    """The first images of each class in the training split, [classes, each, C, H, W]; white where there are fewer."""
    images = split_images(study, dataset, "train")
    if images is None:
        return None
    labels = np.load(data_folder(study, dataset) / "train_labels.npy", mmap_mode="r")
    classes = min(most_classes, len(card["classes"]))
    found = np.full((classes, each, *images.shape[1:]), 255, np.uint8)
    for index in range(classes):
        members = labels == index if labels.ndim == 1 else labels[:, index] == 1
        rows = np.flatnonzero(members)[:each]
        found[index, : len(rows)] = images[rows]
    return found


def mosaic(images: Images, largest: int = 64) -> Images:
    """Rows of images [rows, columns, C, H, W] as one picture [height, width, 3], each at most `largest` pixels wide."""
    rows, columns, channels, height, width = images.shape
    scale = min(1.0, largest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gap = max(1, size[0] // 16)
    sheet = np.full((rows * (size[1] + gap) - gap, columns * (size[0] + gap) - gap, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            pixels = images[row, column].transpose(1, 2, 0)
            pixels = np.repeat(pixels, 3, 2) if channels == 1 else pixels[:, :, :3]
            if scale < 1:
                pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
            top, left = row * (size[1] + gap), column * (size[0] + gap)
            sheet[top : top + size[1], left : left + size[0]] = pixels
    return sheet
