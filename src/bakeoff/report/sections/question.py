"""What was compared."""

from bakeoff.language import mark
from bakeoff.report.document import Cell, Column, Paragraph, Section, Table
from bakeoff.report.material import Material
from bakeoff.report.sections.entries import arguments_text, settings
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
    "recipes": (None, ""),
}


def question(material: Material) -> Section:
    say = material.language.say
    tables = [Section(say(TITLES[axis]), axis, [_axis_table(material, axis)]) for axis in AXES]
    return Section(say("What was compared"), "compared", [Paragraph(_matrix(material)), *tables])


def _matrix(material: Material) -> str:
    language, study = material.language, material.study
    cells = list(material.rows)
    numbers = {facet: len({getattr(cell, facet) for cell in cells}) for facet in FACETS}
    sizes = [
        language.count("{n} dataset", "{n} datasets", numbers["dataset"]),
        language.count("{n} architecture", "{n} architectures", numbers["architecture"]),
        language.count("{n} optimizer", "{n} optimizers", numbers["optimizer"]),
        language.count("{n} recipe", "{n} recipes", numbers["recipe"]),
    ]
    whole = 1
    for axis in AXES:
        whole *= len(getattr(study, axis))
    left_out = ""
    if len(cells) != whole:
        left_out = language.say(" (of {number} possible; the study names which)", number=language.whole(whole))
    return language.say(
        "{sizes}: {experiments}{left_out}, each with {seeds}, so {runs}.",
        sizes=" × ".join(sizes),
        experiments=language.count("{n} experiment", "{n} experiments", len(cells)),
        left_out=left_out,
        seeds=language.count("{n} seed", "{n} seeds", len(study.seeds)),
        runs=language.count("{n} run", "{n} runs", len(cells) * len(study.seeds)),
    )


def _axis_table(material: Material, axis: str) -> Table:
    say = material.language.say
    key, title = KINDS[axis]
    titles = [say("Name"), *([say(title)] if key else []), say("Arguments")]
    rows = []
    for name, entry in getattr(material.study, axis).items():
        said = settings(entry)
        kind = [str(said.pop(key))] if key else []
        rows.append([Cell(text) for text in (name, *kind, arguments_text(said))])
    return Table(
        axis, say("{axis} of the study.", axis=say(TITLES[axis])), [Column(title, False) for title in titles], rows
    )
