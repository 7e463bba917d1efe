"""The metrics that a table shows beside the leading one."""

from collections.abc import Iterable

from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import is_known
from bakeoff.study.metrics import Metric


def beside(material: Material, rows: Iterable[Row], column: str) -> list[Metric]:
    """Those of note that some row has; `column` names where, as in `test_{}_mean`."""
    known = list(rows)
    return [
        metric
        for metric in material.study.metrics.values()
        if metric.headline
        and metric.name != material.study.metric
        and any(is_known(row.get(column.format(metric.name))) for row in known)
    ]
