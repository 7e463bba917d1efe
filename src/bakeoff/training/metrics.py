"""Metrics of multi-class classification, on whole splits of logits."""

import torch
import torch.nn.functional as F
from torch import Tensor

Metrics = dict[str, float]
LOWER_IS_BETTER = frozenset({"loss"})


def multiclass_metrics(logits: Tensor, labels: Tensor, loss: float | None = None) -> Metrics:
    """loss, accuracy, top5_accuracy and macro_f1 of logits [N, classes] against labels [N].

    The loss is the mean cross-entropy without label smoothing unless it is given. Top-5 accuracy is 1 with
    five classes or fewer. Macro-F1 is the mean of the classes' F1 over the classes that occur in labels or
    predictions, as scikit-learn's f1_score(average="macro", zero_division=0).
    """
    logits = logits.float()
    if loss is None:
        loss = F.cross_entropy(logits, labels).item()
    predicted = logits.argmax(1)
    highest = logits.topk(min(5, logits.shape[1]), dim=1).indices
    return {
        "loss": loss,
        "accuracy": (predicted == labels).double().mean().item(),
        "top5_accuracy": (highest == labels[:, None]).any(1).double().mean().item(),
        "macro_f1": macro_f1(predicted, labels, logits.shape[1]),
    }


def macro_f1(predicted: Tensor, labels: Tensor, classes: int) -> float:
    """Mean over classes of 2·TP / (2·TP + FP + FN), of predictions [N] and labels [N]."""
    confusion = torch.bincount(labels * classes + predicted, minlength=classes * classes).view(classes, classes)
    occurrences = (confusion.sum(0) + confusion.sum(1)).double()
    present = occurrences > 0
    return (2 * confusion.diagonal().double()[present] / occurrences[present]).mean().item()


def is_better(value: float, best: float | None, metric: str, min_delta: float = 0.0) -> bool:
    """Whether `value` improves on `best` by more than `min_delta`. Equal is not better: the earlier epoch stays."""
    if best is None:
        return True
    return value < best - min_delta if metric in LOWER_IS_BETTER else value > best + min_delta
