"""What was compared: datasets, architectures, optimizers and recipes, and how they are combined."""

import math

from bakeoff.language import mark
from bakeoff.report.columns import text_column
from bakeoff.report.document import Paragraph, Section, Table, tabulate
from bakeoff.report.entry_text import arguments_text, settings, with_spaces
from bakeoff.report.material import Material
from bakeoff.study.matrix import AXES, FACETS

TITLES = {
    "datasets": mark("Datasets"),
    "architectures": mark("Architectures"),
    "optimizers": mark("Optimizers"),
    "recipes": mark("Recipes"),
}
KINDS = {
    "datasets": ("source", mark("Source")),
    "architectures": ("model", mark("Model")),
    "optimizers": ("name", mark("Algorithm")),
}


def design(material: Material) -> Section:
    say = material.language.say
    tables = [Section(say(TITLES[axis]), axis, [_axis_table(material, axis)]) for axis in AXES]
    return Section(say("What was compared"), "compared", [Paragraph(_matrix(material)), *tables])


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


def _axis_table(material: Material, axis: str) -> Table:
    say = material.language.say
    kind, title = KINDS.get(axis, ("", ""))
    study = material.study
    said = {name: with_spaces(settings(entry), study, axis, name) for name, entry in getattr(study, axis).items()}
    rows = [
        {"name": name, "kind": item.pop(kind, ""), "arguments": arguments_text(item)} for name, item in said.items()
    ]
    columns = [text_column(say("Name"), "name"), text_column(say("Arguments"), "arguments")]
    if kind:
        columns.insert(1, text_column(say(title), "kind"))
    return tabulate(axis, say("{axis} of the study.", axis=say(TITLES[axis])), columns, rows)
