"""Which choices matter: how much of the variance of the scores each explains."""

from bakeoff.analysis.labels import term_name
from bakeoff.analysis.variance import SHARED
from bakeoff.report.columns import number_column
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, tabulate
from bakeoff.report.material import Material
from bakeoff.report.numbers import is_known, percent_text, whole_text


def variance(material: Material) -> list[Block]:
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
        "Each share is how much of the variance of test {metric} over all complete runs a choice explains, in a linear "
        "model of all choices and their pairs (type II sums of squares).",
        metric=material.name_of(material.metric),
    )
    blocks: list[Block] = [Paragraph(introduction)]
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
    blocks += material.figure("variance_shares", say("Share of the variance that each choice explains."))
    blocks.append(tabulate("variance", say("Sources of variance."), columns, rows))
    return [Section(say("Which choices matter"), "variance", blocks)]
