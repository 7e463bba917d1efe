"""Means over seeds and how uncertain they are."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from bakeoff.results.aggregation import CONFIDENCE, STATUSES
from bakeoff.results.predictions import Floats
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import FACETS

FEWEST_FOR_BOOTSTRAP = 3

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """Statistics of R rows of scores [R]; `low` and `high` are the 95 % t-interval of the mean. NaN if undefined."""

    count: Indices
    mean: Floats
    deviation: Floats
    median: Floats
    low: Floats
    high: Floats


def spread(scores: Floats) -> Spread:
    """Mean, standard deviation (ddof=1), median and two-sided 95 % t-interval of each row of [R, S]; NaN is no score.

    The interval is mean ± t(0.975, n-1) · deviation / √n. It is exact for normal scores, whatever n; for very skewed
    ones (exponential) it covers the truth in 88 % of cases with 5 seeds. One score has neither deviation nor interval.
    Scores that are all the same have no interval: they do not say how far off they may be.
    """
    count = (~np.isnan(scores)).sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what is not defined is NaN
        mean = np.nansum(scores, axis=1) / count
        # Clipped between the extremes, so that rounding gives equal scores no deviation.
        mean = np.clip(mean, np.nanmin(scores, axis=1), np.nanmax(scores, axis=1))
        squares = np.nansum((scores - mean[:, None]) ** 2, axis=1)
        deviation = np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
        half = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * np.where(deviation > 0, deviation, np.nan) / np.sqrt(count)
        median = np.nanmedian(scores, axis=1)
    return Spread(count, mean, deviation, median, mean - half, mean + half)


def bca_interval(scores: Floats) -> tuple[Floats, Floats]:
    """The two-sided 95 % bias-corrected and accelerated bootstrap interval of the mean of each row of [R, S].

    Efron (1987), "Better bootstrap confidence intervals"; resampled with a fixed seed. It is too short for a handful of
    seeds: for normal scores it covers the truth in 72 % of cases with 3 seeds, 84 % with 5, 90 % with 10 and 93 %
    with 20. The t-interval is the one to quote. NaN with fewer than 3 scores or without any spread.
    """
    from scipy.stats import bootstrap  # a second to import: figures and reports do without

    low, high = np.full((2, len(scores)), np.nan)
    found = spread(scores)
    varied = np.flatnonzero((found.count >= FEWEST_FOR_BOOTSTRAP) & (found.deviation > 0))
    for rows, known in by_count(scores[varied]):
        interval = bootstrap(
            (known,), np.mean, axis=1, n_resamples=2_000, batch=100, confidence_level=CONFIDENCE, method="BCa", rng=0
        ).confidence_interval
        low[varied[rows]], high[varied[rows]] = interval.low, interval.high
    return low, high


def by_count(scores: Floats) -> Iterator[tuple[Indices, Floats]]:
    """The rows of [R, S] with the same number n of scores: their positions [P], and these scores [P, n]."""
    known = ~np.isnan(scores)
    counts = known.sum(axis=1)
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        yield rows, scores[rows][known[rows]].reshape(len(rows), count)


def intervals_table(
    runs: pd.DataFrame, score_columns: Mapping[str, str], test_set_errors: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """One row per experiment and metric: counts of runs, spread over seeds, intervals, error of the test set.

    `score_columns` maps names of metrics to columns of `runs`, the summary's table. `test_set_errors` maps keys of
    experiments and metrics to the standard error of one run's score that comes from the finite test set.
    """
    parts = list(by_experiment(runs))
    counted = {"planned": 1} | {status: runs["status"] == status for status in STATUSES}
    experiments = runs[list(FACETS)].assign(**counted).groupby(list(FACETS), sort=False, as_index=False).sum()
    tables = []
    for metric, column in score_columns.items():
        completed = [rows.loc[rows["status"] == "completed", column].to_list() or [np.nan] for _, rows in parts]
        scores = np.array(list(zip_longest(*completed, fillvalue=np.nan))).T.copy()  # [R, S]
        found, (bca_low, bca_high) = spread(scores), bca_interval(scores)
        table = experiments.assign(metric=metric, mean=found.mean, std=found.deviation, median=found.median)
        table = table.assign(low=found.low, high=found.high, bca_low=bca_low, bca_high=bca_high)
        table["test_set_error"] = [test_set_errors.get(cell.key, {}).get(metric, np.nan) for cell, _ in parts]
        tables.append(table)
    return pd.concat(tables).sort_index(kind="stable")  # all metrics of an experiment, then those of the next
