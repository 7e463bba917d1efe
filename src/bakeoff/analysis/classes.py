"""Scores of each class: precision, recall and F1, for multi-label data also average precision."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import spread
from bakeoff.results.predictions import ClassPredictions, Floats, Predictions


def classes_table(predictions: Predictions, names: Sequence[str]) -> pd.DataFrame:
    """One row per class: its test images, and mean and standard deviation over runs of its scores.

    Multi-label decisions are made at a probability of 0.5. A class that is never predicted has precision 0. A class
    without a test image has no scores.
    """
    if isinstance(predictions, ClassPredictions):
        images, predicted, hits = class_counts(predictions)
        precisions = np.full(hits.shape, np.nan)
    else:
        true, guessed = predictions.labels == 1, (predictions.logits >= 0) & predictions.known
        images, predicted, hits = true.sum(axis=0), guessed.sum(axis=1), (guessed & true).sum(axis=1)
        precisions = predictions.average_precision
    occurring = np.where(images > 0, images, np.nan)
    scores = {  # of each run [S, K]
        "precision": np.where(images > 0, hits / np.maximum(predicted, 1), np.nan),
        "recall": hits / occurring,
        "f1": 2 * hits / (predicted + occurring),
        "average_precision": precisions,
    }
    table = pd.DataFrame({"class": list(names), "images": images.astype(float)})
    for name, values in scores.items():
        over_runs = spread(values.T)
        table[name], table[f"{name}_std"] = over_runs.mean, over_runs.deviation
    return table


def class_counts(predictions: ClassPredictions) -> tuple[Floats, Floats, Floats]:
    """Images of each class [K]; how often each run predicts it, and how often correctly [S, K]."""
    labels, counts = predictions.labels, partial(np.bincount, minlength=predictions.classes)
    predicted = np.stack([counts(run) for run in predictions.predicted])
    return counts(labels), predicted, np.stack([counts(labels[labels == run]) for run in predictions.predicted])
