"""Which differences are real: pairs of experiments, several datasets, and the choices that matter."""

import math
from functools import partial

from bakeoff.analysis.labels import term_name
from bakeoff.analysis.paired import LEVEL
from bakeoff.analysis.variance import SHARED
from bakeoff.report.columns import number_column, pair_columns, range_column
from bakeoff.report.document import Block, Cell, Column, Details, Items, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import (
    NONE,
    amount_text,
    difference_text,
    is_known,
    p_phrase,
    p_text,
    percent_text,
    whole_text,
)
from bakeoff.report.sections.uncertainty import uncertainty
from bakeoff.report.verdicts import in_brackets, sentence, short_verdict


def comparison(material: Material) -> Section:
    say = material.language.say
    compared = material.statistic("comparisons")
    comparable = any(row["seeds"] for row in compared)
    nothing = say("No two experiments have a completed seed in common: there is nothing to compare.")
    if len(material.rows) == 1:
        nothing = say("There is one experiment: there is nothing to compare it with.")
    parts: list[Block] = [_rule(material) if comparable else Paragraph(nothing)]
    for name in [*material.datasets, *([""] if len(material.datasets) > 1 else [])]:
        rows = [row for row in compared if row["dataset"] == name]
        pairs = _pairs(material, name, rows) if any(row["seeds"] for row in rows) else []
        blocks = [*pairs, *uncertainty(material, name)]
        if blocks:
            title = name or say("All datasets")
            anchor = f"comparison-{name}" if name else "comparison-all"
            parts.append(Section(title, anchor, blocks))
    parts += _ranks(material)
    parts += _variance(material)
    return Section(say("Comparison"), "comparison", parts)


def _rule(material: Material) -> Paragraph:
    return Paragraph(
        material.language.say(
            "Experiments are compared seed by seed, on these test images. One is called better when the paired t-test, "
            "corrected by Holm for all pairs of the study, and the sign-flip test agree; with five seeds or fewer, "
            "which cannot reach 5 % by sign flips, every seed has to say the same. In a study whose scores differ by "
            "chance over seeds alone, about normally, the chance of even one such verdict is at most 5 %. Differences "
            "are the first minus the second; their intervals are of each pair alone, so that one may leave zero out "
            "and the verdict still be open: over seeds on these images, and over other images of the kind with these "
            "seeds."
        ),
        "note",
    )


