"""Tuning: which values were chosen, what that brings, and what it depends on."""

import math
from collections.abc import Mapping, Sequence
from statistics import variance

from bakeoff.analysis.ranking import ranking
from bakeoff.analysis.tuning_tables import LEARNING_RATE
from bakeoff.language import mark
from bakeoff.report.columns import experiment_column, metric_column, number_column, range_column, text_column
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row, cell_of, rows_by_cell
from bakeoff.report.numbers import difference_text, is_known, metric_text, range_text, whole_text
from bakeoff.report.sections.tuning_budget import budget_needed, condition, cost, saved_by_halving
from bakeoff.report.sections.tuning_trials import all_trials, short_name
from bakeoff.report.verdicts import listed
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.trials import is_tuned

EDGES = {"low": mark("at its lower edge"), "high": mark("at its upper edge"), "": mark("no")}
SPLITS = ("validation", "test")
MOST_RATES = 6  # that a sentence names


def tuning(material: Material) -> Section | None:
    """The section, or None for a study that does not tune."""
    if material.study.tuning is None:
        return None
    say = material.language.say
    parts = (_chosen, _gain, budget_needed, _sensitivity, _spread, all_trials)
    blocks: list[Block] = [Paragraph(f"{condition(material)} {cost(material)}"), *saved_by_halving(material)]
    blocks += [*_without_space(material), *_undecided(material)]
    return Section(say("Tuning"), "tuning", [*blocks, *(block for part in parts for block in part(material))])


def chosen_rates(material: Material, dataset: str) -> list[str]:
    """A sentence with the chosen learning rates on a dataset, the best experiments first; none where none is tuned."""
    say, ranks = material.language.say, ranking(material.of_dataset(dataset), material.metric)
    rows = [row for row in material.statistic("tuning_values") if row["hyperparameter"].endswith(f".{LEARNING_RATE}")]
    here = {cell: row for row in rows if (cell := cell_of(row)).dataset == dataset}
    found = []
    for cell in sorted(here, key=lambda cell: ranks.get(cell, math.inf))[:MOST_RATES]:
        edge = f" ({say(EDGES[here[cell]['edge']])})" if here[cell]["edge"] else ""
        found.append(f"{material.labels_on_dataset[cell]}: {here[cell]['chosen']}{edge}")
    if len(here) > MOST_RATES:
        found.append(say("{number} more", number=material.language.whole(len(here) - MOST_RATES)))
    return [say("Chosen learning rates: {rates}.", rates="; ".join(found))] if found else []


def _without_space(material: Material) -> list[Block]:
    language = material.language
    without = [label for cell, label in material.labels.items() if not is_tuned(material.study, cell)]
    texts = listed(
        "{n} experiment has no space: its budget was spent on nothing{which}.",
        "{n} experiments have no space: their budget was spent on nothing{which}.",
        without,
        language,
    )
    return [Paragraph(text, "warning") for text in texts]


def _undecided(material: Material) -> list[Block]:
    known = {cell_of(row) for row in material.statistic("tuning_values")}
    missing = [label for cell, label in material.labels.items() if is_tuned(material.study, cell) and cell not in known]
    texts = listed(
        "The values of {n} experiment are not chosen{which}: its trials are missing, or none has a score.",
        "The values of {n} experiments are not chosen{which}: their trials are missing, or none has a score.",
        missing,
        material.language,
    )
    return [Paragraph(text, "warning") for text in texts]


def _chosen(material: Material) -> list[Block]:
    rows, say = material.statistic("tuning_values"), material.language.say
    if not rows:
        return []
    edges = {edge: say(words) for edge, words in EDGES.items()}
    columns = [
        experiment_column(material),
        text_column(say("Hyper-parameter"), "hyperparameter"),
        text_column(say("Space"), "space"),
        text_column(say("Default"), "default"),
        Column(say("Chosen"), lambda row: Cell(row["chosen"], bold=True), numeric=False),
        Column(say("At the edge of its space"), lambda row: Cell(edges[row["edge"]]), numeric=False),
    ]
    at_edge = [f"{material.labels[cell_of(row)]}: {short_name(row['hyperparameter'])}" for row in rows if row["edge"]]
    texts = listed(
        "{n} chosen value lies at the edge of its space{which}: beyond it there may be a better one.",
        "{n} chosen values lie at the edge of their space{which}: beyond it there may be better ones.",
        at_edge,
        material.language,
    )
    return [
        tabulate("tuning_values", say("The chosen values."), columns, rows),
        *(Paragraph(text, "warning") for text in texts),
    ]


