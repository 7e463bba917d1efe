"""What choosing an epoch does: the test score of the chosen epoch, of the last, and the best over epochs."""

from typing import TYPE_CHECKING

import numpy as np

from bakeoff.analysis.intervals import spread
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {"chosen": "test", "last": "test_last", "best": "test_max"}


def selection_table(runs: "pd.DataFrame", metric: Metric) -> "pd.DataFrame":
    """One row per experiment: mean test scores by the three measures, and what each flatters over the chosen epoch's.

    `chosen` is the test score of the epoch with the best validation score, `last` that of the last epoch, `best` the
    highest test score over epochs, which no one could have known to choose (empty without `track_test`). `optimism` is
    how much better `best` looks than `chosen`, `last_gain` how much better `last` is: means over seeds, positive where
    it looks better, with t-intervals.
    """
    import pandas as pd

    completed = runs[runs["status"] == "completed"]
    return pd.DataFrame([_row(list(key), rows, metric) for key, rows in _experiments(completed)], columns=_columns())


def _experiments(completed: "pd.DataFrame") -> "list[tuple[tuple[str, ...], pd.DataFrame]]":
    return [(tuple(getattr(cell, facet) for facet in FACETS), rows) for cell, rows in by_experiment(completed)]


def _columns() -> list[str]:
    gains = [f"{name}{part}" for name in ("optimism", "last_gain") for part in ("", "_low", "_high")]
    return [*FACETS, "runs", *MEASURES, *gains]


def _row(key: list[str], rows: "pd.DataFrame", metric: Metric) -> list[object]:
    sign = 1.0 if metric.higher_is_better else -1.0
    scores = {
        name: rows[column].to_numpy(float)
        if (column := f"{split}_{metric.name}") in rows
        else np.full(len(rows), np.nan)
        for name, split in MEASURES.items()
    }
    gains = spread(np.stack([sign * (scores[name] - scores["chosen"]) for name in ("best", "last")]))
    means = [_mean(values) for values in scores.values()]
    (optimism, last) = zip(gains.mean, gains.low, gains.high, strict=True)
    return [*key, len(rows), *means, *optimism, *last]


def _mean(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
