"""Numbers that others published, beside ours of the same measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.metrics import Metric
from bakeoff.report.tables import NONE, Cell, Column, Table, interval_text, is_known, metric_text, spread_text
from bakeoff.study import Experiment, Published, Study

CHOSEN = "at the epoch chosen on validation"
WORDS = {"best_over_epochs": "best over epochs", "last_epoch": "last epoch", "chosen_on_validation": CHOSEN}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """One published number and ours, as text.

    `verdict` says whether our 95 % interval covers the published number; `sentence` says everything.
    """

    measure: str
    published: str
    ours: str
    interval: str
    verdict: str
    sentence: str


def comparisons(study: Study, cell: Experiment, row: Row) -> list[Comparison]:
    """The published numbers of an experiment, each beside ours in its `row` of the summary."""
    return [_compare(study, number, row) for rungs in study.rungs_of(cell) for number in rungs.published]


def published_table(study: Study, rows: Mapping[Experiment, Row], labels: Mapping[Experiment, str]) -> Table | None:
    """All published numbers of a study, in the order of its experiments; None where there are none."""
    found = [(labels[cell], item) for cell, row in rows.items() for item in comparisons(study, cell, row)]
    if not found:
        return None
    titles = ("Experiment", "Measure", "Published", "Ours", "Our 95 % interval", "Published number")
    numeric = ("Published", "Ours", "Our 95 % interval")
    return Table(
        [Column(title, title in numeric) for title in titles],
        [
            [Cell(text) for text in (label, item.measure, item.published, item.ours, item.interval, item.verdict)]
            for label, item in found
        ],
    )


def _compare(study: Study, number: Published, row: Row) -> Comparison:
    metric = study.metrics[number.metric or study.metric]
    score = f"{_score(number)}_{metric.name}"
    measure = f"{number.split.capitalize()} {metric.label}, {WORDS[number.measured]}"
    if not _same_measure(number, metric, study):
        measure += f" (ours {CHOSEN})"
    published = metric_text(number.value, metric, unit=True)
    runs = f"{number.runs} run" + ("" if number.runs == 1 else "s")
    beginning = f"{measure}: published {published} ({runs})"
    if not is_known(row.get(f"{score}_mean")):
        why = _why_missing(number, row)
        return Comparison(measure, published, NONE, NONE, why, f"{beginning}; none of ours: {why}.")
    ours = spread_text(row, score, metric) + (" %" if metric.percent else "")
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    if not is_known(low):
        verdict = "no interval with one run"
        return Comparison(measure, published, ours, NONE, verdict, f"{beginning}, ours {ours}; {verdict}.")
    interval = interval_text(row, score, metric, unit=True)
    verdict, verb = _verdict(number.value, low, high)
    sentence = f"{beginning}, ours {ours}. Our interval {interval} {verb} the published {published}."
    return Comparison(measure, published, ours, interval, verdict, sentence)


def _score(number: Published) -> str:
    """What the tables of the summary call the measure of a number. The best over epochs they have of the test split
    alone: of the others stands the epoch that validation chose."""
    if number.measured == "last_epoch":
        return f"{number.split}_last"
    return "test_max" if number.measured == "best_over_epochs" and number.split == "test" else number.split


def _verdict(value: float, low: float, high: float) -> tuple[str, str]:
    """What the table says, and the verb of the sentence."""
    if value < low:
        return "below our interval", "lies above"
    if value > high:
        return "above our interval", "lies below"
    return "covered", "covers"


def _same_measure(number: Published, metric: Metric, study: Study) -> bool:
    if number.split == "test" or number.measured != "best_over_epochs":
        return True
    return number.split == "validation" and metric.name == study.metric


def _why_missing(number: Published, row: Row) -> str:
    if not row["completed"]:
        return "no complete run"
    if number.split == "test" and number.measured == "best_over_epochs":
        return "not measured at every epoch (track_test)"
    return "not measured"
