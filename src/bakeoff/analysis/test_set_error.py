"""The standard error that a finite test set gives a metric, whatever the seeds do.

It comes from the infinitesimal jackknife (Jaeckel 1972; Efron 1982, "The jackknife, the bootstrap and other resampling
plans"). The influence of an image is how the metric changes with the image's weight, per unit of weight. Influences sum
to zero, and the root of the sum of their squares is the standard error. For a mean over images this is the textbook's
formula; for accuracy it is exactly the binomial √(p(1-p)/N).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.results.predictions import Bools, ClassPredictions, Floats, LabelPredictions, Predictions
from bakeoff.study.metrics import IGNORED


def influences(predictions: Predictions, beta: float = 1.0) -> dict[str, Floats]:
    """The influences of the N test images on each metric that has a formula here, float64 [S, N]."""
    if isinstance(predictions, ClassPredictions):
        return {
            "loss": of_mean(predictions.loss),
            "accuracy": of_mean(predictions.correct),
            "top5_accuracy": of_mean(predictions.in_top5),
            "macro_f1": np.stack([of_macro_f1(predictions, run) for run in range(len(predictions.seeds))]),
        }
    found: dict[str, Callable[[LabelPredictions, int], Floats]] = {
        "loss": _of_binary_loss,
        "mean_average_precision": of_mean_average_precision,
        "fbeta_micro": lambda these, run: _of_fbeta(these, run, beta, "micro"),
        "fbeta_macro": lambda these, run: _of_fbeta(these, run, beta, "macro"),
        "fbeta_samples": lambda these, run: _of_fbeta(these, run, beta, "samples"),
    }
    return {
        name: np.stack([function(predictions, run) for run in range(len(predictions.seeds))])
        for name, function in found.items()
    }


def standard_error(influence: Floats) -> float:
    """The standard error of one run's metric, from influences [S, N]: root mean square over runs."""
    return float(np.sqrt((influence**2).sum(axis=1).mean()))


def of_mean(values: Floats | Bools) -> Floats:
    """Influences on the mean over images of values [S, N]: (value - mean) / N."""
    exact = values.astype(float)
    return (exact - exact.mean(axis=1, keepdims=True)) / exact.shape[1]


def of_macro_f1(predictions: ClassPredictions, run: int) -> Floats:
    """Influences [N] on the mean over classes of F1 = 2·hits / (true + predicted), of classes that occur."""
    labels, predicted = predictions.labels, predictions.predicted[run]
    hits = np.bincount(labels[labels == predicted], minlength=predictions.classes)
    occurrences = np.bincount(labels, minlength=predictions.classes) + np.bincount(
        predicted, minlength=predictions.classes
    )
    present = (occurrences > 0).sum()
    each = 1 / np.maximum(occurrences, 1)
    f1 = 2 * hits * each
    # An image adds to the denominators of its class and its predicted class, and to the numerator if they are the same.
    found: Floats = 2 * (labels == predicted) * each[labels] - (f1 * each)[labels] - (f1 * each)[predicted]
    return found / present


def of_mean_average_precision(predictions: LabelPredictions, run: int) -> Floats:
    """Influences [N] on the mean of the average precisions of the labels that have a positive image."""
    order = _sorted(predictions.logits[run], predictions.labels)
    total = np.where(order.positives[:, -1:] > 0, order.positives[:, -1:], np.nan)
    # AP = Σ over positives of (precision at their position) / P. An image's weight changes the precision at its own
    # position and all later ones: by (1 - precision) / predicted for a positive, -precision / predicted for a negative.
    predicted = np.take_along_axis(np.maximum(order.predicted, 1), order.last, axis=1)
    precision = np.take_along_axis(order.positives, order.last, axis=1) / predicted
    share = order.is_positive * precision
    below = order.is_positive / predicted
    sums = [np.take_along_axis(_sums_from(values), order.first, axis=1) for values in (below, below * precision)]
    average = share.sum(axis=1, keepdims=True) / total
    changes = share + order.is_positive * (sums[0] - average) - order.is_known * sums[1]
    by_image = np.empty_like(changes)
    np.put_along_axis(by_image, order.images, changes / total, axis=1)
    return np.nansum(by_image, axis=0) / max(1, (order.positives[:, -1] > 0).sum())


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
        return of_mean(np.divide(numerator.sum(axis=1), total, out=np.zeros(len(total)), where=total > 0)[None])[0]
    if average == "micro":
        numerator, denominator = numerator.sum(axis=1, keepdims=True), denominator.sum(axis=1, keepdims=True)
    total = denominator.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    fbeta = numerator.sum(axis=0) / safe
    return ((numerator - fbeta * denominator) / safe).mean(axis=1)


def _sums_from(values: Floats) -> Floats:
    """The sum of each position and all later ones, in rows [L, N]."""
    return values[:, ::-1].cumsum(axis=1)[:, ::-1]


@dataclass(frozen=True)
class _Sorted:
    """Images sorted for each of L labels by descending score [L, N].

    `images` are their numbers; `is_positive` and `is_known` say 0 or 1; `positives` and `predicted` count the positive
    and the known images up to each position. Equal scores share a threshold: `first` and `last` are the positions of
    the first and the last of them. Ignored images come last and count nothing.
    """

    images: NDArray[np.int64]
    is_positive: Floats
    is_known: Floats
    positives: Floats
    predicted: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def _sorted(scores: Floats, labels: NDArray[np.uint8]) -> _Sorted:
    """Sort by scores [N, L] the images with labels [N, L] of 0, 1 and 255 (ignored)."""
    scores, labels = np.ascontiguousarray(scores.T), np.ascontiguousarray(labels.T)
    known = labels != IGNORED
    lowered = np.where(known, -scores, np.inf)
    images = np.argsort(lowered, axis=1)
    ordered = np.take_along_axis(lowered, images, axis=1)
    is_positive = np.take_along_axis(labels == 1, images, axis=1).astype(float)
    is_known = np.take_along_axis(known, images, axis=1).astype(float)
    first, last = _ties(ordered)
    return _Sorted(images, is_positive, is_known, is_positive.cumsum(axis=1), is_known.cumsum(axis=1), first, last)


def _ties(ordered: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of the first and the last of the values equal to each, in sorted rows [L, N]."""
    count = ordered.shape[1]
    positions = np.broadcast_to(np.arange(count), ordered.shape)
    starts, ends = np.ones(ordered.shape, np.bool_), np.ones(ordered.shape, np.bool_)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, positions, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, positions, count - 1)[:, ::-1], axis=1)[:, ::-1]
    return first, last
