"""Metrics of whole splits of logits."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from bakeoff.study.metrics import AVERAGES, IGNORED, Task

MetricValues = dict[str, float]


@dataclass(frozen=True)
class Scoring:
    """How predictions of a study are scored. `own`: the plugins' metrics, of logits and labels."""

    task: Task = "multi-class"
    beta: float = 1.0
    own: dict[str, Callable[[Tensor, Tensor], float]] = field(default_factory=dict)

    def __call__(self, logits: Tensor, labels: Tensor, loss: float) -> MetricValues:
        """The metrics of logits [N, classes] against labels [N], or [N, labels] for multi-label data."""
        logits, multiclass = logits.float(), self.task == "multi-class"
        found = multiclass_metrics(logits, labels) if multiclass else multilabel_metrics(logits, labels, self.beta)
        return {"loss": loss} | found | {name: float(metric(logits, labels)) for name, metric in self.own.items()}


def multiclass_metrics(logits: Tensor, labels: Tensor) -> MetricValues:
    """accuracy, top5_accuracy and macro_f1 of logits [N, classes] against labels [N].

    Top-5 accuracy is 1 with five classes or fewer. Macro-F1 is the mean of the classes' F1 over the classes that
    occur in labels or predictions, as scikit-learn's f1_score(average="macro", zero_division=0).
    """
    predicted = logits.argmax(1)
    highest = logits.topk(min(5, logits.shape[1]), dim=1).indices
    return {
        "accuracy": (predicted == labels).double().mean().item(),
        "top5_accuracy": (highest == labels[:, None]).any(1).double().mean().item(),
        "macro_f1": macro_f1(predicted, labels, logits.shape[1]),
    }


def macro_f1(predicted: Tensor, labels: Tensor, classes: int) -> float:
    """Mean over classes of 2·TP / (2·TP + FP + FN), of predictions [N] and labels [N]."""
    counts = partial(torch.bincount, minlength=classes)  # not a confusion matrix, which takes classes² numbers
    occurrences = (counts(predicted) + counts(labels)).double()
    present = occurrences > 0
    hits = counts(labels[predicted == labels]).double()
    return (2 * hits[present] / occurrences[present]).mean().item()


def multilabel_metrics(logits: Tensor, labels: Tensor, beta: float) -> MetricValues:
    """mean_average_precision, and fbeta_micro, fbeta_macro, fbeta_samples at a probability of 0.5.

    Labels [N, L] are 0, 1 or 255 (takes no part). The mean is over labels with a positive image, NaN without any.
    """
    return {
        "mean_average_precision": average_precision(logits, labels).nanmean().item(),
        **fbeta_scores(logits >= 0, labels, beta),
    }


def average_precision(scores: Tensor, labels: Tensor) -> Tensor:
    """The average precision of each label [L]: Σ (R_n − R_{n−1}) P_n over distinct scores, float64.

    As scikit-learn's average_precision_score, but NaN for a label without a positive, where precision means nothing.
    """
    positives, predicted, last = _ranked(scores, labels)[:3]
    # Equal scores share a threshold: their precision is that at the last of them.
    precision = (positives / predicted.clamp(min=1)).gather(0, last)
    gained = positives.diff(dim=0, prepend=positives.new_zeros(1, positives.shape[1]))
    return (gained * precision).sum(0) / torch.where(positives[-1] > 0, positives[-1], torch.nan)


def fbeta_scores(predicted: Tensor, labels: Tensor, beta: float) -> MetricValues:
    """F-beta of predictions [N, L] against labels [N, L], averaged in three ways.

    As scikit-learn's fbeta_score(average=..., zero_division=0): over all decisions (micro), over labels (macro), over
    images (samples); what has neither a true nor a predicted label counts 0 there.
    """
    true, guessed = labels == 1, predicted & (labels != IGNORED)
    scores = {}
    for average, axes in zip(AVERAGES, ((0, 1), (0,), (1,)), strict=True):
        hits, positive, relevant = (part.sum(axes) for part in (true & guessed, guessed, true))
        scores[f"fbeta_{average}"] = _fbeta(hits, positive, relevant, beta).mean().item()
    return scores


def choose_thresholds(logits: Tensor, labels: Tensor, beta: float) -> tuple[float, list[float]]:
    """The probabilities, from which a label counts as predicted, whose F-beta is highest.

    One for all labels, with the highest F-beta over all decisions, and one for each [L], with its own highest.
    Candidates are the predicted probabilities themselves; the highest wins a tie. A label without a positive has 0.5.
    """
    probabilities, known = logits.double().sigmoid(), labels != IGNORED
    (for_all,) = _best_thresholds(probabilities[known][:, None], labels[known][:, None], beta)
    return for_all, _best_thresholds(probabilities, labels, beta)


def tuned_metrics(logits: Tensor, labels: Tensor, beta: float, for_all: float, per_label: list[float]) -> MetricValues:
    """The F-betas at thresholds that were chosen elsewhere."""
    probabilities = logits.double().sigmoid()
    each = torch.tensor(per_label, dtype=torch.float64, device=logits.device)
    return {
        f"{metric}_{name}": value
        for name, threshold in (("global_threshold", for_all), ("label_thresholds", each))
        for metric, value in fbeta_scores(probabilities >= threshold, labels, beta).items()
    }


def is_better(value: float, best: float | None, higher: bool, min_delta: float = 0.0) -> bool:
    """Whether `value` improves on `best` by more than `min_delta`. Equal is not better: the earlier epoch stays.

    What is not finite is no value, and never better.
    """
    if best is None or not math.isfinite(value):
        return math.isfinite(value)
    return value > best + min_delta if higher else value < best - min_delta


def _ranked(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each label, at each rank from the highest score down [N, L]: positives and predictions so far (float64),
    the last rank of equal scores, and the score. Ignored images come last and count nothing."""
    known = labels != IGNORED
    scores = scores.double().masked_fill(~known, -torch.inf)
    ordered, order = scores.sort(dim=0, descending=True, stable=True)
    positives = (labels == 1).gather(0, order).double().cumsum(0)
    predicted = known.gather(0, order).double().cumsum(0)
    ranks = torch.arange(len(scores), device=scores.device)[:, None].expand_as(scores)
    ends = torch.ones_like(known)
    ends[:-1] = ordered[:-1] != ordered[1:]
    last = ranks.masked_fill(~ends, len(scores)).flip(0).cummin(0).values.flip(0)
    return positives, predicted, last, ordered


def _best_thresholds(probabilities: Tensor, labels: Tensor, beta: float) -> list[float]:
    """For each label [L]."""
    positives, predicted, last, ordered = _ranked(probabilities, labels)
    scores = _fbeta(positives, predicted, positives[-1:], beta).gather(0, last)
    best = scores.argmax(0, keepdim=True)
    chosen = ordered.gather(0, best)[0].where(positives[-1] > 0, torch.full_like(ordered[0], 0.5))
    return chosen.tolist()


def _fbeta(hits: Tensor, predicted: Tensor, true: Tensor, beta: float) -> Tensor:
    """(1 + β²)·TP / (β²·(TP + FN) + TP + FP), 0 where nothing is true or predicted."""
    denominator = beta**2 * true.double() + predicted.double()
    return (1 + beta**2) * hits.double() / denominator.where(denominator > 0, torch.ones_like(denominator))
