"""Losses for training and for evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Loss, Recipe
from bakeoff.study.metrics import IGNORED, Task

LossFunction = Callable[[Tensor, Tensor], Tensor]
TASK_OF_LOSS: dict[str, Task] = {"CrossEntropyLoss": "multi-class", "BCEWithLogitsLoss": "multi-label"}


@dataclass(frozen=True)
class Losses:
    """Mean loss over a batch of logits [B, classes] and targets.

    Targets are int64 [B], or uint8 [B, labels] of 0, 1 and 255 (ignored); where images are mixed, float shares
    [B, classes]. `training` has label smoothing and positive weights; `plain` has neither and is what tables show.
    `terms` says how many terms the training loss of a batch is the mean of.
    """

    training: LossFunction
    plain: LossFunction
    terms: Callable[[Tensor], Any] = len

    def shares(self, targets: Sequence[Tensor]) -> list[Any]:
        """Weights with which the losses of several batches add up to the loss of one batch that holds them all."""
        terms = [self.terms(batch) for batch in targets]
        total = sum(terms)
        return [count / (total.clamp(min=1) if isinstance(total, Tensor) else total) for count in terms]


def build_losses(recipe: Recipe, task: Task, labels: Tensor) -> Losses:
    """The losses of a recipe on data of a task; `labels` of the training split set automatic weights.

    Raises BakeoffError when the loss is for the other task.
    """
    check_loss(recipe, task, labels.shape[1] if labels.ndim == 2 else 0)
    if task == "multi-class":
        return Losses(partial(F.cross_entropy, label_smoothing=recipe.label_smoothing), F.cross_entropy)
    loss = recipe.loss or Loss(name="BCEWithLogitsLoss")
    plain = partial(binary_cross_entropy, sum_over_labels=loss.reduction == "sum")
    weighted = partial(plain, pos_weight=_positive_weights(loss, labels))
    return Losses(weighted, plain, len if loss.reduction == "sum" else _known)


def check_loss(recipe: Recipe, task: Task, labels: int) -> None:
    """Raise BakeoffError when a recipe's loss does not fit data of a task with so many labels."""
    if recipe.loss is not None and TASK_OF_LOSS[recipe.loss.name] != task:
        fitting = next(name for name, fits in TASK_OF_LOSS.items() if fits == task)
        raise BakeoffError(f"{recipe.loss.name} is no loss for {task} data; say {fitting}, or leave loss out")
    if task == "multi-label" and recipe.label_smoothing:
        raise BakeoffError("label_smoothing is for multi-class data; leave it out for multi-label data")
    weights = recipe.loss.pos_weight if recipe.loss else None
    if isinstance(weights, tuple) and len(weights) != labels:
        raise BakeoffError(f"pos_weight has {len(weights)} numbers for {labels} labels; give one for each, or auto")


def binary_cross_entropy(
    logits: Tensor, targets: Tensor, sum_over_labels: bool = False, pos_weight: Tensor | None = None
) -> Tensor:
    """BCEWithLogitsLoss: the mean over images of its mean, or sum, over labels; targets of 255 take no part.

    The mean is over all that take part, as PyTorch's; `pos_weight` is one number for each label.
    """
    ignored = targets == IGNORED
    wanted = targets.masked_fill(ignored, 0).to(logits.dtype)
    weight = None if pos_weight is None else pos_weight.to(logits)
    each = F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weight, reduction="none")
    total = each.masked_fill(ignored, 0).sum()
    return total / (len(targets) if sum_over_labels else _known(targets).clamp(min=1))


def _known(targets: Tensor) -> Tensor:
    """How many labels of a batch take part."""
    return (targets != IGNORED).sum()


def _positive_weights(loss: Loss, labels: Tensor) -> Tensor | None:
    if loss.pos_weight is None:
        return None
    if loss.pos_weight == "auto":
        positive, negative = (labels == 1).sum(0).double(), (labels == 0).sum(0).double()
        return (negative / positive.clamp(min=1)).float()
    return torch.tensor(loss.pos_weight, dtype=torch.float32).expand(labels.shape[1])
