"""Images of generated datasets: a grating of its own colour, direction and fineness for every class, under noise."""

import colorsys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.source import Pixels

Indicators = NDArray[np.bool_]  # [N, K]: which of the classes or labels are in an image


def pictures(labels: Indicators, height: int, width: int, random: np.random.Generator) -> Pixels:
    """Images uint8 [N, height, width, 3] of `labels`: the sum of a grating for each label, and noise."""
    count, classes = labels.shape
    y, x = np.mgrid[:height, :width] / max(height, width)
    gratings = np.empty((classes, height, width, 3))
    for label in range(classes):
        angle, waves = np.pi * label / classes, 2 + label % 3
        wave = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)))
        color = np.array(colorsys.hsv_to_rgb(label / classes, 1, 1)) - 0.4
        gratings[label] = (1 + wave)[..., None] * color
    noise = random.normal(0, 20, (count, height, width, 3))
    images = 110 + 90 * np.tensordot(labels.astype(np.float64), gratings, 1) + noise
    return np.clip(images, 0, 255).astype(np.uint8)


def of_classes(classes: int, each: int) -> tuple[NDArray[np.int64], Indicators]:
    """`each` images of every class, in turn: class numbers [N], and the same as [N, K]."""
    numbers = np.tile(np.arange(classes), each)
    return numbers, np.eye(classes, dtype=bool)[numbers]


def of_labels(labels: int, count: int) -> Indicators:
    """One or two labels for each image, every label as often as the others."""
    rows, found = np.arange(count), np.zeros((count, labels), bool)
    found[rows, rows % labels] = True
    second = rows[rows % 2 == 0]
    found[second, (second + 3 + second // labels) % labels] = True
    return found


def save_image(pixels: Pixels, path: Path) -> None:
    """Write one image [height, width, 3] in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
