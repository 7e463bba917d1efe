"""Augmented batches of images of CIFAR's size, and torchvision's transforms image by image in a DataLoader."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches
from table import Row
from timing import THREADS, in_turns, seconds_per_image

SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class Chain:
    """The same transforms, as a study names them and as torchvision's objects."""

    name: str
    images: int
    ours: list[tuple[str, dict[str, object]]]
    theirs: list[nn.Module]
    goal: str


CHAINS = [
    Chain(
        "crop and flip",
        50_000,
        [("RandomCrop", {"size": 32, "padding": 4}), ("RandomHorizontalFlip", {})],
        [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()],
        "≥ 4×",
    ),
    Chain(
        "colour jitter, rotation and blur",
        5_000,
        [
            ("ColorJitter", {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.1}),
            ("RandomRotation", {"degrees": 10}),
            ("GaussianBlur", {"kernel_size": 5}),
        ],
        [v2.ColorJitter(0.2, 0.2, 0.2, 0.1), v2.RandomRotation(10), v2.GaussianBlur(5)],
        "",
    ),
]


def measure() -> list[Row]:
    """A row for each chain of transforms."""
    torch.set_num_threads(THREADS)
    return [row_of(chain) for chain in CHAINS]


def row_of(chain: Chain) -> Row:
    pixels = np.random.default_rng(0).integers(0, 256, (chain.images, *SHAPE), dtype=np.uint8)
    labels = np.zeros(len(pixels), np.int64)
    batches = Batches(pixels, labels, 128, augmentation=build_augmentation(chain.ours, SHAPE))
    loader = DataLoader(TransformedImages(pixels, chain.theirs), batch_size=128, shuffle=True, num_workers=2)

    def batched() -> float:
        return chain.images * seconds_per_image(batches.epoch(torch.Generator(), torch.Generator()))

    def image_by_image() -> float:
        return chain.images * seconds_per_image(loader)

    batched()  # warm-up
    rounds = in_turns(batched, image_by_image)
    mine, peer = rounds.medians()
    return Row(
        f"{chain.name}, {chain.images:,} images of 32×32",
        f"{mine:.2f} s",
        f"DataLoader, 2 workers {peer:.2f} s",
        f"{rounds.ratio(of=1, to=0):.0f}× faster",
        chain.goal,
    )


class TransformedImages(Dataset[tuple[Tensor, int]]):
    """uint8 tensors through a chain of torchvision's transforms."""

    def __init__(self, pixels: np.ndarray, chain: list[nn.Module]) -> None:
        self.pixels = pixels
        self.chain = v2.Compose([*chain, v2.ToDtype(torch.float32, scale=True)])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.chain(torch.from_numpy(self.pixels[index])), 0
