"""Who is first: the places of experiments by their mean scores."""

from collections.abc import Mapping
from typing import Any

from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric

DECIMALS = 12  # of scores that are compared: their sums in another order may differ in the last bits


def places(rows: Mapping[Experiment, Mapping[str, Any]], metric: Metric) -> dict[Experiment, int]:
    """1 for the best mean test score; equal means share a place, and who has none has no place."""
    name = f"test_{metric.name}_mean"
    means = {
        cell: round(row[name], DECIMALS)
        for cell, row in rows.items()
        if row[name] is not None and row[name] == row[name]
    }
    order = sorted(means.values(), reverse=metric.higher_is_better)
    return {cell: order.index(mean) + 1 for cell, mean in means.items()}


def best_on(dataset: str, rows: Mapping[Experiment, Mapping[str, Any]], metric: Metric) -> Experiment | None:
    """The experiment with the best mean on a dataset, the first of equals; None where no run is complete."""
    found = places({cell: row for cell, row in rows.items() if cell.dataset == dataset}, metric)
    return min(found, key=lambda cell: found[cell], default=None)