def _pairs(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    say, language, metric = material.language.say, material.language, material.metric
    columns = [
        *pair_columns(material, dataset),
        Column(say("Seeds"), lambda row: Cell(str(row["seeds"]), value=row["seeds"])),
        Column(
            say("Difference") + material.unit_of_differences,
            lambda row: Cell(difference_text(row["difference"], metric, language), _is_clear(row), row["difference"]),
        ),
        range_column(material, say("95 % interval over seeds")),
        range_column(material, say("95 % interval over test images"), "images_low", "images_high"),
        number_column(material, say("p, corrected"), "p_holm", p_text),
        Column(say("First is"), lambda row: Cell(short_verdict(material, row), _is_clear(row)), numeric=False),
    ]
    caption = language.count(
        "Pairs on {name}; corrected for {n} comparison.",
        "Pairs on {name}; corrected for {n} comparisons.",
        int(rows[0]["comparisons"]),
        name=dataset or say("all datasets"),
    )
    table = tabulate(f"comparisons_{dataset or 'all'}", caption, columns, rows)
    sentences = Details(say("In sentences"), [Items([sentence(material, row) for row in rows])])
    return [table, sentences, *_sizes(material, dataset, rows)]


def _is_clear(row: Row) -> bool:
    return row["verdict"] in ("better", "worse")


def _sizes(material: Material, dataset: str, rows: list[Row]) -> list[Block]:
    """How often one of a pair beats the other, and by how many deviations."""
    say, language = material.language.say, material.language
    judged = [row for row in rows if row["verdict"] != "too_few_seeds"]
    if not judged:
        return []
    two_digits = partial(amount_text, digits=2)

    def interval(row: Row) -> Cell:
        low, high = row["probability_low"], row["probability_high"]
        text = NONE if low == high else " – ".join(language.number(end, 2) for end in (low, high))
        return Cell(text, value=low)

    columns = [
        *pair_columns(material, dataset),
        number_column(material, say("P(first beats second)"), "probability", two_digits),
        Column(say("95 % bootstrap interval"), interval),
        number_column(material, say("Effect size"), "effect_size", two_digits),
    ]
    text = say(
        "P is the probability that a random seed of the first beats that of the second, ties counted half. The "
        "bootstrap has no interval where every seed says the same: it cannot know of what it never saw. The effect "
        "size is Hedges' g: the mean of the paired differences in units of their standard deviation."
    )
    caption = say("Sizes of the differences on {name}.", name=dataset or say("all datasets"))
    table = tabulate(f"sizes_{dataset or 'all'}", caption, columns, judged)
    return [Details(say("How often, and by how much"), [Paragraph(text, "note"), table])]


def _ranks(material: Material) -> list[Block]:
    """Configurations over several datasets, where there are any."""
    say, language = material.language.say, material.language
    tested, left_out = material.statistic("rank_test"), _without_ranks(material)
    if not tested:
        if len(material.datasets) < 2 or not left_out:
            return []
        why = say(
            "Fewer than two configurations have a complete run on every dataset: there are no ranks over datasets."
        )
        return [Section(say("Over datasets"), "ranks", [Paragraph(why)])]
    test = tested[0]
    statistics = {"χ²": test["statistic"], "F": test["f_statistic"]}
    if not math.isfinite(test["f_statistic"]):  # the same order on every dataset
        del statistics["F"]
    averages = [row for row in material.statistic("ranks") if row["dataset"] == ""]
    columns = [
        Column(say("Configuration"), lambda row: Cell(material.configurations[row["configuration"]]), numeric=False),
        number_column(material, say("Average rank"), "rank", partial(amount_text, digits=2)),
    ]
    blocks: list[Block] = [
        Paragraph(
            say(
                "Over {datasets} datasets the Friedman test of {configurations} configurations gives {statistics} and, "
                "by shuffling ranks, {p}. Average ranks differ when they are {distance} apart (Nemenyi).",
                datasets=whole_text(test["datasets"], language),
                configurations=whole_text(test["configurations"], language),
                statistics=", ".join(f"{sign} = {language.number(value, 2)}" for sign, value in statistics.items()),
                p=p_phrase(test["p_value"], language),
                distance=language.number(test["critical_difference"], 2),
            )
        )
    ]
    if left_out:
        text = say(
            "Left out, as they have no complete run on every dataset{which}.", which=in_brackets(left_out, language)
        )
        blocks.append(Paragraph(text, "warning"))
    if test["p_value"] > LEVEL:
        blocks.append(Paragraph(say("The test finds no difference: the distances below say nothing by themselves.")))
    if test["warning"] == "no_power":
        needed = (
            say(" It would take at least {number}.", number=whole_text(test["datasets_needed"], language))
            if is_known(test["datasets_needed"])
            else ""
        )
        warning = say("So few datasets cannot tell configurations apart, whatever their ranks.")
        blocks.append(Paragraph(warning + needed, "warning"))
    elif test["warning"] == "few_datasets":
        warning = say("With ten datasets or fewer Nemenyi's distance is approximate.")
        blocks.append(Paragraph(warning, "warning"))
    caption = say("Average ranks over the datasets, 1 is best.")
    blocks.append(tabulate("ranks", caption, columns, sorted(averages, key=lambda row: row["rank"])))
    blocks += material.figure(
        "critical_difference",
        say("Average ranks; a bar joins configurations that the datasets do not distinguish (Nemenyi, 5 %)."),
    )
    blocks += material.figure(
        "performance_profiles", say("Share of datasets on which a configuration comes within a factor of the best.")
    )
    return [Section(say("Over datasets"), "ranks", blocks)]


def _without_ranks(material: Material) -> list[str]:
    """The configurations that lack a complete run on some dataset, and so take no part."""
    complete = {row["configuration"] for row in material.statistic("ranks")}
    every = dict.fromkeys(cell.key.partition("/")[2] for cell in material.rows)
    return [material.configurations[key] for key in every if key not in complete]


def _variance(material: Material) -> list[Block]:
    say, language = material.language.say, material.language
    found = [row for row in material.statistic("variance") if row["term"] != "total" and is_known(row["share"])]
    saturated = any(row["term"] == "residual" and not row["degrees_of_freedom"] for row in found)
    rows = [row for row in found if row["degrees_of_freedom"] or row["term"] == SHARED]
    if len(rows) < 2 or len(material.rows) < 2:
        return []
    columns = [
        Column(say("Source"), lambda row: Cell(term_name(row["term"], language)), numeric=False),
        number_column(material, say("Share of variance [%]"), "share", percent_text),
        number_column(material, say("Degrees of freedom"), "degrees_of_freedom", whole_text),
    ]
    introduction = say(
        "How much of the variance of test {metric} over all complete runs each choice explains, by a linear "
        "model with all "
        "choices and their pairs (sums of squares of type II).",
        metric=material.name_of(material.metric),
    )
    blocks: list[Block] = [Paragraph(introduction)]
    if not rows[0]["balanced"]:
        unbalanced = say(
            "Not every combination of the choices has a complete run: the matrix is unbalanced, and what several "
            "choices "
            "could explain is attributed to none (negative where they explain the same twice)."
        )
        blocks.append(Paragraph(unbalanced, "warning"))
    if saturated:
        text = say("The choices and their pairs explain every run exactly, which leaves chance nothing: read no share.")
        blocks.append(Paragraph(text, "warning"))
    blocks += material.figure("variance_shares", say("Share of the variance that each choice explains."))
    blocks.append(tabulate("variance", say("Sources of variance."), columns, rows))
    return [Section(say("Which choice matters"), "variance", blocks)]
