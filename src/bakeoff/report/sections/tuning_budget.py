"""The budget of tuning: what verdicts are conditional on, what it cost, and how the ranking depends on it."""

from collections.abc import Sequence

from bakeoff.language import Language
from bakeoff.report.document import Block, Items, Paragraph, Section
from bakeoff.report.material import Material, Row, cell_of, rows_by_cell
from bakeoff.report.numbers import duration_text, is_known, percent_text
from bakeoff.results.summary_tables import records
from bakeoff.study.halving import rungs_of
from bakeoff.study.trials import is_tuned


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
        "{seeds}, chosen on validation alone{halving}. Verdicts hold for these spaces and this budget: with others, "
        "other experiments may lead. {tuning_again}",
        trials=budget,
        epochs=epochs,
        seeds=seeds,
        halving=_halving(material),
        tuning_again=_tuning_again(material),
    )


def _tuning_again(material: Material) -> str:
    """Whether verdicts are about the chosen values, or about experiments as they are tuned."""
    language, tuned = material.language, material.study.tuning
    if tuned is not None and tuned.studies > 1 and not material.study.rounds:
        return language.count(
            "Verdicts and intervals of the results contain how much {n} tuning study with other points differs.",
            "Verdicts and intervals of the results contain how much {n} tuning studies with other points differ.",
            tuned.studies,
        )
    return language.say(
        "They are about the chosen values: tuning again with other points could choose others, which may turn a "
        "verdict round and which no interval here contains."
    )


def _halving(material: Material) -> str:
    """After which epochs trials are left behind, to follow their number; nothing where each has all its epochs."""
    language, tuned = material.language, material.study.tuning
    if tuned is None or tuned.halving is None:
        return ""
    found = {rungs_of(material.study, cell)[:-1] for cell in material.labels if is_tuned(material.study, cell)}
    factor = language.whole(tuned.halving)
    if len(found) != 1:  # recipes have their own numbers of epochs
        return language.say("; one in {factor} goes on at each rung", factor=factor)
    ends = [rung.epochs for rung in found.pop()]
    return language.count(
        "; one in {factor} goes on after {epochs} epoch",
        "; one in {factor} goes on after {epochs} epochs",
        ends[-1],
        factor=factor,
        epochs=language.enumeration([language.whole(end) for end in ends]),
    )


def cost(material: Material) -> str:
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


def saved_by_halving(material: Material) -> list[Block]:
    """What halving spent, and what whole trials would have."""
    study, language = material.study, material.language
    if study.tuning is None or study.tuning.halving is None:
        return []
    rows = material.statistic("tuning_trials")
    spent = sum(row["epochs"] for row in rows if is_known(row["epochs"]))
    whole = sum(rungs_of(study, cell_of(row))[-1].epochs for row in rows) * len(study.tuning.seeds)
    if not whole:
        return []
    left = sum(is_known(row["until"]) and row["until"] < rungs_of(study, cell_of(row))[-1].epochs for row in rows)
    behind = language.count("{n} trial was left behind", "{n} trials were left behind", left)
    found = language.say(
        "{behind}, so tuning took {spent} epochs of the {whole} that whole trials would have taken ({share} %). Who "
        "was left behind has the score that it had then: a longer training might have turned that round. What the best "
        "of fewer trials would score is not known, so no curve shows it.",
        behind=behind,
        spent=language.whole(spent),
        whole=language.whole(whole),
        share=percent_text(spent / whole, language),
    )
    return [Paragraph(found)]


def budget_needed(material: Material) -> list[Block]:
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
    leaders = {row["dataset"]: row["leader"] for row in rows if (row["cost"], row["from"]) == ("trials", 1)}
    sentences += [_catching_up(material, dataset, leader) for dataset, leader in leaders.items()]
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


def _catching_up(material: Material, dataset: str, leader: str) -> str:
    """How many trials each experiment on a dataset needs for the expected score of the leader with a single one."""
    say, language, sign = material.language.say, material.language, 1 if material.metric.higher_is_better else -1
    rows = rows_by_cell(row for row in material.statistic("tuning_curve") if row["dataset"] == dataset)
    curves = {cell.key: [sign * row["validation"] for row in own] for cell, own in rows.items()}
    found = []
    for key, scores in curves.items():
        if key != leader:
            enough = [trials for trials, score in enumerate(scores, 1) if score >= curves[leader][0]]
            needed = language.whole(enough[0]) if enough else say("more than {n}", n=language.whole(len(scores)))
            found.append(f"{material.label_of(dataset, key)} {needed}")
    return say(
        "Trials that others need on {dataset} to score, on average, what a single trial of {leader} does on "
        "validation: {needed}.",
        dataset=dataset,
        leader=material.label_of(dataset, leader),
        needed=", ".join(found),
    )


def _amount(value: float, cost: str, language: Language) -> str:
    if cost == "seconds":
        return language.say("{duration} of training", duration=duration_text(value, language))
    return language.count("{n} trial", "{n} trials", int(value))
