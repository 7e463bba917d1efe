"""Tuning: which values were chosen, what that brings, and what it depends on."""

from collections.abc import Sequence

from bakeoff.language import Language, mark
from bakeoff.report.columns import experiment_column, metric_column, number_column, range_column, text_column
from bakeoff.report.document import Block, Cell, Column, Items, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import difference_text, duration_text, is_known, metric_text, range_text, whole_text
from bakeoff.report.sections.tuning_trials import all_trials, short_name
from bakeoff.report.verdicts import listed
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.trials import is_tuned

EDGES = {"low": mark("at its lower edge"), "high": mark("at its upper edge"), "": mark("no")}
SPLITS = ("validation", "test")


def tuning(material: Material) -> Section | None:
    """The section, or None for a study that does not tune."""
    if material.study.tuning is None:
        return None
    say = material.language.say
    parts = (_chosen, _gain, _budget, _sensitivity, _spread, all_trials)
    blocks = [Paragraph(f"{condition(material)} {_cost(material)}"), *_without_space(material), *_undecided(material)]
    return Section(say("Tuning"), "tuning", [*blocks, *(block for part in parts for block in part(material))])


def condition(material: Material) -> str:
    """What all verdicts on tuned experiments are conditional on."""
    language, tuned = material.language, material.study.tuning
    assert tuned is not None
    budget = language.count("{n} trial", "{n} trials", tuned.trials)
    seeds = language.count("{n} tuning seed", "{n} tuning seeds", len(tuned.seeds))
    if tuned.epochs is None:
        epochs = language.say("the epochs of the recipe")
    else:
        epochs = language.count("{n} epoch", "{n} epochs", tuned.epochs)
    return language.say(
        "Hyper-parameters with a space are tuned, for each experiment with the same budget: {trials} of {epochs} with "
        "{seeds}, chosen on validation alone. Verdicts hold for these spaces and this budget: with others, other "
        "experiments may lead.",
        trials=budget,
        epochs=epochs,
        seeds=seeds,
    )


def _cost(material: Material) -> str:
    """What tuning took, beside the runs of the study."""
    language = material.language
    trials = [row["seconds"] for row in material.statistic("tuning_trials") if is_known(row["seconds"])]
    runs = [row["training_seconds"] for row in records(material.tables.runs) if is_known(row["training_seconds"])]
    return language.say(
        "{trials} took {tuning} of training, the runs of the study {evaluation}.",
        trials=language.count("{n} trial", "{n} trials", len(trials)),
        tuning=duration_text(sum(trials), language),
        evaluation=duration_text(sum(runs), language),
    )


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


def _budget(material: Material) -> list[Block]:
    rows, say = material.statistic("tuning_leaders"), material.language.say
    drawn = material.figures({
        f"tuning_curve_{name}": say(
            "Expected validation and test {metric} of the best of so many trials on {dataset}, over trials and over "
            "seconds of training.",
            metric=material.name_of(material.metric),
            dataset=name,
        )
        for name in material.datasets
    })  # fmt: skip
    sentences = [
        _leaders(material, dataset, cost, [row for row in rows if (row["dataset"], row["cost"]) == (dataset, cost)])
        for dataset, cost in dict.fromkeys((row["dataset"], row["cost"]) for row in rows)
    ]
    if not drawn and not sentences:
        return []
    explained = say(
        "What the best of n trials scores is the mean over all choices of n of those that were tried (the unbiased "
        "estimator of Tang et al. 2020). The test score is that of the trial that validation would choose."
    )
    items: list[Block] = [Items(sentences)] if sentences else []
    return [Section(say("Which budget the ranking needs"), "tuning-budget", [Paragraph(explained), *items, *drawn])]


def _leaders(material: Material, dataset: str, cost: str, stretches: Sequence[Row]) -> str:
    """Who leads at which budget on a dataset, by expected validation scores."""
    say, language = material.language.say, material.language
    names = [material.label_of(dataset, row["leader"]) for row in stretches]
    if len(stretches) == 1:
        return say(
            "On {dataset}, {leader} leads at every budget, from {begin} to {end}.",
            dataset=dataset,
            leader=names[0],
            begin=_amount(stretches[0]["from"], cost, language),
            end=_amount(stretches[0]["to"], cost, language),
        )
    later = [
        say("{leader} from {begin} on", leader=name, begin=_amount(row["from"], cost, language))
        for name, row in zip(names[1:], stretches[1:], strict=True)
    ]
    return say(
        "On {dataset}, the ranking turns: {first} leads first, then {later}.",
        dataset=dataset,
        first=names[0],
        later=language.enumeration(later),
    )


def _amount(value: float, cost: str, language: Language) -> str:
    if cost == "seconds":
        return language.say("{duration} of training", duration=duration_text(value, language))
    return language.count("{n} trial", "{n} trials", int(value))


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
    by_cell: dict[Experiment, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(cell_of(row), []).append(row)
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
        "the highest, what the chosen trials of the tuning studies score: the spread that tuning itself brings, which "
        "the intervals over seeds do not contain. The runs have the values of the first."
    )
    caption = say("Scores of the trials that each tuning study would choose, lowest to highest.")
    blocks: list[Block] = [Paragraph(introduction), tabulate("tuning_spread", caption, columns, found)]
    return [Section(say("What tuning again would change"), "tuning-spread", blocks)]


def _rates(row: Row) -> str:
    return f"{row['good_low']:g} – {row['good_high']:g}"


def _labels(material: Material, rows: Sequence[Row]) -> list[str]:
    return [material.labels[cell_of(row)] for row in rows]