def _gain(material: Material) -> list[Block]:
    rows, language = [row for row in material.statistic("tuning_gain") if row["runs"]], material.language
    if not rows:
        return []
    say, sign = language.say, 1 if material.metric.higher_is_better else -1
    columns = [
        experiment_column(material),
        number_column(material, say("Seeds"), "runs", whole_text),
        metric_column(material, say("Default") + material.unit, "default"),
        metric_column(material, say("Tuned") + material.unit, "tuned"),
        metric_column(material, say("Difference") + material.unit_of_differences, "difference", text=difference_text),
        range_column(material, say("95 % interval"), "low", "high"),
    ]
    better = [row for row in rows if is_known(row["low"]) and min(sign * row["low"], sign * row["high"]) > 0]
    worse = [row for row in rows if is_known(row["low"]) and max(sign * row["low"], sign * row["high"]) < 0]
    unclear = [row for row in rows if row not in better and row not in worse]
    sentences = [
        *listed(
            "Tuning makes {n} experiment better{which}.",
            "Tuning makes {n} experiments better{which}.",
            _labels(material, better),
            language,
        ),
        *listed(
            "It makes {n} experiment worse{which}: what tuning's epochs or seeds prefer is not what runs need.",
            "It makes {n} experiments worse{which}: what tuning's epochs or seeds prefer is not what runs need.",
            _labels(material, worse),
            language,
        ),
        *listed(
            "For {n} experiment the seeds do not show which is better{which}.",
            "For {n} experiments the seeds do not show which is better{which}.",
            _labels(material, unclear),
            language,
        ),
    ]
    caption = say(
        "Test {metric} with default and with chosen values, seed by seed.", metric=material.name_of(material.metric)
    )
    return [Paragraph(" ".join(sentences)), tabulate("tuning_gain", caption, columns, rows)]


def _sensitivity(material: Material) -> list[Block]:
    rows, say = material.statistic("tuning_sensitivity"), material.language.say
    if not rows:
        return []
    columns = [
        experiment_column(material),
        number_column(material, say("Trials"), "trials", whole_text),
        number_column(material, say("Without a score"), "without_score", whole_text),
        metric_column(material, say("Best") + material.unit, "best"),
        metric_column(material, say("Mean shortfall") + material.unit_of_differences, "shortfall", text=metric_text),
        Column(
            say("Good learning rates"), lambda row: Cell(f"{row['good_low']:g} – {row['good_high']:g}"), numeric=False
        ),
    ]
    introduction = say(
        "The shortfall is how much worse than the best a trial is, on average: the smaller, the less the learning rate "
        "has to be tuned. Good learning rates are those of the best quarter of the trials. A trial without a score "
        "counts as the worst that has one."
    )
    if material.study.tuning and material.study.tuning.halving:
        introduction += say(" One that was left behind counts with the score that it had then.")
    caption = say(
        "How much the validation {metric} depends on the learning rate.", metric=material.name_of(material.metric)
    )
    drawn = material.figures({
        f"learning_rate_{name}": say(
            "Validation {metric} of each trial on {dataset} by its learning rate; crosses have no score.",
            metric=material.name_of(material.metric),
            dataset=name,
        )
        for name in material.datasets
    })  # fmt: skip
    blocks: list[Block] = [Paragraph(introduction), tabulate("tuning_sensitivity", caption, columns, rows), *drawn]
    return [Section(say("Sensitivity to the learning rate"), "tuning-sensitivity", blocks)]


def _spread(material: Material) -> list[Block]:
    rows, say = material.statistic("tuning_spread"), material.language.say
    if not rows:
        return []
    by_cell = rows_by_cell(rows)
    found = [
        {
            **{facet: getattr(cell, facet) for facet in FACETS},
            "studies": len(mine),
            **{f"{split}_{end.__name__}": end(row[split] for row in mine) for split in SPLITS for end in (min, max)},
        }
        for cell, mine in by_cell.items()
    ]
    columns = [
        experiment_column(material),
        number_column(material, say("Tuning studies"), "studies", whole_text),
        range_column(material, say("Validation") + material.unit, "validation_min", "validation_max", text=range_text),
        range_column(material, say("Test") + material.unit, "test_min", "test_max", text=range_text),
    ]
    introduction = say(
        "Tuning again with other points of the same spaces chooses other values. The table shows, from the lowest to "
        "the highest, what the chosen trials of the tuning studies score: the spread that tuning itself brings. The "
        "runs have the values of the first."
    )
    caption = say("Scores of the trials that each tuning study would choose, lowest to highest.")
    sentences = " ".join([introduction, *_against_seeds(material, by_cell)])
    blocks: list[Block] = [Paragraph(sentences), tabulate("tuning_spread", caption, columns, found)]
    return [Section(say("What tuning again would change"), "tuning-spread", blocks)]


def _against_seeds(material: Material, by_cell: Mapping[Experiment, Sequence[Row]]) -> list[str]:
    """How much tuning again changes a test score, beside what another seed does: standard deviations over experiments
    that have both."""
    seeds = {
        cell_of(row): row["std"] ** 2
        for row in material.statistic("intervals")
        if row["metric"] == material.metric.name and is_known(row["std"])
    }
    tuning = {
        cell: variance([row["test"] for row in rows if is_known(row["test"])])
        for cell, rows in by_cell.items()
        if sum(is_known(row["test"]) for row in rows) > 1
    }
    both = [cell for cell in tuning if cell in seeds]
    if not both:
        return []
    found = (math.sqrt(sum(each[cell] for cell in both) / len(both)) for each in (tuning, seeds))
    again, other = (metric_text(value, material.metric, material.language) for value in found)
    say, points = material.language.say, material.metric.percent
    return [
        say(
            "Tuning again changes the test score by a standard deviation of {tuning}; another seed, with the same "
            "values, by {seeds}.",
            tuning=say("{value} points", value=again) if points else again,
            seeds=say("{value} points", value=other) if points else other,
        )
    ]


def _labels(material: Material, rows: Sequence[Row]) -> list[str]:
    return [material.labels[cell_of(row)] for row in rows]
