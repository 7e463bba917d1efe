"""The test scores of each experiment, and how far off they may be."""

from collections.abc import Mapping
from itertools import zip_longest

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import Spread, bootstrap_t_interval, spread
from bakeoff.analysis.score_matrices import scores_on_cuts
from bakeoff.analysis.test_set_error import ScoreError
from bakeoff.analysis.variance_of_means import UNKNOWN, Uncertainty, half_width, joined, over_both, summed
from bakeoff.analysis.variance_of_tuning import of_experiments
from bakeoff.results.aggregation import STATUSES
from bakeoff.results.predictions import Floats
from bakeoff.results.summary_tables import by_experiment
from bakeoff.results.whole_datasets import SPLIT
from bakeoff.study.matrix import FACETS


def intervals_table(
    runs: pd.DataFrame,
    score_columns: Mapping[str, str],
    score_errors: Mapping[str, Mapping[str, ScoreError]],
    score: str,
    tuned: Mapping[str, tuple[float, float]],
) -> pd.DataFrame:
    """One row per experiment and metric: counts of runs, spread over seeds, intervals, error of the test set.

    `score_columns` maps names of metrics to columns of `runs`, the summary's table. `score_errors` maps keys of
    experiments and metrics to what the finite test set does to their scores. `tuned` are variances of the column
    `score` over tuning studies and their degrees of freedom, by experiment.
    """
    parts = list(by_experiment(runs))
    counted = {"planned": 1} | {status: runs["status"] == status for status in STATUSES}
    experiments = runs[list(FACETS)].assign(**counted).groupby(list(FACETS), sort=False, as_index=False).sum()
    tables = []
    for metric, column in score_columns.items():
        of_runs = spread(_stacked([rows.loc[rows["status"] == "completed", column].to_list() for _, rows in parts]))
        scores = _stacked([_by_seed(rows, column) for _, rows in parts])
        found, (bootstrap_low, bootstrap_high) = spread(scores), bootstrap_t_interval(scores)
        errors = [score_errors.get(cell.key, {}).get(metric) for cell, _ in parts]
        other_tuning = of_experiments([cell.key for cell, _ in parts], tuned if column == score else {})
        half = _half_width(found, errors, other_tuning)
        table = experiments.assign(metric=metric, mean=of_runs.mean, std=of_runs.deviation, median=of_runs.median)
        table = table.assign(overall_low=of_runs.mean - half, overall_high=of_runs.mean + half)
        table = table.assign(low=found.low, high=found.high, bootstrap_low=bootstrap_low, bootstrap_high=bootstrap_high)
        table["test_set_error"] = [np.nan if error is None else error.of_one_run for error in errors]
        tables.append(table)
    return pd.concat(tables).sort_index(kind="stable")  # all metrics of an experiment, then those of the next


def with_quoted_intervals(experiments: pd.DataFrame, intervals: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The summary's table of experiments, with the interval to quote of a test score in place of its t-interval.

    That is the one on other images and with other seeds, where it is known. `intervals` is the table of that name.
    """
    own = intervals[intervals["metric"] == metric].set_index(list(FACETS))
    order = pd.MultiIndex.from_frame(experiments[list(FACETS)])
    quoted = {end: own[f"overall_{end}"].where(own["overall_low"].notna(), own[end]) for end in ("low", "high")}
    return experiments.assign(**{
        f"test_{metric}_{end}": values.reindex(order).to_numpy() for end, values in quoted.items()
    })  # fmt: skip


def _by_seed(rows: pd.DataFrame, column: str) -> list[float]:
    """The scores of an experiment's completed runs; on the cuts of a dataset the means over them, of seeds with all."""
    if SPLIT in rows and (rows[SPLIT] > 0).all():
        means = scores_on_cuts(rows, column).mean(axis=0)
        return list(means[~np.isnan(means)])
    return list(rows.loc[rows["status"] == "completed", column])


def _stacked(scores: list[list[float]]) -> Floats:
    """Rows of different lengths as [R, S], filled with NaN."""
    return np.array(list(zip_longest(*[row or [np.nan] for row in scores], fillvalue=np.nan))).T.copy()


def _half_width(found: Spread, errors: list[ScoreError | None], tuning: Uncertainty) -> Floats:
    """Half of the 95 % interval of mean scores on other images, with other seeds and other tuning; NaN where images or
    seeds are unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        seeds = Uncertainty(found.deviation**2 / found.count, found.count - 1.0)
    images = joined([UNKNOWN if error is None else error.of_mean for error in errors])
    on_cuts = np.array([error is not None and error.on_cuts for error in errors])
    both = over_both(seeds, images, on_cuts)
    return half_width(summed([both, tuning]) if tuning.variance.any() else both)
