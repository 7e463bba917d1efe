"""What the choice of an epoch does to the test score."""

import pandas as pd

from bakeoff.analysis.intervals import spread
from bakeoff.results.summary_tables import by_experiment
from bakeoff.results.whole_datasets import SPLIT, run_columns
from bakeoff.study.metrics import Metric

MEASURES = {"chosen": "test", "last": "test_last", "best": "test_max"}


def selection_table(runs: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per experiment: mean test scores by three measures, and how much better two of them look than `chosen`.

    `chosen` is the test score at the epoch with the best validation score, `last` that at the last epoch. `best` is the
    best test score over epochs, which nobody could have known to choose; it is empty without `track_test`. `optimism`
    is how much better `best` looks than `chosen`, `last_gain` how much better `last` looks: means over seeds with
    t-intervals, positive where it looks better. On a dataset that is split repeatedly, a seed's gain is its mean over
    the cuts.
    """
    completed = runs[runs["status"] == "completed"]
    columns = [f"{split}_{metric.name}" for split in MEASURES.values()]
    keys = run_columns(completed)
    scores = completed.reindex(columns=[*keys, *columns]).set_axis([*keys, *MEASURES], axis=1)
    return pd.DataFrame([vars(cell) | _row(rows, metric) for cell, rows in by_experiment(scores)])


def _row(rows: pd.DataFrame, metric: Metric) -> dict[str, float]:
    sign = 1.0 if metric.higher_is_better else -1.0
    row = {"runs": len(rows)} | {name: rows[name].mean() for name in MEASURES}
    for name, measure in {"optimism": "best", "last_gain": "last"}.items():
        gains = sign * (rows[measure] - rows["chosen"])
        if SPLIT in rows:
            gains = gains.groupby(rows["seed"], sort=False).mean()
        gain = spread(gains.to_numpy(float)[None])
        row |= {name: gain.mean[0], f"{name}_low": gain.low[0], f"{name}_high": gain.high[0]}
    return row
