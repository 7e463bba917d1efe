"""An epoch of Fashion-MNIST: ours, the same steps on one fixed batch, and the loop of PyTorch's tutorials."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, Normalize, ToTensor

from bakeoff.data.batches import Batches
from bakeoff.data.sources.idx import read_idx
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture, Optimizer, Recipe
from bakeoff.study.metrics import METRICS
from bakeoff.training.devices import make_deterministic, memory_format, synchronize
from bakeoff.training.losses import build_losses
from bakeoff.training.scoring import Scoring
from bakeoff.training.state import Progress, Settings, Splits
from bakeoff.training.trainer import Checkpoint, Trainer
from table import Row
from timing import THREADS, in_turns, seconds_of

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
MEAN, STD = [0.2860], [0.3530]
BATCH = 128
SGD = {"lr": 0.05, "momentum": 0.9}
CONVOLUTIONS = [{"conv": 10, "kernel": 5}, {"pool": 2}, "relu", {"conv": 20, "kernel": 5}, {"pool": 2}, "relu"]
PERCEPTRON = {"model": "mlp", "hidden": [60, 60], "batch_norm": True}
CNN = {"model": "convnet", "layers": CONVOLUTIONS, "hidden": [60], "hidden_batch_norm": True}


@dataclass(frozen=True)
class Task:
    """A model that is to be trained on images: uint8 [N, 1, 28, 28] and their int64 labels [N]."""

    architecture: Architecture
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    device: torch.device


def measure() -> list[Row]:
    """On the CPU."""
    return [
        *rows_of("epoch of Fashion-MNIST, perceptron, 51,610 parameters", PERCEPTRON, torch.device("cpu"), "≥ 10×"),
        *rows_of("epoch of Fashion-MNIST, two-convolution CNN", CNN, torch.device("cpu"), "≥ 2.5×"),
    ]


def rows_of(
    what: str, architecture: dict[str, object], device: torch.device, goal: str, goal_of_steps: str = "≤ 1.25×"
) -> list[Row]:
    """A row for each peer; `goal` is that of the ratio to the DataLoader loop."""
    make_deterministic(device, THREADS)
    task = Task(Architecture.model_validate(architecture), *fashion_mnist(), device)
    ours(task)  # warm-up
    rounds = in_turns(*(partial(way, task) for way in (ours, fixed_batch, tutorial)))
    mine, fixed, loop = (f"{seconds:.2f} s" for seconds in rounds.medians())
    return [
        Row(what, mine, f"DataLoader loop {loop}", f"{rounds.ratio(of=2, to=0):.1f}× faster", goal),
        Row(what, mine, f"fixed batch {fixed}", f"{rounds.ratio(of=0, to=1):.2f}×", goal_of_steps),
    ]


def fashion_mnist() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Its training images, or noise where they are not installed: the time does not depend on what images show."""
    if not FASHION_MNIST.exists():
        random = np.random.default_rng(0)
        return random.integers(0, 256, (60_000, 1, 28, 28), dtype=np.uint8), random.integers(0, 10, 60_000)
    files = (FASHION_MNIST / f"train-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1"))
    images, labels = (np.array(read_idx(file)) for file in files)
    return images.reshape(-1, 1, 28, 28), labels.astype(np.int64)


def ours(task: Task) -> float:
    """Seconds of the faster of two epochs."""
    network, layout = build(task)

    def batches(count: int) -> Batches:
        pixels, labels = task.pixels[:count], task.labels[:count]
        return Batches(pixels, labels, BATCH, task.device, MEAN, STD, channels_last=layout == torch.channels_last)

    few = batches(BATCH)
    return min(train_two_epochs(network, {"train": batches(len(task.pixels)), "validation": few}, task))


def train_two_epochs(network: nn.Module, splits: Splits, task: Task) -> list[float]:
    """Train a network as a run does; the seconds of each epoch."""
    recipe = Recipe(epochs=2, batch_size=BATCH)
    optimizer = Optimizer.model_validate({"name": "SGD", **SGD})
    losses = build_losses(recipe, "multi-class", torch.tensor(task.labels))
    settings = Settings(
        recipe=recipe, optimizer=optimizer, metric=METRICS["accuracy"], losses=losses, scoring=Scoring(), seed=0
    )
    with tempfile.TemporaryDirectory() as folder:  # training goes on from a checkpoint that it finds
        trainer = Trainer(
            network, splits, settings, Checkpoint(Path(folder) / "checkpoint.pt"), task.device, Progress()
        )
        trainer.train()
    return [row["seconds"] for row in trainer.progress.history]


def fixed_batch(task: Task) -> float:
    """Seconds of as many steps as an epoch has, all on one batch, in the same memory layout as ours."""
    network, layout = build(task)
    pixels, labels = torch.tensor(task.pixels[:BATCH]), torch.tensor(task.labels[:BATCH])
    batch = ((pixels.float() / 255 - MEAN[0]) / STD[0]).to(task.device, memory_format=layout)
    batches = [(batch, labels.to(task.device))] * -(-len(task.pixels) // BATCH)
    return seconds_of(partial(take_steps, network, batches, task.device))


def tutorial(task: Task) -> float:
    """Seconds of an epoch with two workers, `ToTensor` and `Normalize`."""
    network, _ = build(task, torch.contiguous_format)
    loader = DataLoader(TutorialImages(task.pixels, task.labels), BATCH, shuffle=True, num_workers=2)
    return seconds_of(partial(take_steps, network, loader, task.device))


class TutorialImages(Dataset[tuple[Tensor, int]]):
    """As torchvision's FashionMNIST gives images: a PIL image made from the array, then the transforms."""

    def __init__(self, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self.pixels, self.labels = pixels, labels
        self.transform = Compose([ToTensor(), Normalize(MEAN, STD)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index, 0])), int(self.labels[index])


def build(task: Task, layout: torch.memory_format | None = None) -> tuple[nn.Module, torch.memory_format]:
    """A new network on the device, in the memory layout that a run would choose unless another is given."""
    torch.manual_seed(0)
    network = build_model(task.architecture, ImageShape(1, 28, 28, 10))
    layout = layout or memory_format(None, network, task.device, "float32")
    return network.to(task.device, memory_format=layout), layout


def take_steps(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], device: torch.device) -> None:
    """One step of SGD on each batch."""
    optimizer = torch.optim.SGD(network.parameters(), **SGD)
    for images, targets in batches:
        optimizer.zero_grad()
        cross_entropy(network(images.to(device)), targets.to(device)).backward()
        optimizer.step()
    synchronize(device)
