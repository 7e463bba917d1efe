"""Experiments from their runs: means over seeds, and how uncertain they are."""

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bakeoff.results.result import FINISHED
from bakeoff.results.summary_tables import score_columns
from bakeoff.results.whole_datasets import SPLIT
from bakeoff.study.matrix import FACETS

STATUSES = (*FINISHED, "missing")
MEANS = ["best_epoch", "epochs", "training_seconds", "seconds_per_epoch", "images_per_second"]
TOTALS = ["training_seconds", "cpu_seconds", "gpu_seconds", "energy_kwh"]  # what adds up over runs
PEAKS = ["peak_host_memory_bytes", "peak_device_memory_bytes"]
CONFIDENCE = 0.95


def experiments_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per experiment of a table of runs, in the order of first appearance.

    For every score the mean, the standard deviation (ddof=1) and the two-sided 95 % t-interval
    mean ± t(0.975, n-1) · std / sqrt(n) over the n completed runs; no deviation and interval for n < 2, and no interval
    of scores that are all the same: they do not say how far off they may be. On a dataset that is split repeatedly, the
    interval is over seeds, on its cuts: n counts seeds, whose scores are means over the cuts.
    `training_seconds` and the other costs are means over completed runs, `training_seconds_total` and the other totals
    sums over all finished ones, peaks of memory the maximum.
    """
    facets = [table[facet] for facet in FACETS]
    status = table["status"]
    counts = {name: (status == name).groupby(facets, sort=False).sum() for name in STATUSES}
    planned = status.groupby(facets, sort=False).size()
    completed = table.where(status == "completed")
    names = score_columns(table)
    scores = completed[names].astype("float64").groupby(facets, sort=False)
    lowest, highest, count = scores.min(), scores.max(), scores.count()
    varied = highest > lowest
    # Whatever is rounded: equal scores have their own mean, and no deviation.
    mean = scores.mean().clip(lowest, highest)
    deviation = scores.std(ddof=1).where(varied | (count < 2), 0.0)
    half = deviation.where(varied) * stdtrit(count - 1, (1 + CONFIDENCE) / 2) / np.sqrt(count)
    if SPLIT in table:
        half = half.where(
            (table[SPLIT] == 0).groupby(facets, sort=False).all(), _half_over_seeds(table, completed[names])
        )
    statistics = {"mean": mean, "std": deviation, "low": mean - half, "high": mean + half}
    columns = [
        pd.DataFrame({"planned": planned, **counts}),
        pd.DataFrame({f"{score}_{name}": table[score] for score in names for name, table in statistics.items()}),
        completed[MEANS].astype("float64").groupby(facets, sort=False).mean(),
        table[["parameters", "macs"]].groupby(facets, sort=False).mean(),
        table[TOTALS].groupby(facets, sort=False).sum(min_count=1).add_suffix("_total"),
        table[PEAKS].groupby(facets, sort=False).max(),
    ]
    return pd.concat(columns, axis=1).reset_index()


def _half_over_seeds(table: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Half of the interval over seeds of each experiment, from the mean over cuts of each seed that has all of them."""
    facets = [table[facet] for facet in FACETS]
    cuts = table[SPLIT].groupby(facets, sort=False).transform("nunique").groupby([*facets, table["seed"]], sort=False)
    of_seeds = scores.astype("float64").groupby([*facets, table["seed"]], sort=False)
    all_of_them = of_seeds.count().ge(cuts.first(), axis=0)
    means = of_seeds.mean().where(all_of_them).groupby(level=list(FACETS), sort=False)
    count, deviation = means.count(), means.std(ddof=1)
    return deviation.where(deviation > 0) * stdtrit(count - 1, (1 + CONFIDENCE) / 2) / np.sqrt(count)
