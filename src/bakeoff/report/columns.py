"""Columns that several tables of a report have."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bakeoff.language import Language
from bakeoff.report.document import Cell, Column
from bakeoff.report.material import Material, Row, anchor_of, cell_of
from bakeoff.report.numbers import even_text, metric_text, range_text
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric


def experiment_column(
    material: Material,
    labels: Mapping[Experiment, str] | None = None,
    is_bold: Callable[[Row], bool] = lambda row: False,
) -> Column[Row]:
    """The experiment of a row, linked to its section; by other labels than the report's where a table has its own."""
    names = labels or material.labels

    def cell(row: Row) -> Cell:
        found = cell_of(row)
        return Cell(names[found], is_bold(row), link=anchor_of(found))

    return Column(material.language.say("Experiment"), cell, numeric=False)


def pair_columns(material: Material, dataset: str) -> list[Column[Row]]:
    """The two sides of a comparison: experiments on a dataset, or configurations when it is empty."""
    say = material.language.say
    return [
        Column(say("First"), lambda row: Cell(material.label_of(dataset, row["a"])), numeric=False),
        Column(say("Second"), lambda row: Cell(material.label_of(dataset, row["b"])), numeric=False),
    ]


def text_column(title: str, name: str) -> Column[Row]:
    return Column(title, lambda row: Cell(str(row[name])), numeric=False)


def number_column(material: Material, title: str, name: str, text: Callable[[Any, Language], str]) -> Column[Row]:
    """A number, written by `text`."""
    return Column(title, lambda row: Cell(text(row[name], material.language), value=row[name]))


def metric_column(
    material: Material,
    title: str,
    name: str,
    metric: Metric | None = None,
    text: Callable[[Any, Metric, Language], str] = metric_text,
) -> Column[Row]:
    """A number in the unit of a metric; the study's when none is given."""
    shown = metric or material.metric
    return Column(title, lambda row: Cell(text(row[name], shown, material.language), value=row[name]))


def seconds_column(material: Material, title: str, name: str, rows: Iterable[Row]) -> Column[Row]:
    """Seconds, with as many decimals in all rows."""
    return number_column(material, title, name, even_text(row[name] for row in rows))


def range_column(
    material: Material,
    title: str,
    low: str = "low",
    high: str = "high",
    text: Callable[[Any, Any, Metric, Language], str] = range_text,
) -> Column[Row]:
    """An interval of the study's metric; the column sorts by its lower end."""
    return Column(
        title, lambda row: Cell(text(row[low], row[high], material.metric, material.language), value=row[low])
    )
