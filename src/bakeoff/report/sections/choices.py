"""Which choices matter: configurations ranked across datasets, and the variance that each choice explains."""

import math
from functools import partial

from bakeoff.analysis.labels import term_name
from bakeoff.analysis.paired import LEVEL
from bakeoff.analysis.variance import TUNING, shown_sources
from bakeoff.report.columns import number_column
from bakeoff.report.document import Block, Cell, Column, Details, Paragraph, Section, tabulate
from bakeoff.report.material import Material
from bakeoff.report.numbers import amount_text, is_known, p_phrase, percent_text, whole_text
from bakeoff.report.verdicts import in_brackets


def ranks(material: Material) -> list[Block]:
    """The section on ranks; empty for a single dataset."""
    say, language = material.language.say, material.language
    tested, left_out = material.statistic("rank_test"), _without_ranks(material)
    if not tested:
        if len(material.datasets) < 2 or not left_out:
            return []
        why = say(
            "Fewer than two configurations have a complete run on every dataset, so there are no ranks across datasets."
        )
        return [Section(say("Across datasets"), "ranks", [Paragraph(why)])]
    test = tested[0]
    statistics = {"χ²": test["statistic"], "F": test["f_statistic"]}
    if not math.isfinite(test["f_statistic"]):  # where the order is the same on every dataset
        del statistics["F"]
    averages = [row for row in material.statistic("ranks") if row["dataset"] == ""]
    columns = [
        Column(say("Configuration"), lambda row: Cell(material.configurations[row["configuration"]]), numeric=False),
        number_column(material, say("Average rank"), "rank", partial(amount_text, digits=2)),
    ]
    blocks: list[Block] = [
        Paragraph(
            say(
                "Across {datasets} datasets, the Friedman test of {configurations} configurations gives {statistics} "
                "and, by permutation, {p}. Average ranks differ when they are {distance} or more apart (Nemenyi).",
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
            "Left out for lack of a complete run on every dataset{which}.", which=in_brackets(left_out, language)
        )
        blocks.append(Paragraph(text, "warning"))
    if test["p_value"] > LEVEL:
        blocks.append(Paragraph(say("The test finds no difference, so the distances below mean nothing on their own.")))
    if test["warning"] == "no_power":
        warning = say("So few datasets cannot tell configurations apart, whatever their ranks.")
        if is_known(test["datasets_needed"]):
            warning += say(" At least {number} are needed.", number=whole_text(test["datasets_needed"], language))
        blocks.append(Paragraph(warning, "warning"))
    elif test["warning"] == "few_datasets":
        blocks.append(Paragraph(say("With ten datasets or fewer, Nemenyi's distance is only approximate."), "warning"))
    caption = say("Average ranks across datasets; 1 is best.")
    blocks.append(tabulate("ranks", caption, columns, sorted(averages, key=lambda row: row["rank"])))
    joined = say("Average ranks; a bar joins configurations that the datasets do not distinguish (Nemenyi, 5 %).")
    profiles = say("Share of datasets on which a configuration comes within a factor of the best.")
    blocks += material.figures({"critical_difference": joined, "performance_profiles": profiles})
    return [Section(say("Across datasets"), "ranks", blocks)]


def choices(material: Material) -> Section | None:
    """What each choice explains of the variance; None where there is one choice or one experiment."""
    say, language = material.language.say, material.language
    found = material.statistic("variance")
    saturated = any(row["term"] == "residual" and not row["degrees_of_freedom"] for row in found)
    rows = shown_sources(found)
    if not rows or len(material.rows) < 2:
        return None
    columns = [
        Column(say("Source"), lambda row: Cell(term_name(row["term"], language)), numeric=False),
        number_column(material, say("Share of variance [%]"), "share", percent_text),
        number_column(material, say("Without chance (ω²) [%]"), "omega_squared", percent_text),
        number_column(material, say("Degrees of freedom"), "degrees_of_freedom", whole_text),
    ]
    introduction = say(
        "Each share is how much of the variance of test {metric} over all complete runs a choice explains, in a linear "
        "model of all choices and their pairs (type II sums of squares). Choices with many levels explain something by "
        "chance, too: ω² takes that off, and is below zero where nothing else is left.",
        metric=material.name_of(material.metric),
    )
    blocks: list[Block] = [Paragraph(introduction)]
    is_tuned = any(row["term"] == TUNING for row in rows)
    if is_tuned:
        beside = say(
            "All runs of an experiment have the values that one tuning chose. Tuning again with other points would add "
            "variance; its share says how much, relative to the variance of the runs, of which it is no part."
        )
        blocks.append(Paragraph(beside))
    if not rows[0]["balanced"]:
        unbalanced = say(
            "Not every combination of choices has a complete run, so the design is unbalanced: what several choices "
            "could explain is attributed to none (and is negative where they explain the same variance twice)."
        )
        blocks.append(Paragraph(unbalanced, "warning"))
    if saturated:
        text = say(
            "The choices and their pairs explain every run exactly and leave nothing to chance: the shares mean "
            "nothing."
        )
        blocks.append(Paragraph(text, "warning"))
    moved = say(
        "What each choice does to test {metric}: how far it lies from the mean of its alternatives, all else equal. "
        "Diamonds with 95 % intervals are means over seeds, dots are seeds.",
        metric=material.name_of(material.metric),
    )
    if is_tuned:
        shares = say("Share of the variance that each choice explains, and what tuning again would add to it.")
    else:
        shares = say("Share of the variance that each choice explains.")
    blocks += material.figures({"factor_effects": moved, "variance_shares": shares})
    table = tabulate("variance", say("Sources of variance."), columns, rows)
    blocks.append(Details(say("Sources of variance in numbers"), "variance-in-numbers", [table]))
    return Section(say("Which choices matter"), "variance", blocks)


def _without_ranks(material: Material) -> list[str]:
    """The configurations left out because they lack a complete run on some dataset."""
    complete = {row["configuration"] for row in material.statistic("ranks")}
    every = dict.fromkeys(cell.key.partition("/")[2] for cell in material.rows)
    return [material.configurations[key] for key in every if key not in complete]
