"""Losses for training and for evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import Loss, Recipe
from bakeoff.study.metrics import IGNORED, Task

LossFunction = Callable[[Tensor, Tensor], Tensor]
TASK_OF_LOSS: dict[str, Task] = {"CrossEntropyLoss": "multi-class", "BCEWithLogitsLoss": "multi-label"}


@dataclass(frozen=True)
class Losses:
    """Mean loss over a batch of logits [B, classes] and targets.

    Targets are int64 [B], or uint8 [B, labels] of 0, 1 and 255 (ignored); where images are mixed, float shares
    [B, classes]. `training` has label smoothing and weights; `plain` has neither and is what tables show. `terms` says
    how many terms the training loss of a batch is the mean of; weighted ones count with their weight.
    """

    training: LossFunction
    plain: LossFunction
    terms: Callable[[Tensor], Any] = len

    def shares(self, targets: Sequence[Tensor]) -> list[Any]:
        """Weights with which the losses of several batches add up to the loss of one batch that holds them all."""
        terms = [self.terms(batch) for batch in targets]
        total = sum(terms)
        if isinstance(total, Tensor):
            total = total.where(total > 0, torch.ones_like(total))  # nothing takes part
        return [count / total for count in terms]


def build_losses(recipe: Recipe, task: Task, labels: Tensor, classes: Sequence[str]) -> Losses:
    """The losses of a recipe on data of a task; `labels` of the training split set automatic weights.

    Raises BakeoffError when the loss does not fit the data.
    """
    check_loss(recipe, task, classes)
    if task == "multi-class":
        smoothed = partial(F.cross_entropy, label_smoothing=recipe.label_smoothing)
        if recipe.loss is None or recipe.loss.class_weights is None:
            return Losses(smoothed, F.cross_entropy)
        weights = class_weights(recipe.loss.class_weights, labels, classes)
        return Losses(partial(_weighted, smoothed, weights), F.cross_entropy, partial(_weight_of, weights))
    loss = recipe.loss or Loss(name="BCEWithLogitsLoss")
    plain = partial(binary_cross_entropy, sum_over_labels=loss.reduction == "sum")
    weighted = partial(plain, pos_weight=_positive_weights(loss, labels))
    return Losses(weighted, plain, len if loss.reduction == "sum" else _known)


def class_weights(given: str | Mapping[str, float], labels: Tensor, classes: Sequence[str]) -> Tensor:
    """The weight of each class [C], float32: as given by name, 1 where none is.

    Balanced weights are images / (classes · images of the class), as scikit-learn's compute_class_weight (King and Zeng
    2001, "Logistic regression in rare events data"), of the training labels [N].
    """
    if isinstance(given, str):
        counts = torch.bincount(labels, minlength=len(classes)).double()
        return (len(labels) / (len(classes) * counts.clamp(min=1))).float()
    return torch.tensor([given.get(name, 1.0) for name in classes], dtype=torch.float32)


def check_loss(recipe: Recipe, task: Task, classes: Sequence[str]) -> None:
    """Raise BakeoffError when a recipe's loss does not fit data of a task with these classes or labels."""
    if recipe.loss is not None and TASK_OF_LOSS[recipe.loss.name] != task:
        fitting = next(name for name, fits in TASK_OF_LOSS.items() if fits == task)
        raise BakeoffError(f"{recipe.loss.name} is no loss for {task} data; say {fitting}, or leave loss out")
    if task == "multi-label" and recipe.label_smoothing:
        raise BakeoffError("label_smoothing is for multi-class data; leave it out for multi-label data")
    weights = recipe.loss.pos_weight if recipe.loss else None
    if isinstance(weights, tuple) and len(weights) != len(classes):
        raise BakeoffError(
            f"pos_weight has {len(weights)} numbers for {len(classes)} labels; give one for each, or auto"
        )
    for name in recipe.loss.class_weights or () if recipe.loss and recipe.loss.class_weights != "balanced" else ():
        if name not in classes:
            raise BakeoffError(f"there is no class {name!r}; {nearest(name, classes)}", ["class_weights"])


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


def _weighted(loss: Callable[..., Tensor], weights: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
    """A cross-entropy with weights of classes [C], as PyTorch's: the mean over images weighs each by its class; of
    mixed targets it is the plain mean."""
    return loss(logits.float(), targets, weight=weights.to(logits.device))


def _weight_of(weights: Tensor, targets: Tensor) -> Any:
    """What the weighted loss of a batch is divided by."""
    return len(targets) if targets.is_floating_point() else weights.to(targets.device)[targets].sum()


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
