"""Multi-label: precision and recall at every threshold, and the thresholds that validation chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.intervals import spread
from bakeoff.results.predictions import Floats, LabelPredictions
from bakeoff.study.metrics import IGNORED

if TYPE_CHECKING:
    import pandas as pd

Indices = NDArray[np.int64]
RECALLS = 101  # levels 0, 0.01, …, 1
MOST_CURVES = 20  # with more labels than that, only the curve of all decisions
ALL_LABELS = ""  # in tables, in place of a class


@dataclass(frozen=True)
class Ranked:
    """Images from the highest score down, for each of L labels [L, N]: rank n is where n + 1 images count as predicted.

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
    scores, labels = np.ascontiguousarray(scores.T), np.ascontiguousarray(labels.T)
    known = labels != IGNORED
    lowered = np.where(known, -scores, np.inf)
    images = np.argsort(lowered, axis=1)
    ordered = np.take_along_axis(lowered, images, axis=1)
    is_positive = np.take_along_axis(labels == 1, images, axis=1).astype(float)
    is_known = np.take_along_axis(known, images, axis=1).astype(float)
    first, last = _ties(ordered)
    return Ranked(images, is_positive, is_known, is_positive.cumsum(axis=1), is_known.cumsum(axis=1), first, last)


def _ties(ordered: Floats) -> tuple[Indices, Indices]:
    """The places of the first and the last of the values equal to each, in ordered rows [L, N]."""
    count = ordered.shape[1]
    places = np.broadcast_to(np.arange(count), ordered.shape)
    starts, ends = np.ones(ordered.shape, np.bool_), np.ones(ordered.shape, np.bool_)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, count - 1)[:, ::-1], axis=1)[:, ::-1]
    return first, last


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
    """Precision at the highest threshold that reaches each recall, of scores [N] and labels [N] of 0, 1 and 255.

    NaN without a positive.
    """
    order = np.argsort(-scores[labels != IGNORED])
    ordered, true = scores[labels != IGNORED][order], labels[labels != IGNORED][order] == 1
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(order) else order
    positives, predicted = true.cumsum()[ends], ends + 1
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
