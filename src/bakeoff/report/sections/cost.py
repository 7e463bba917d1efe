"""What the study cost, and what it costs to be better."""

from bakeoff.language import mark
from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, Table
from bakeoff.report.material import Material
from bakeoff.report.numbers import amount_text, duration_text, mebibytes_text, seconds_text, whole_text

COLUMNS = {
    "parameters": (mark("Parameters"), whole_text),
    "macs": (mark("MACs per image"), whole_text),
    "training_seconds_total": (mark("Seconds in all"), seconds_text),
    "training_seconds": (mark("Seconds per run"), seconds_text),
    "seconds_per_epoch": (mark("Seconds per epoch"), seconds_text),
    "images_per_second": (mark("Images per second"), lambda value, language: amount_text(value, language, 0)),
    "peak_memory_bytes": (mark("Peak memory [MiB]"), mebibytes_text),
}


def cost(material: Material) -> Section:
    say = material.language.say
    return Section(say("Cost"), "cost", [Paragraph(_total(material)), _table(material), *_trade_offs(material)])


def _total(material: Material) -> str:
    language = material.language
    finished = len(material.tables.runs) - len(material.with_status("missing"))
    if not finished:
        return language.say("No run has finished yet.")
    return language.count(
        "{n} finished run trained for {duration} in all.",
        "{n} finished runs trained for {duration} in all.",
        finished,
        duration=duration_text(float(material.tables.experiments["training_seconds_total"].sum()), language),
    )


def _table(material: Material) -> Table:
    language = material.language
    body = [
        [
            material.link(cell),
            *(Cell(text(row[name], language), value=row[name]) for name, (_, text) in COLUMNS.items()),
        ]
        for cell, row in material.rows.items()
    ]
    columns = [
        Column(language.say("Experiment"), False),
        *(Column(language.say(title)) for title, _ in COLUMNS.values()),
    ]
    return Table("cost", language.say("Cost of the experiments: means over runs."), columns, body)


def _trade_offs(material: Material) -> list[Block]:
    say, metric = material.language.say, material.name_of(material.metric)
    captions = {
        "accuracy_vs_parameters": say(
            "Mean test {metric} and its 95 % interval against the number of parameters.", metric=metric
        ),
        "accuracy_vs_time": say(
            "Mean test {metric} and its 95 % interval against the mean training time of one run.", metric=metric
        ),
    }
    return [figure for name, caption in captions.items() for figure in material.figure(name, caption)]
