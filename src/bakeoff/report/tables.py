"""Tables of a report, and metrics as the text that stands in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.metrics import Metric

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """One field of a table, as it is read."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def is_known(value: Any) -> bool:
    """Whether a table has a value: neither None nor NaN."""
    return value is not None and value == value


def metric_text(value: Any, metric: Metric, unit: bool = False) -> str:
    """A metric: per cent with two decimals, or a loss with four significant digits."""
    if not is_known(value):
        return NONE
    if metric.percent:
        return f"{100 * value:.2f}" + (" %" if unit else "")
    return f"{value:.4g}"


def spread_text(row: Mapping[str, Any], score: str, metric: Metric) -> str:
    deviation = row[f"{score}_std"]
    return metric_text(row[f"{score}_mean"], metric) + (
        f" ± {metric_text(deviation, metric)}" if is_known(deviation) else ""
    )


def interval_text(row: Mapping[str, Any], score: str, metric: Metric, unit: bool = False) -> str:
    """The 95 % interval of the mean of a `score` in a row of the summary."""
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    return f"{metric_text(low, metric)} – {metric_text(high, metric, unit)}" if is_known(low) else NONE
