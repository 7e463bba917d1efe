"""Multi-label: precision and recall at every threshold, and the thresholds that validation chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.predictions import Floats, LabelPredictions
from bakeoff.metrics import IGNORED

if TYPE_CHECKING:
    import pandas as pd

Indices = NDArray[np.int64]
RECALLS = 101  # levels 0, 0.01, …, 1
MOST_CURVES = 20  # with more labels than that, only the curve of all decisions
ALL_LABELS = ""  # in tables, in place of a class


@dataclass(frozen=True)
class Ranked:
    """Images from the highest score down, for each label [N, L]: rank n is where n + 1 images count as predicted.

    `images` are their numbers; `is_positive` and `is_known` (0 or 1) their labels; `positives` and `predicted` how many
    there are up to here. Equal scores share a threshold: `first` and `last` are the ranks of the first and last of
    them. Ignored images come last and count nothing.
    """

    images: Indices
    is_positive: Floats
    is_known: Floats
    positives: Floats
    predicted: Floats
    first: Indices
    last: Indices


def ranked(scores: Floats, labels: NDArray[np.uint8]) -> Ranked:
    """Scores [N, L] and labels [N, L] of 0, 1 and 255 (takes no part), in the order of the scores."""
    known = labels != IGNORED
    # As in training/metrics.py: single precision scores are compared as they are.
    masked = np.where(known, scores, -np.inf)
    images = np.argsort(-masked, axis=0, kind="stable")
    ordered = np.take_along_axis(masked, images, axis=0)
    is_positive = np.take_along_axis(labels == 1, images, axis=0).astype(float)
    is_known = np.take_along_axis(known, images, axis=0).astype(float)
    ranks = np.broadcast_to(np.arange(len(scores))[:, None], scores.shape)
    starts, ends = np.ones(scores.shape, np.bool_), np.ones(scores.shape, np.bool_)
    starts[1:] = ordered[1:] != ordered[:-1]
    ends[:-1] = starts[1:]
    first = np.maximum.accumulate(np.where(starts, ranks, 0), axis=0)
    last = np.minimum.accumulate(np.where(ends, ranks, len(scores) - 1)[::-1], axis=0)[::-1]
    return Ranked(images, is_positive, is_known, is_positive.cumsum(axis=0), is_known.cumsum(axis=0), first, last)


def average_precision(scores: Floats, labels: NDArray[np.uint8]) -> Floats:
    """The average precision of each label [L]: Σ (R_n - R_{n-1}) P_n over distinct scores.

    As scikit-learn's average_precision_score, but NaN for a label without a positive, where precision means nothing.
    """
    order = ranked(scores, labels)
    precision = np.take_along_axis(order.positives / np.maximum(order.predicted, 1), order.last, axis=0)
    found: Floats = (order.is_positive * precision).sum(axis=0) / np.where(
        order.positives[-1] > 0, order.positives[-1], np.nan
    )
    return found


def curves_table(predictions: LabelPredictions, names: Sequence[str]) -> "pd.DataFrame":
    """Mean precision over runs at levels of recall: of all decisions (class ""), and of each of up to 20 labels."""
    import pandas as pd

    recalls = np.linspace(0, 1, RECALLS)
    known, labels = predictions.known, predictions.labels
    curves = {ALL_LABELS: [precision_at(run[known], labels[known], recalls) for run in predictions.logits]}
    if len(names) <= MOST_CURVES:
        for index, name in enumerate(names):
            curves[name] = [precision_at(run[:, index], labels[:, index], recalls) for run in predictions.logits]
    return pd.concat(
        pd.DataFrame({"class": name, "recall": recalls, "precision": np.mean(found, axis=0)})
        for name, found in curves.items()
    )


def precision_at(scores: Floats, labels: NDArray[np.uint8], recalls: Floats) -> Floats:
    """Precision at the highest threshold that reaches each recall, of scores [N]; NaN without a positive."""
    order = ranked(scores[:, None], labels[:, None])
    ends = order.last[:, 0]
    positives, predicted = order.positives[ends, 0], order.predicted[ends, 0]
    if not len(positives) or positives[-1] == 0:
        return np.full(len(recalls), np.nan)
    reached = np.searchsorted(positives, recalls * positives[-1] - 1e-9)
    found: Floats = positives[reached] / predicted[reached]
    return found


def thresholds_table(predictions: LabelPredictions, names: Sequence[str]) -> "pd.DataFrame":
    """Mean and standard deviation over runs of thresholds chosen on validation: for all labels (class ""), for each."""
    import pandas as pd

    values = np.column_stack([predictions.threshold, predictions.thresholds])
    found = spread(values.T)
    return pd.DataFrame({"class": [ALL_LABELS, *names], "threshold": found.mean, "threshold_std": found.deviation})
