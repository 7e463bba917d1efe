"""The standard error that a finite test set gives a metric, whatever the seeds do.

It comes from the infinitesimal jackknife (Jaeckel 1972; Efron 1982, "The jackknife, the bootstrap and other resampling
plans"). The influence of an image is how the metric changes with the image's weight, per unit of weight. Influences sum
to zero, and the root of the sum of their squares is the standard error. For a mean over images this is the textbook's
formula; for accuracy it is exactly the binomial √(p(1-p)/N).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bakeoff.analysis.variance_of_means import ImageVariance, image_variance_of_score
from bakeoff.results.predictions import Bools, ClassPredictions, Floats, LabelPredictions, Predictions
from bakeoff.study.metrics import AVERAGES


@dataclass(frozen=True)
class RunInfluences:
    """The influences of N test images on the score of an experiment's runs, float32 [S, N], by their seeds."""

    seeds: tuple[int, ...]
    values: Floats


def aligned(names: Sequence[str], seeds: Sequence[int], influences: Mapping[str, RunInfluences]) -> Floats:
    """Influences [E, S, N] of experiments by seed, NaN where a run has none."""
    images = next((influences[name].values.shape[1] for name in names if name in influences), 0)
    found = np.full((len(names), len(seeds), images), np.nan, np.float32)
    for row, name in enumerate(names):
        if name in influences:
            found[row, [seeds.index(seed) for seed in influences[name].seeds]] = influences[name].values
    return found


def influences(predictions: Predictions, beta: float = 1.0) -> dict[str, Floats]:
    """The influences of the N test images on each metric that has a formula here, float64 [S, N]."""
    runs = range(len(predictions.seeds))
    if isinstance(predictions, ClassPredictions):
        return {
            "loss": _of_mean(predictions.loss),
            "accuracy": _of_mean(predictions.correct),
            "top5_accuracy": _of_mean(predictions.in_top5),
            "macro_f1": np.stack([_of_macro_f1(predictions, run) for run in runs]),
        }
    functions: dict[str, Callable[[LabelPredictions, int], Floats]] = {
        "loss": _of_binary_loss,
        "mean_average_precision": _of_mean_average_precision,
        **{f"fbeta_{average}": partial(_of_fbeta, beta=beta, average=average) for average in AVERAGES},
    }
    return {name: np.stack([function(predictions, run) for run in runs]) for name, function in functions.items()}


@dataclass(frozen=True)
class ScoreError:
    """What a finite test set does to a score: the standard error of one run's, and the variance of the mean's.

    `on_cuts` says that the latter is over cuts of the data.
    """

    of_one_run: float
    of_mean: ImageVariance
    on_cuts: bool = False


def score_error(influence: Floats) -> ScoreError:
    """From influences [S, N]; the standard error of one run is the root mean square over runs."""
    return ScoreError(float(np.sqrt((influence**2).sum(axis=1).mean())), image_variance_of_score(influence))


def _of_mean(values: Floats | Bools) -> Floats:
    """Influences on the mean over images of values [S, N]: (value - mean) / N."""
    exact = values.astype(float)
    return (exact - exact.mean(axis=1, keepdims=True)) / exact.shape[1]


def _of_macro_f1(predictions: ClassPredictions, run: int) -> Floats:
    """Influences [N] on the mean over classes of F1 = 2·hits / (true + predicted), of classes that occur."""
    labels, predicted = predictions.labels, predictions.predicted[run]
    counts = partial(np.bincount, minlength=predictions.classes)
    hits, occurrences = counts(labels[labels == predicted]), counts(labels) + counts(predicted)
    present = (occurrences > 0).sum()
    each = 1 / np.maximum(occurrences, 1)
    f1 = 2 * hits * each
    # An image adds to the denominators of its class and its predicted class, and to the numerator if they are the same.
    found: Floats = 2 * (labels == predicted) * each[labels] - (f1 * each)[labels] - (f1 * each)[predicted]
    return found / present


def _of_mean_average_precision(predictions: LabelPredictions, run: int) -> Floats:
    """Influences [N] on the mean of the average precisions of the labels that have a positive image."""
    positive = predictions.labels == 1
    occurring = np.flatnonzero(positive.any(axis=0))
    found = np.zeros(len(positive))
    for label in occurring:
        # Ignored images come last and count nothing.
        lowered = np.where(predictions.known[:, label], -predictions.logits[run, :, label], np.inf)
        found += _of_average_precision(lowered, positive[:, label])
    return found / max(1, len(occurring))


def _of_average_precision(lowered: Floats, positive: Bools) -> Floats:
    """Influences [N] on the average precision of one label, from negated scores [N] and whether images are positive.

    AP = Σ over positives of (precision at their position) / P. An image's weight changes the precision at its own
    position and all later ones: by (1 - precision) / predicted for a positive, -precision / predicted for a negative.
    """
    order = np.argsort(lowered)
    ordered, true = lowered[order], positive[order].astype(float)
    # Equal scores share a threshold: the position of the first of them, and how many images are predicted with it.
    first, predicted = np.searchsorted(ordered, ordered, "left"), np.searchsorted(ordered, ordered, "right")
    precision = true.cumsum()[predicted - 1] / predicted
    below = true / predicted
    sums = [values[::-1].cumsum()[::-1][first] for values in (below, below * precision)]  # from there on
    average = (true * precision).sum() / true.sum()
    changes = np.empty(len(order))
    changes[order] = (true * precision + true * (sums[0] - average) - sums[1]) / true.sum()
    return changes


def _of_binary_loss(predictions: LabelPredictions, run: int) -> Floats:
    """Influences [N] on the binary cross-entropy, the mean over all known labels of all images."""
    loss = np.where(predictions.known, binary_loss(predictions, run), 0.0)
    count = predictions.known.sum(axis=1)
    total = max(1, int(count.sum()))
    return (loss.sum(axis=1) - loss.sum() / total * count) / total


def binary_loss(predictions: LabelPredictions, run: int) -> Floats:
    """The binary cross-entropy of each label of each image [N, L]; meaningless for ignored labels."""
    logits = predictions.logits[run].astype(float)
    return np.logaddexp(0, np.where(predictions.labels == 1, -logits, logits))


def _of_fbeta(predictions: LabelPredictions, run: int, beta: float, average: str) -> Floats:
    """Influences [N] on F-beta at a probability of 0.5, averaged as scikit-learn's fbeta_score does."""
    true = predictions.labels == 1
    guessed = (predictions.logits[run] >= 0) & predictions.known
    numerator = (1 + beta**2) * (true & guessed)
    denominator = beta**2 * true + guessed.astype(float)
    if average == "samples":
        total = denominator.sum(axis=1)
        return _of_mean(np.divide(numerator.sum(axis=1), total, out=np.zeros(len(total)), where=total > 0)[None])[0]
    if average == "micro":
        numerator, denominator = numerator.sum(axis=1, keepdims=True), denominator.sum(axis=1, keepdims=True)
    total = denominator.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    fbeta = numerator.sum(axis=0) / safe
    return ((numerator - fbeta * denominator) / safe).mean(axis=1)
