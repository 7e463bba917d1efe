"""What decides how a network is trained and scored, and the forward passes that follow from it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.batches import Batches, FeatureBatches
from bakeoff.errors import Stopped
from bakeoff.models.freezing import Freeze
from bakeoff.study.entries import Optimizer, Recipe
from bakeoff.study.metrics import Metric
from bakeoff.training.losses import Losses
from bakeoff.training.scoring import MetricValues, Scoring


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`metric` chooses the best epoch. `freeze` says which layers of the trained network stay as they are.

    `micro_batch` is the number of images in one forward pass, where memory does not hold a whole batch.
    """

    recipe: Recipe
    optimizer: Optimizer
    metric: Metric
    losses: Losses
    scoring: Scoring
    seed: int
    freeze: Freeze = None
    micro_batch: int | None = None


def never() -> bool:
    """Nobody asks to stop."""
    return False


@torch.no_grad()
def predict(
    network: nn.Module, batches: Batches | FeatureBatches, settings: Settings, stop: Callable[[], bool] = never
) -> tuple[Tensor, Tensor]:
    """Logits [N, classes] in float32 and labels of a split, in its order, on the device.

    Raises Stopped when `stop`, which is asked before each batch, says so.
    """
    network.eval()
    logits, labels = [], []
    for images, targets in batches.ordered(settings.micro_batch):
        if stop():
            raise Stopped("stopped after the last epoch; start again to go on")
        with precision(settings.recipe, images.device):
            logits.append(network(images).float())
        labels.append(targets)
    return torch.cat(logits), torch.cat(labels)


def score(logits: Tensor, labels: Tensor, settings: Settings) -> MetricValues:
    """The metrics of logits [N, classes], with the loss as it is without label smoothing and weights."""
    return settings.scoring(logits, labels, settings.losses.plain(logits, labels).item())


def precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    """The arithmetic of a forward pass."""
    if recipe.precision == "float32":
        return nullcontext()  # autocast costs microseconds at each step even when it is switched off
    return torch.autocast(device.type, dtype=torch.bfloat16)
