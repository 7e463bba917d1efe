"""Published numbers beside ours for the same measure."""

from dataclasses import dataclass
from typing import Any

from scipy.special import stdtrit

from bakeoff.analysis.labels import score_name
from bakeoff.language import mark
from bakeoff.report.document import Cell, Column, Table, tabulate
from bakeoff.report.material import Material, Row, anchor_of
from bakeoff.report.numbers import NONE, PERCENT, is_known, mean_range_text, metric_text, spread_text
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric
from bakeoff.study.study import Published, Study

WORDS = {
    "best_over_epochs": mark("best over epochs"),
    "last_epoch": mark("last epoch"),
    "chosen_on_validation": mark("at the epoch chosen on validation"),
}


@dataclass(frozen=True)
class Comparison:
    """One published number and ours, as text.

    `interval` is where the mean of as many runs as were published would fall if they were like ours; `verdict` says
    whether the published number lies there, and `sentence` says it all.
    """

    measure: str
    published: str
    value: float
    ours: str
    interval: str
    verdict: str
    sentence: str


def comparisons(material: Material, cell: Experiment) -> list[Comparison]:
    """The published numbers of an experiment, each beside ours."""
    numbers = (number for rungs in material.study.rungs_of(cell) for number in rungs.published)
    return [_compare(material, number, material.rows[cell]) for number in numbers]


def published_table(material: Material) -> Table | None:
    """All published numbers of a study, in the order of its experiments; None where there are none."""
    found = [(cell, item) for cell in material.rows for item in comparisons(material, cell)]
    if not found:
        return None
    say = material.language.say
    columns: list[Column[tuple[Experiment, Comparison]]] = [
        Column(say("Experiment"), lambda row: Cell(material.labels[row[0]], link=anchor_of(row[0])), numeric=False),
        Column(say("Measure"), lambda row: Cell(row[1].measure), numeric=False),
        Column(say("Published"), lambda row: Cell(row[1].published, value=row[1].value)),
        Column(say("Ours"), lambda row: Cell(row[1].ours)),
        Column(say("95 % prediction interval"), lambda row: Cell(row[1].interval)),
        Column(say("Published number"), lambda row: Cell(row[1].verdict), numeric=False),
    ]
    return tabulate("published", say("Published numbers and ours."), columns, found)


def _compare(material: Material, number: Published, row: Row) -> Comparison:
    study, language = material.study, material.language
    say, metric = language.say, study.metrics[number.metric or study.metric]
    score = f"{_score(number)}_{metric.name}"
    measure = f"{score_name(number.split, metric, study, language)}, {say(WORDS[number.measured])}"
    if not _same_measure(number, metric, study):
        measure += say(" (ours at the epoch chosen on validation)")
    published = metric_text(number.value, metric, language, unit=True)
    words = {"measure": measure, "published": published}
    beginning = language.count(
        "{measure}: published {published} ({n} run)",
        "{measure}: published {published} ({n} runs)",
        number.runs,
        **words,
    )
    if not is_known(row.get(f"{score}_mean")):
        why = say(_why_missing(number, row))
        sentence = say("{beginning}; no result of ours: {why}.", beginning=beginning, why=why)
        return Comparison(measure, published, number.value, NONE, NONE, why, sentence)
    ours = spread_text(row, score, metric, language, unit=True)
    ends = prediction_interval(row[f"{score}_mean"], row[f"{score}_std"], row["completed"], number.runs)
    if ends is None:
        single = row["completed"] == 1
        verdict = say("no interval with one run") if single else say("no interval: our runs score the same")
        sentence = say("{beginning}, ours {ours}; {verdict}.", beginning=beginning, ours=ours, verdict=verdict)
        return Comparison(measure, published, number.value, ours, NONE, verdict, sentence)
    interval = mean_range_text(*ends, metric, language) + (PERCENT if metric.percent else "")
    below, above = number.value < ends[0], number.value > ends[1]
    verdict = say("below ours") if below else say("above ours") if above else say("consistent with ours")
    sentence = say(
        "{beginning}, ours {ours}. Runs like ours would average {interval}: the published {published} is {verdict}.",
        beginning=beginning,
        ours=ours,
        interval=interval,
        published=published,
        verdict=verdict,
    )
    return Comparison(measure, published, number.value, ours, interval, verdict, sentence)


def prediction_interval(mean: float, deviation: Any, runs: int, published_runs: int) -> tuple[float, float] | None:
    """Where the mean of so many further runs falls in 95 % of cases, from the mean and deviation of ours; None when
    ours have no spread.

    mean ± t · deviation · √(1/runs + 1/published_runs), for normal scores with the same spread (Hahn and Meeker 1991,
    "Statistical intervals", section 4.7). Our confidence interval would be narrower: it leaves out the chance in the
    published runs.
    """
    if runs < 2 or not is_known(deviation) or not deviation > 0:
        return None
    reach = stdtrit(runs - 1, (1 + CONFIDENCE) / 2) * deviation * (1 / runs + 1 / published_runs) ** 0.5
    return mean - reach, mean + reach


def _score(number: Published) -> str:
    """The summary's name for the measure of a number. It has the best over epochs for the test split only; for the
    other splits the epoch chosen on validation takes its place."""
    if number.measured == "last_epoch":
        return f"{number.split}_last"
    return "test_max" if number.measured == "best_over_epochs" and number.split == "test" else number.split


def _same_measure(number: Published, metric: Metric, study: Study) -> bool:
    if number.split == "test" or number.measured != "best_over_epochs":
        return True
    return number.split == "validation" and metric.name == study.metric


def _why_missing(number: Published, row: Row) -> str:
    if not row["completed"]:
        return mark("no complete run")
    if number.split == "test" and number.measured == "best_over_epochs":
        return mark("not measured at every epoch (track_test)")
    return mark("not measured")
