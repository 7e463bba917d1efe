"""What was compared: datasets, architectures, optimizers and recipes, and how they are combined."""

import math
from typing import Any

from bakeoff.language import mark
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, Table, paragraphs, tabulate
from bakeoff.report.entry_text import arguments_text, effective, with_spaces
from bakeoff.report.material import Material
from bakeoff.report.numbers import NONE
from bakeoff.study.matrix import AXES, FACETS

TITLES = {
    "datasets": mark("Dataset"),
    "architectures": mark("Architecture"),
    "optimizers": mark("Optimizer"),
    "recipes": mark("Recipe"),
}
KINDS = {"datasets": "source", "architectures": "model", "optimizers": "name"}  # the key that says what an entry is


def design(material: Material) -> Section:
    """What its author says of the study, beyond what stands on top, and every entry, once."""
    more = paragraphs(material.study.description)[1:]
    blocks: list[Block] = [*more, Paragraph(_matrix(material)), _entries(material)]
    return Section(material.language.say("What was compared"), "compared", blocks)


def _matrix(material: Material) -> str:
    language, study = material.language, material.study
    cells = list(material.rows)
    seeds = study.rounds.looks[-1] if study.rounds else len(study.seeds_of(cells[0]))
    each = mark("{sizes}: {experiments}{left_out}, each with {seeds}; {runs} in all.")
    on_cuts = mark("{sizes}: {experiments}{left_out}, each with {seeds} on every cut of its dataset; {runs} in all.")
    at_most = mark("{sizes}: {experiments}{left_out}, each with at most {seeds}; {runs} so far.")
    numbers = {facet: len({getattr(cell, facet) for cell in cells}) for facet in FACETS}
    sizes = [
        language.count("{n} dataset", "{n} datasets", numbers["dataset"]),
        language.count("{n} architecture", "{n} architectures", numbers["architecture"]),
        language.count("{n} optimizer", "{n} optimizers", numbers["optimizer"]),
        language.count("{n} recipe", "{n} recipes", numbers["recipe"]),
    ]
    whole = math.prod(len(getattr(study, axis)) for axis in AXES)
    left_out = ""
    if len(cells) != whole:
        left_out = language.say(" (of {number} possible; the study lists which)", number=language.whole(whole))
    return language.say(
        at_most if study.rounds else on_cuts if material.carried_out.cuts else each,
        sizes=" × ".join(sizes),
        experiments=language.count("{n} experiment", "{n} experiments", len(cells)),
        left_out=left_out,
        seeds=language.count("{n} seed", "{n} seeds", seeds),
        runs=language.count("{n} run", "{n} runs", len(material.tables.runs)),
    )


def _entries(material: Material) -> Table:
    """Every entry of the four axes, with all that is in force for it."""
    say, study = material.language.say, material.study
    rows = [
        (axis, name, with_spaces(effective(entry), study, axis, name))
        for axis in AXES
        for name, entry in getattr(study, axis).items()
    ]

    def kind(axis: str, entry: dict[str, Any]) -> str:
        return str(entry.get(KINDS.get(axis, ""), NONE))

    def others(axis: str, entry: dict[str, Any]) -> str:
        return arguments_text({key: value for key, value in entry.items() if key != KINDS.get(axis)})

    columns: list[Column[tuple[str, str, dict[str, Any]]]] = [
        Column(say("Choice"), lambda row: Cell(say(TITLES[row[0]])), numeric=False),
        Column(say("Name"), lambda row: Cell(row[1]), numeric=False),
        Column(say("Is"), lambda row: Cell(kind(row[0], row[2])), numeric=False),
        Column(say("Arguments"), lambda row: Cell(others(row[0], row[2])), numeric=False),
    ]
    return tabulate("entries", say("The entries of the study, with the defaults that are in force."), columns, rows)
