"""The ranking of experiments by their mean test scores."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bakeoff.results.significant_digits import DECIMALS
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric


def ranking(rows: Mapping[Experiment, Mapping[str, Any]], metric: Metric) -> dict[Experiment, int]:
    """1 for the best mean test score. Equal means share a rank; experiments without a mean have none."""
    name = f"test_{metric.name}_mean"
    means = {cell: row[name] for cell, row in rows.items() if not pd.isna(row[name])}
    ranks = (
        pd.Series(means.values(), dtype=float).round(DECIMALS).rank(method="min", ascending=not metric.higher_is_better)
    )
    return dict(zip(means, map(int, ranks), strict=True))


def best_on(dataset: str, rows: Mapping[Experiment, Mapping[str, Any]], metric: Metric) -> Experiment | None:
    """The experiment with the best mean on a dataset, the first of equals; None if no run has completed."""
    found = ranking({cell: row for cell, row in rows.items() if cell.dataset == dataset}, metric)
    return min(found, key=lambda cell: found[cell], default=None)
