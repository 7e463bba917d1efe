"""What the study found, in sentences made from its numbers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bakeoff.analysis.paired import IS_BETTER, IS_WORSE, Verdict
from bakeoff.analysis.ranking import ranking
from bakeoff.language import Language, mark
from bakeoff.report.baseline_sentences import runs_with_one_answer, unbeaten_baseline
from bakeoff.report.document import Block, Items, Paragraph, Section
from bakeoff.report.material import Material, run_key
from bakeoff.report.numbers import difference_text, interval_text, is_known, metric_text, p_phrase, whole_text
from bakeoff.report.sections.pairwise import looked_before
from bakeoff.report.sections.tuned_values import chosen_rates
from bakeoff.report.sections.tuning_budget import condition
from bakeoff.report.sections.until_decided import left_behind, outcome
from bakeoff.report.verdicts import listed, quoted_interval
from bakeoff.study.matrix import Experiment

WHAT_INTERVALS_ARE_FOR = mark(
    "Intervals are 95 % intervals for other test images of the kind and other seeds, on one split of the data."
)
INTERVALS_ON_CUTS = mark(
    "Intervals are 95 % intervals for other images of the kind and other seeds; on a dataset that is split repeatedly, "
    "for other cuts into training and test images, too."
)


def summary(material: Material) -> Section:
    say = material.language.say
    leaders = [
        " ".join(
            [
                leader(material, name),
                *outcome(material, name),
                *unbeaten_baseline(material, name),
                *chosen_rates(material, name),
            ]
        )
        for name in material.datasets
    ]
    notes = [
        say("The epoch of each run was chosen on the validation split; the test split serves only for reporting."),
        say(INTERVALS_ON_CUTS if material.carried_out.cuts else WHAT_INTERVALS_ARE_FOR),
    ]
    if material.study.tuning is not None:
        notes.append(condition(material))
    if material.tracks_test:
        notes.append(
            say(
                "Where the best test epoch is shown, the test split itself chose the epoch: "
                "that number is optimistic and plays no part in the ranking."
            )
        )
    counts = _counts(material)
    if len(leaders) == 1:
        found: list[Block] = [Paragraph(" ".join([*leaders, *counts]), "summary")]
    else:
        found = [Paragraph(" ".join([*_over_datasets(material), *counts]), "summary"), Items(leaders)]
    return Section(say("Summary"), "summary", [*found, *looked_before(material), Paragraph(" ".join(notes), "note")])


def _counts(material: Material) -> list[str]:
    language = material.language
    complete = language.count(
        "{completed} of {n} planned run is complete.",
        "{completed} of {n} planned runs are complete.",
        len(material.tables.runs),
        completed=language.whole(len(material.with_status("completed"))),
    )
    diverged, full, undefined, missing = (
        [run_key(row) for row in material.with_status(status)]
        for status in ("diverged", "out_of_memory", "metric_undefined", "missing")
    )
    return [
        complete,
        *listed("{n} run diverged{which}.", "{n} runs diverged{which}.", diverged, language),
        *listed("{n} run did not fit in memory{which}.", "{n} runs did not fit in memory{which}.", full, language),
        *listed(
            "The metric of {n} run has no value{which}.",
            "The metric of {n} runs has no value{which}.",
            undefined,
            language,
        ),
        *listed("{n} run is missing{which}.", "{n} runs are missing{which}.", missing, language),
        *listed(
            "{n} run gives every test image the same answer{which}.",
            "{n} runs give every test image the same answer{which}.",
            runs_with_one_answer(material),
            language,
        ),
    ]


def _over_datasets(material: Material) -> list[str]:
    """The configurations with the best average rank, if enough have a run on every dataset."""
    language = material.language
    averages = [row for row in material.statistic("ranks") if row["dataset"] == ""]
    if not averages:
        return []
    best = min(row["rank"] for row in averages)
    test = material.statistic("rank_test")[0]
    return [
        language.say(
            "Across {datasets} datasets, the best average rank of {configurations} configurations is that of "
            "{leaders}: {rank} (Friedman test of whether ranks differ: {p}).",
            datasets=whole_text(test["datasets"], language),
            configurations=whole_text(test["configurations"], language),
            leaders=language.enumeration(
                [material.configurations[row["configuration"]] for row in averages if row["rank"] == best]
            ),
            rank=language.number(best, 2),
            p=p_phrase(test["p_value"], language),
        )
    ]


def leader(material: Material, dataset: str) -> str:
    """The best mean on a dataset with its interval, and how it compares with the others."""
    language, metric, score = material.language, material.metric, material.score
    rows = material.of_dataset(dataset)
    here = {cell: row for cell, row in rows.items() if is_known(row[f"{score}_mean"])}
    if not here:
        return language.say("On {dataset}, no run is complete yet.", dataset=dataset)
    labels = {cell: material.labels_on_dataset[cell] for cell in rows}
    ranks = ranking(here, metric)
    order = sorted(here, key=lambda cell: ranks[cell])
    leaders = [labels[cell] for cell in order if ranks[cell] == 1]
    best = here[order[0]]
    highest = mark("On {dataset}, the highest mean test {metric} of {experiments} is that of {leaders}: {value}")
    lowest = mark("On {dataset}, the lowest mean test {metric} of {experiments} is that of {leaders}: {value}")
    found = language.say(
        highest if metric.higher_is_better else lowest,
        dataset=dataset,
        metric=material.name_of(metric),
        experiments=language.count(
            "{n} experiment with a complete run", "{n} experiments with a complete run", len(here)
        ),
        leaders=language.enumeration(leaders),
        value=metric_text(best[f"{score}_mean"], metric, language, unit=True),
    )
    if len(leaders) > 1:
        return f"{found}."
    if best["completed"] == 1:
        found += language.say(" (one complete run, so no interval).")
    elif not is_known(best[f"{score}_low"]):
        found += language.count(
            " (the same in {n} complete run, so no interval).",
            " (the same in all {n} complete runs, so no interval).",
            int(best["completed"]),
        )
    else:
        found += language.say(
            " (95 % interval {interval}, {runs}).",
            interval=interval_text(best, score, metric, language, unit=True),
            runs=language.count("{n} complete run", "{n} complete runs", int(best["completed"])),
        )
    return " ".join(
        [found, *_ahead_of_the_second(material, order, labels), *_against_the_others(material, order[0], labels)]
    )


def _ahead_of_the_second(
    material: Material, order: Sequence[Experiment], labels: Mapping[Experiment, str]
) -> list[str]:
    """By how much the best is ahead of the next, over the seeds that both completed."""
    if len(order) < 2:
        return []
    pair = {order[0].key, order[1].key}
    for row in material.statistic("comparisons"):
        if {row["a"], row["b"]} == pair and is_known(row["difference"]):
            sign = 1 if row["a"] == order[0].key else -1
            difference = difference_text(sign * row["difference"], material.metric, material.language)
            points = material.language.say("{value} points", value=difference)
            return [
                material.language.say(
                    "Its difference from the second, {second}, is {difference} (95 % interval {interval}).",
                    second=labels[order[1]],
                    difference=points if material.metric.percent else difference,
                    interval=quoted_interval(material, row, sign),
                )
            ]
    return []


def _against_the_others(material: Material, best: Experiment, labels: Mapping[Experiment, str]) -> list[str]:
    """Which experiments the best one is better than, and which it cannot be distinguished from."""
    language, score = material.language, f"{material.score}_mean"
    found: dict[str, list[str]] = defaultdict(list)  # verdict → the labels of the others
    without_run = [label for cell, label in labels.items() if not is_known(material.rows[cell][score])]
    for row in material.statistic("comparisons"):
        if best.key in (row["a"], row["b"]) and row["dataset"] == best.dataset:
            verdict, is_first = row["verdict"], row["a"] == best.key
            if verdict in (*IS_BETTER, *IS_WORSE):
                # The best mean may come from other seeds than those that both completed.
                right = is_first == (verdict in IS_BETTER)
                wide = verdict in (Verdict.BETTER, Verdict.WORSE)
                verdict = ("better" if wide else "better_here") if right else "contrary"
            found[verdict].append(material.label_of(best.dataset, row["b"] if is_first else row["a"]))
    # Of those that left a race, it has said what there is to say.
    behind = {material.labels_on_dataset[cell] for cell in left_behind(material) if cell.dataset == best.dataset}
    unjudged = [label for label in found["too_few_seeds"] if label not in without_run]
    return [
        *_better_than(
            found["better"], found["better_here"], language, on_cuts=material.cut_of(best.dataset) is not None
        ),
        *listed(
            "Yet over the seeds that both completed, {n} other is better{which}.",
            "Yet over the seeds that both completed, {n} others are better{which}.",
            found["contrary"],
            language,
        ),
        *listed(
            "It cannot be distinguished from {n} other{which}.",
            "It cannot be distinguished from {n} others{which}.",
            [label for label in found["not_distinguishable"] + found["identical"] if label not in behind],
            language,
            most=6,
        ),
        *listed(
            "There are too few seeds to judge {n} other{which}.",
            "There are too few seeds to judge {n} others{which}.",
            unjudged,
            language,
        ),
        *listed(
            "{n} other has no complete run{which}.", "{n} others have no complete run{which}.", without_run, language
        ),
        *listed(
            "Its difference from {n} other is the same with every seed, so there is no spread to judge by{which}.",
            "Its differences from {n} others are the same with every seed, so there is no spread to judge by{which}.",
            found["constant_difference"],
            language,
        ),
    ]


def _better_than(wide: Sequence[str], here: Sequence[str], language: Language, on_cuts: bool) -> list[str]:
    """Than which the best is better for good, and than which only on the images, or cuts, of the study."""
    if on_cuts:
        return [
            *listed(
                "It is better than {n} other{which}, on other images of this kind and other cuts of the data, too.",
                "It is better than {n} others{which}, on other images of this kind and other cuts of the data, too.",
                wide,
                language,
            ),
            *listed(
                "It is better than {n} more on these cuts of the data only{which}: other cuts may turn that round.",
                "It is better than {n} more on these cuts of the data only{which}: other cuts may turn that round.",
                here,
                language,
            ),
        ]
    return [
        *listed(
            "It is better than {n} other{which}, on other images of this kind, too.",
            "It is better than {n} others{which}, on other images of this kind, too.",
            wide,
            language,
        ),
        *listed(
            "It is better than {n} more on these test images only{which}: new images may turn that round.",
            "It is better than {n} more on these test images only{which}: new images may turn that round.",
            here,
            language,
        ),
    ]
