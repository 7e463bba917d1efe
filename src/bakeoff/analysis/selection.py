"""What the choice of an epoch does to the test score."""

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import spread
from bakeoff.results.predictions import Floats
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.metrics import Metric

MEASURES = {"chosen": "test", "last": "test_last", "best": "test_max"}


def selection_table(runs: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per experiment: mean test scores by three measures, and how much better two of them look than `chosen`.

    `chosen` is the test score at the epoch with the best validation score, `last` that at the last epoch. `best` is the
    best test score over epochs, which nobody could have known to choose; it is empty without `track_test`. `optimism`
    is how much better `best` looks than `chosen`, `last_gain` how much better `last` looks: means over seeds with
    t-intervals, positive where it looks better.
    """
    completed = runs[runs["status"] == "completed"]
    return pd.DataFrame([vars(cell) | _row(rows, metric) for cell, rows in by_experiment(completed)])


def _row(rows: pd.DataFrame, metric: Metric) -> dict[str, float]:
    sign = 1.0 if metric.higher_is_better else -1.0
    scores = {
        name: rows[column].to_numpy(float)
        if (column := f"{split}_{metric.name}") in rows
        else np.full(len(rows), np.nan)
        for name, split in MEASURES.items()
    }
    row = {"runs": len(rows)} | {name: _mean(values) for name, values in scores.items()}
    gains = spread(np.stack([sign * (scores[name] - scores["chosen"]) for name in ("best", "last")]))
    for index, name in enumerate(("optimism", "last_gain")):
        row |= {name: gains.mean[index], f"{name}_low": gains.low[index], f"{name}_high": gains.high[index]}
    return row


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
