"""Whether predictions come true as often as their probabilities say."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from bakeoff.analysis.intervals import spread, wilson_interval
from bakeoff.results.predictions import ClassPredictions, Floats, LabelPredictions, Predictions

BINS = 15
FEWEST_IN_A_BIN = 10  # predictions of a run: of fewer, the share that is true says next to nothing
DRAWS = 200  # of truths that are as likely as predicted; fewer of very many predictions, which vary less
MOST_DRAWN = 2_000_000


def reliability_table(predictions: Predictions) -> pd.DataFrame:
    """Predictions of all runs in 15 bins of equal width, where a run has fewer than 10 in a bin joined with the next.

    For multi-class data the probability is that of the predicted class. For multi-label data it is that of each known
    label, so that `observed` is the share of positives. Its interval is Wilson's (1927) for the predictions of one run:
    all runs predict the same images, so that more of them say little more.
    """
    sums = _binned(predictions).sum(axis=1)
    groups = _joined_bins(sums[0] / len(predictions.seeds))
    edges, starts = np.linspace(0, 1, BINS + 1), np.array([group.start for group in groups], dtype=np.int64)
    count, probability, true = np.add.reduceat(sums, starts, axis=1) if groups else sums[:, :0]
    per_run = count / len(predictions.seeds)
    low, high = wilson_interval(true / count, per_run)
    return pd.DataFrame(
        {
            "low": edges[starts],
            "high": edges[[group.stop for group in groups]],
            "predictions": per_run,
            "probability": probability / count,
            "observed": true / count,
            "observed_low": low,
            "observed_high": high,
        }
    )


def _joined_bins(count: Floats) -> list[range]:
    """Neighbouring bins, joined until each has enough predictions; what is left over above joins the last.

    Empty bins at either end are left out.
    """
    filled = np.flatnonzero(count)
    if not len(filled):
        return []
    start, stop = int(filled[0]), int(filled[-1]) + 1
    groups: list[range] = []
    for end in range(start + 1, stop + 1):
        if count[start:end].sum() >= FEWEST_IN_A_BIN:
            groups.append(range(start, end))
            start = end
    if start < stop:
        first = groups.pop().start if groups else start
        groups.append(range(first, stop))
    return groups


def calibration_table(predictions: Predictions) -> pd.DataFrame:
    """One row: the expected calibration error and the Brier score, mean and standard deviation over runs, beside what a
    calibrated model would show, and the overconfidence.

    The error is the mean over bins of |mean probability - share that is true|, weighted by predictions (Naeini et al.
    2015; Guo et al. 2017, "On calibration of modern neural networks", 15 bins). Overconfidence is the mean probability
    of what is predicted minus the share that is right; multi-label predictions are made label by label at 0.5.
    """
    count, probability, true = _binned(predictions)
    errors = spread((np.abs(probability - true).sum(axis=1) / np.maximum(count.sum(axis=1), 1))[None])
    runs = range(len(predictions.seeds))
    calibrated = np.mean([_error_of_a_calibrated_model(_probability_and_truth(predictions, run)[0]) for run in runs])
    brier = spread(np.array([[_brier(predictions, run) for run in runs]]))
    over = np.mean([_overconfidence(predictions, run) for run in runs])
    return pd.DataFrame(
        {
            "runs": errors.count,
            "expected_calibration_error": errors.mean,
            "expected_calibration_error_std": errors.deviation,
            "calibrated_error": calibrated,
            "brier": brier.mean,
            "brier_std": brier.deviation,
            "overconfidence": over,
        }
    )


def _binned(predictions: Predictions) -> Floats:
    """For each run and bin [3, S, 15]: predictions, the sum of their probabilities, and how many are true.

    Bins include their upper edge, as in Guo et al.
    """
    rows = []
    for run in range(len(predictions.seeds)):
        probability, true = _probability_and_truth(predictions, run)
        bins = _bins(probability)
        rows.append([np.bincount(bins, weights, minlength=BINS) for weights in (None, probability, true)])
    return np.stack(rows, axis=1)


def _bins(probability: Floats) -> NDArray[np.int64]:
    return np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _error_of_a_calibrated_model(probability: Floats) -> float:
    """The error that predictions [M] show on average if each comes true as often as it says: never zero, by chance.

    Truths are drawn, with a fixed seed (Bröcker & Smith 2007, "Increasing the reliability of reliability diagrams").
    """
    if not len(probability):
        return np.nan
    draw, bins = np.random.default_rng(0), _bins(probability)
    order = np.argsort(bins, kind="stable")
    ordered = probability[order]
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    draws = int(np.clip(MOST_DRAWN // len(ordered), 10, DRAWS))
    gaps = [np.add.reduceat((draw.random(len(ordered)) < ordered) - ordered, starts) for _ in range(draws)]
    return float(np.abs(gaps).sum(axis=1).mean() / len(ordered))


def _brier(predictions: Predictions, run: int) -> float:
    """The mean squared distance of probabilities from the truth (Brier 1950): summed over classes, or for multi-label
    data of each known label; NaN without one."""
    if isinstance(predictions, ClassPredictions):
        return float(predictions.brier[run].mean(dtype=float))
    probability, true = _probability_and_truth(predictions, run)
    return float(((probability - true) ** 2).mean()) if len(true) else np.nan


def _probability_and_truth(predictions: Predictions, run: int) -> tuple[Floats, Floats]:
    if isinstance(predictions, ClassPredictions):
        return predictions.confidence[run].astype(float), predictions.correct[run].astype(float)
    known = predictions.known
    return expit(predictions.logits[run][known].astype(float)), (predictions.labels[known] == 1).astype(float)


def _overconfidence(predictions: Predictions, run: int) -> float:
    """Mean probability minus share that is right; NaN without a known label."""
    probability, true = _probability_and_truth(predictions, run)
    if isinstance(predictions, LabelPredictions):
        probability, true = np.maximum(probability, 1 - probability), (probability >= 0.5) == (true == 1)
    return float((probability - true).mean()) if len(true) else np.nan
