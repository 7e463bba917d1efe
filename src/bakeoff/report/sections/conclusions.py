"""What the study found: the answer, in sentences made from its numbers, with its figure and its table."""

from bakeoff.language import mark
from bakeoff.report.baseline_sentences import runs_with_one_answer
from bakeoff.report.document import Block, Items, Paragraph, Section
from bakeoff.report.material import Material, run_key
from bakeoff.report.numbers import p_phrase, whole_text
from bakeoff.report.sections.pairwise import looked_before
from bakeoff.report.sections.results import of_dataset
from bakeoff.report.sections.the_answer import answers
from bakeoff.report.sections.tuned_values import chosen_rates
from bakeoff.report.sections.tuning_budget import condition
from bakeoff.report.sections.until_decided import outcome
from bakeoff.report.verdicts import listed

IN_BRACKETS = mark(
    "[In brackets]: 95 % intervals, which allow for other test images of the kind and other seeds (the random numbers "
    "that a run starts from), on one split of the data."
)
IN_BRACKETS_ON_CUTS = mark(
    "[In brackets]: 95 % intervals, which allow for other images of the kind, other seeds (the random numbers that a "
    "run starts from) and, on a dataset that is split repeatedly, other cuts into training and test images."
)
VERDICTS = mark(
    "An experiment beats another when it would be better on such images, too; they are tied when the difference may "
    "be chance."
)
VALIDATION = mark("The validation images chose the epoch of each run; the test images only judge.")
OPTIMISTIC = mark(
    "Where the best test epoch is shown, the test split itself chose the epoch: that number is optimistic and plays no "
    "part in the ranking."
)


def summary(material: Material) -> Section:
    """The answer; with a single dataset also its ranked figure and its table of results."""
    say = material.language.say
    names = material.datasets
    ends = ([*outcome(material, name), *chosen_rates(material, name)] for name in names)
    texts = [" ".join([text, *end]) for text, end in zip(answers(material), ends, strict=True)]
    if len(names) == 1:
        found: list[Block] = [Paragraph(texts[0], "summary")]
    else:
        found = [*(Paragraph(text, "summary") for text in _over_datasets(material)), Items(texts)]
    found += [*_incomplete(material), *looked_before(material)]
    if len(names) == 1:
        found += of_dataset(material, names[0])
    return Section(say("Summary"), "summary", [*found, Paragraph(" ".join(_notes(material)), "note")])


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


def _incomplete(material: Material) -> list[Block]:
    """A warning where runs failed, are missing, or answer everything alike."""
    language = material.language
    diverged, full, undefined, missing = (
        [run_key(row) for row in material.with_status(status)]
        for status in ("diverged", "out_of_memory", "metric_undefined", "missing")
    )
    found = [
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
    return [Paragraph(" ".join([_complete(material), *found]), "warning")] if found else []


def _complete(material: Material) -> str:
    language = material.language
    return language.count(
        "{completed} of {n} planned run is complete.",
        "{completed} of {n} planned runs are complete.",
        len(material.tables.runs),
        completed=language.whole(len(material.with_status("completed"))),
    )


def _notes(material: Material) -> list[str]:
    """What the words of the answer mean, and what it is conditional on."""
    say = material.language.say
    compared = any(row["seeds"] for row in material.statistic("comparisons"))
    intervals = IN_BRACKETS_ON_CUTS if material.carried_out.cuts else IN_BRACKETS
    notes = [say(intervals), *([say(VERDICTS)] if compared else []), say(VALIDATION)]
    if material.study.tuning is not None:
        notes.append(condition(material))
    if material.tracks_test:
        notes.append(say(OPTIMISTIC))
    return notes if _incomplete(material) else [*notes, _complete(material)]
