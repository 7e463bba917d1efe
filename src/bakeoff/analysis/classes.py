"""Scores of each class: precision, recall and F1, for multi-label data also average precision."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import spread
from bakeoff.results.predictions import ClassPredictions, Floats, LabelPredictions, Predictions


def classes_table(predictions: Predictions, names: Sequence[str]) -> pd.DataFrame:
    """One row per class: its test images, and mean and standard deviation over runs of its scores.

    Multi-label decisions are made at a probability of 0.5. A class that is never predicted has precision 0. A class
    without a test image has no scores.
    """
    images, scores = class_scores(predictions)
    table = pd.DataFrame({"class": list(names), "images": images})
    for name, values in scores.items():
        over_runs = spread(values.T)
        table[name], table[f"{name}_std"] = over_runs.mean, over_runs.deviation
    return table


def class_scores(predictions: Predictions) -> tuple[Floats, dict[str, Floats]]:
    """The number of test images of each class [K]; precision, recall, f1 and average_precision of each run [S, K].

    Average precision is NaN for multi-class data.
    """
    if isinstance(predictions, ClassPredictions):
        images, predicted, hits = _class_counts(predictions)
        precisions = np.full(hits.shape, np.nan)
    else:
        images, predicted, hits = _label_counts(predictions)
        precisions = predictions.average_precision
    occurring = np.where(images > 0, images, np.nan)
    scores = {
        "precision": np.where(images > 0, hits / np.maximum(predicted, 1), np.nan),
        "recall": hits / occurring,
        "f1": 2 * hits / (predicted + occurring),
        "average_precision": precisions,
    }
    return images, scores


def _class_counts(predictions: ClassPredictions) -> tuple[Floats, Floats, Floats]:
    """Images of each class [K]; how often each run predicts it, and how often correctly [S, K]."""
    labels, classes = predictions.labels, predictions.classes
    predicted = [np.bincount(run, minlength=classes) for run in predictions.predicted]
    hits = [np.bincount(labels[labels == run], minlength=classes) for run in predictions.predicted]
    return np.bincount(labels, minlength=classes).astype(float), np.stack(predicted).astype(float), np.stack(hits)


def _label_counts(predictions: LabelPredictions) -> tuple[Floats, Floats, Floats]:
    """The same for labels."""
    true, guessed = predictions.labels == 1, (predictions.logits >= 0) & predictions.known
    return true.sum(axis=0).astype(float), guessed.sum(axis=1).astype(float), (guessed & true).sum(axis=1)
