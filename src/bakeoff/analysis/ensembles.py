"""What averaging the probabilities of an experiment's seeds brings: the ensemble beside the mean of its members."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bakeoff.analysis.classes import class_counts
from bakeoff.analysis.test_set_error import binary_loss, influences
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.results.predictions import ClassPredictions, Floats, LabelPredictions, Predictions
from bakeoff.study.metrics import AVERAGES

FEWEST_MEMBERS = 2
Scores = dict[str, Floats]  # of each run [S], by the names of metrics


def ensembles_table(predictions: Predictions, influence: Mapping[str, Floats], beta: float) -> pd.DataFrame:
    """One row per metric, for two seeds and more: the mean score of the seeds, that of their ensemble, the difference,
    and its 95 % interval for other test images and these very networks.

    `influence` is that of the test images on each seed's score [S, N], by metric.

    Multi-label decisions are made at a probability of 0.5, as those of the runs are.
    """
    if len(predictions.seeds) < FEWEST_MEMBERS:
        return pd.DataFrame()
    together, rows = predictions.ensemble, []
    members, ensemble = scores(predictions, beta), scores(together, beta)
    of_ensemble = influences(together, beta)
    for metric in members:
        mean, score = members[metric].mean(), ensemble[metric][0]
        error = np.sqrt(((of_ensemble[metric][0] - influence[metric].mean(axis=0)) ** 2).sum())
        half = ndtri((1 + CONFIDENCE) / 2) * error
        difference = score - mean
        rows.append({
            "metric": metric, "runs": len(predictions.seeds), "mean": mean, "ensemble": score,
            "difference": difference, "low": difference - half, "high": difference + half,
        })  # fmt: skip
    return pd.DataFrame(rows)


def scores(predictions: Predictions, beta: float) -> Scores:
    """The metrics of each run, of those that `influences` knows, as training/scoring.py computes them."""
    return _of_classes(predictions) if isinstance(predictions, ClassPredictions) else _of_labels(predictions, beta)


def _of_classes(predictions: ClassPredictions) -> Scores:
    images, predicted, hits = class_counts(predictions)
    occurrences = images + predicted
    f1 = np.divide(2 * hits, occurrences, out=np.full(hits.shape, np.nan), where=occurrences > 0)
    return {
        "loss": predictions.loss.mean(axis=1, dtype=float),
        "accuracy": predictions.correct.mean(axis=1),
        "top5_accuracy": predictions.in_top5.mean(axis=1),
        "macro_f1": np.nanmean(f1, axis=1),
    }


def _of_labels(predictions: LabelPredictions, beta: float) -> Scores:
    runs, known = range(len(predictions.seeds)), predictions.known
    found = {
        "loss": [binary_loss(predictions, run)[known].mean() for run in runs],
        "mean_average_precision": [_mean_average_precision(predictions, run) for run in runs],
    }
    true, guessed = predictions.labels == 1, (predictions.logits >= 0) & known
    for average, axes in zip(AVERAGES, ((0, 1), (0,), (1,)), strict=True):
        each = [_fbeta(true & guessed[run], guessed[run], true, beta, axes) for run in runs]
        found[f"fbeta_{average}"] = [values.mean() for values in each]
    return {name: np.array(values) for name, values in found.items()}


def _mean_average_precision(predictions: LabelPredictions, run: int) -> float:
    """Over labels with a positive image."""
    from sklearn.metrics import average_precision_score

    known, positive = predictions.known, predictions.labels == 1
    return float(np.mean([
        average_precision_score(positive[known[:, label], label], predictions.logits[run, known[:, label], label])
        for label in np.flatnonzero(positive.any(axis=0))
    ]))  # fmt: skip


def _fbeta(hits: Floats, predicted: Floats, true: Floats, beta: float, axes: tuple[int, ...]) -> Floats:
    """(1 + β²)·TP / (β²·(TP + FN) + TP + FP) over some axes; 0 where nothing is true or predicted."""
    denominator = beta**2 * true.sum(axis=axes) + predicted.sum(axis=axes)
    found: Floats = (1 + beta**2) * hits.sum(axis=axes) / np.where(denominator > 0, denominator, 1.0)
    return found
