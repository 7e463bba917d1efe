"""Places of experiments, and the metrics that tables show."""

from collections.abc import Iterable, Mapping

from bakeoff.metrics import Metric
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import is_known
from bakeoff.study import Experiment


def ranks(material: Material, rows: Mapping[Experiment, Row]) -> dict[Experiment, int]:
    """1 for the best mean; equal means share a rank."""
    name = f"{material.score}_mean"
    means = {cell: row[name] for cell, row in rows.items() if is_known(row[name])}
    order = sorted(means.values(), reverse=material.metric.higher_is_better)
    return {cell: order.index(mean) + 1 for cell, mean in means.items()}


def best_of(material: Material, dataset: str) -> Experiment | None:
    """The experiment with the best mean on a dataset, the first of equals; None where no run is complete."""
    places = ranks(material, material.of_dataset(dataset))
    return min(places, key=lambda cell: places[cell], default=None)


def beside(material: Material, rows: Iterable[Row], column: str) -> list[Metric]:
    """The metrics that a table shows beside the leading one: those of note that some row has."""
    known = list(rows)
    return [
        metric
        for metric in material.study.metrics.values()
        if metric.headline
        and metric.name != material.study.metric
        and any(is_known(row.get(column.format(metric.name))) for row in known)
    ]
