"""Multi-label data: precision-recall curves, and the thresholds that validation chose."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.analysis.intervals import spread
from bakeoff.results.predictions import Floats, LabelPredictions
from bakeoff.study.metrics import IGNORED

RECALLS = 101  # levels 0, 0.01, …, 1
MOST_CURVES = 20  # with more labels than that, only the curve of all decisions
ALL_LABELS = ""  # stands for all labels together where tables name a class


def precision_recall_table(predictions: LabelPredictions, names: Sequence[str]) -> pd.DataFrame:
    """Mean precision over runs at levels of recall, of all decisions (class "") and of each of up to 20 labels."""
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
    """Precision at the highest threshold that reaches each recall, for scores [N] and labels [N] of 0, 1 and 255.

    NaN without a positive. The same as from scikit-learn's precision_recall_curve, in a tenth of its time: a study
    takes a curve for each run and label.
    """
    order = np.argsort(-scores[labels != IGNORED])
    ordered, true = scores[labels != IGNORED][order], labels[labels != IGNORED][order] == 1
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(order) else order
    positives, predicted = true.cumsum()[ends], ends + 1
    if not len(positives) or positives[-1] == 0:
        return np.full(len(recalls), np.nan)
    reached = np.searchsorted(positives, recalls * positives[-1] - 1e-9)
    return positives[reached] / predicted[reached]


def thresholds_table(predictions: LabelPredictions, names: Sequence[str]) -> pd.DataFrame:
    """Thresholds that validation chose, for all labels (class "") and for each: mean and deviation over runs."""
    values = np.column_stack([predictions.threshold, predictions.thresholds])
    found = spread(values.T)
    return pd.DataFrame({"class": [ALL_LABELS, *names], "threshold": found.mean, "threshold_std": found.deviation})
