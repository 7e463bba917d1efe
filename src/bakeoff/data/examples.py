"""A few training images, as they are and as a recipe augments them, for people to look at."""

from pathlib import Path

import numpy as np
import torch

from bakeoff.data.augmentation import Augmentation
from bakeoff.data.batches import Batches
from bakeoff.data.card import Card
from bakeoff.files import write_atomically

EXAMPLES = 8


def write_examples(augmentation: Augmentation, card: Card, data: Path, path: Path) -> None:
    """Write uint8 [2, n, C, H, W]: n training images of the folder `data`, and the same augmented as in an epoch."""
    images, labels = (np.load(data / f"train_{part}.npy", mmap_mode="r") for part in ("images", "labels"))
    rows = np.linspace(0, len(images) - 1, min(EXAMPLES, len(images))).astype(int)
    chosen = torch.from_numpy(images[rows])
    batches = Batches(
        chosen, torch.from_numpy(labels[rows]), len(rows), augmentation=augmentation, classes=len(card["classes"]),
        mean=card["mean"], std=card["std"],
    )  # fmt: skip
    order, drawn = (torch.Generator().manual_seed(0) for _ in range(2))
    augmented, _, order_of_batch = next(batches.epoch(order, drawn))
    mean, std = (torch.tensor(card[name]).view(-1, 1, 1) for name in ("mean", "std"))
    pixels = ((augmented * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    pair = np.stack([chosen.numpy()[order_of_batch.numpy()], pixels.numpy()])
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, pair)
