"""How the networks are built, and what augmentation does to an image."""

import json
from collections.abc import Sequence

from bakeoff.language import mark
from bakeoff.report.columns import number_column, text_column
from bakeoff.report.document import Block, Cell, Column, Details, Section, Table, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, whole_text


def methods(material: Material) -> Section | None:
    """The layers of each network and pictures of each augmentation; None where nothing was checked."""
    say = material.language.say
    networks = [_network(material, *key, plan) for key, plan in _networks(material).items()]
    caption = mark("Recipe {recipe} on {dataset}: images before and after augmentation.")
    augmented = material.figures({
        f"augmentation_{cell.dataset}__{cell.recipe}": say(caption, recipe=cell.recipe, dataset=cell.dataset)
        for cell in material.rows
    })  # fmt: skip
    blocks: list[Block] = [*networks, *augmented]
    return Section(say("Networks and augmentation"), "methods", blocks) if blocks else None


def _networks(material: Material) -> dict[tuple[str, str], Row]:
    """(architecture, dataset) → plan; datasets with the same network share the first one's."""
    found: dict[tuple[str, str], Row] = {}
    seen: set[str] = set()
    for cell, plan in material.plans.items():
        content = cell.architecture + json.dumps([plan["layers"], plan["macs"]])
        if content not in seen:
            seen.add(content)
            found.setdefault((cell.architecture, cell.dataset), plan)
    return found


def _network(material: Material, architecture: str, dataset: str, plan: Row) -> Details:
    language = material.language
    title = language.say(
        "{architecture} on {shape}: {parameters} parameters, {macs} multiply-accumulate operations per image",
        architecture=architecture,
        shape=_shape(plan.get("input_shape", [])),
        parameters=whole_text(plan["parameters"], language),
        macs=whole_text(plan["macs"], language),
    )
    return Details(title, f"network-{architecture}--{dataset}", [_layers(material, architecture, dataset, plan)])


def _layers(material: Material, architecture: str, dataset: str, plan: Row) -> Table:
    say = material.language.say
    columns = [
        Column(say("Layer"), lambda layer: Cell(layer["name"] or NONE), numeric=False),
        text_column(say("Type"), "type"),
        Column(say("Output shape"), lambda layer: Cell(_shape(layer["output_shape"] or [])), numeric=False),
        number_column(material, say("Parameters"), "parameters", whole_text),
    ]
    caption = say("Layers of {architecture} for {dataset}.", architecture=architecture, dataset=dataset)
    return tabulate(f"layers_{architecture}_{dataset}", caption, columns, plan["layers"])


def _shape(sizes: Sequence[int]) -> str:
    return " × ".join(map(str, sizes)) or NONE
