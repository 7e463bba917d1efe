"""All pairs of experiments as one triangle: by how much, and what that shows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from bakeoff.analysis.paired import OPPOSITE, Verdict
from bakeoff.language import mark
from bakeoff.report.document import Cell, Column, Table, Tone, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, difference_text
from bakeoff.report.verdicts import sentence


class Sign(NamedTuple):
    """How a verdict on the row against the column looks, and what that means."""

    text: str
    tone: Tone
    meaning: str


SIGNS = {
    Verdict.BETTER: Sign("▲", "better", mark("▲ the row is better")),
    Verdict.BETTER_ON_THESE_IMAGES: Sign("△", "maybe_better", mark("△ it is better on these test images only")),
    Verdict.NOT_DISTINGUISHABLE: Sign("≈", "open", mark("≈ tied: the difference may be chance")),
    Verdict.IDENTICAL: Sign("=", "open", mark("= the same with every seed")),
    Verdict.WORSE_ON_THESE_IMAGES: Sign("▽", "maybe_worse", mark("▽ it is worse on these test images only")),
    Verdict.WORSE: Sign("▼", "worse", mark("▼ the row is worse")),
    Verdict.TOO_FEW_SEEDS: Sign("?", "", mark("? too few seeds to judge")),
    Verdict.CONSTANT_DIFFERENCE: Sign("!", "", mark("! the same difference with every seed: no spread to judge by")),
}
ON_CUTS = {
    Verdict.BETTER_ON_THESE_IMAGES: mark("△ it is better on these cuts of the data only"),
    Verdict.WORSE_ON_THESE_IMAGES: mark("▽ it is worse on these cuts of the data only"),
}


def pair_matrix(material: Material, dataset: str, order: Sequence[str], rows: Sequence[Row]) -> Table:
    """A triangle of all pairs of the experiments with the keys in `order`, the best first; columns have their numbers.

    `rows` are the pairs' rows of the table of comparisons, one for each.
    """
    say, language = material.language.say, material.language
    by_pair = {frozenset((row["a"], row["b"])): row for row in rows}
    places = {key: place for place, key in enumerate(order, start=1)}
    seen: set[Verdict] = set()

    def cell(key: str, other: str) -> Cell:
        if places[other] >= places[key]:
            return Cell("")
        row = by_pair[frozenset((key, other))]
        if not row["seeds"]:
            return Cell(NONE, note=sentence(material, row))
        verdict, value = Verdict(row["verdict"]), row["difference"]
        if row["a"] != key:
            verdict, value = OPPOSITE.get(verdict, verdict), 0 - value  # not -0.0
        seen.add(verdict)
        text = f"{difference_text(value, material.metric, language)}\u00a0{SIGNS[verdict].text}"
        return Cell(text, value=value, tone=SIGNS[verdict].tone, note=sentence(material, row))

    def against(other: str) -> Column[str]:
        return Column(str(places[other]), lambda key: cell(key, other))

    def name(key: str) -> Cell:
        return Cell(f"{places[key]}\u2002{material.label_of(dataset, key)}")

    title = say("Row minus column") + material.unit_of_differences
    columns = [Column(title, name, numeric=False), *map(against, order[:-1])]
    caption = language.count(
        "The {n} pair on {name}; columns have the numbers of the rows.",
        "All {n} pairs on {name}; columns have the numbers of the rows.",
        len(rows),
        name=dataset or say("all datasets"),
    )
    table = tabulate(f"pairs_{dataset or 'all'}", caption, columns, order)
    meanings = {verdict: sign.meaning for verdict, sign in SIGNS.items()}
    if material.cut_of(dataset):
        meanings |= ON_CUTS
    return replace(table, key="; ".join(say(meaning) for verdict, meaning in meanings.items() if verdict in seen) + ".")
