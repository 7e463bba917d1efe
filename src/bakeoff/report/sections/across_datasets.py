"""Configurations ranked across several datasets."""

import math
from functools import partial

from bakeoff.analysis.paired import LEVEL
from bakeoff.report.columns import number_column
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, tabulate
from bakeoff.report.material import Material
from bakeoff.report.numbers import amount_text, is_known, p_phrase, whole_text
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
        needed = (
            say(" At least {number} are needed.", number=whole_text(test["datasets_needed"], language))
            if is_known(test["datasets_needed"])
            else ""
        )
        warning = say("So few datasets cannot tell configurations apart, whatever their ranks.")
        blocks.append(Paragraph(warning + needed, "warning"))
    elif test["warning"] == "few_datasets":
        warning = say("With ten datasets or fewer, Nemenyi's distance is only approximate.")
        blocks.append(Paragraph(warning, "warning"))
    caption = say("Average ranks across datasets; 1 is best.")
    blocks.append(tabulate("ranks", caption, columns, sorted(averages, key=lambda row: row["rank"])))
    blocks += material.figure(
        "critical_difference",
        say("Average ranks; a bar joins configurations that the datasets do not distinguish (Nemenyi, 5 %)."),
    )
    blocks += material.figure(
        "performance_profiles", say("Share of datasets on which a configuration comes within a factor of the best.")
    )
    return [Section(say("Across datasets"), "ranks", blocks)]


def _without_ranks(material: Material) -> list[str]:
    """The configurations left out because they lack a complete run on some dataset."""
    complete = {row["configuration"] for row in material.statistic("ranks")}
    every = dict.fromkeys(cell.key.partition("/")[2] for cell in material.rows)
    return [material.configurations[key] for key in every if key not in complete]
