"""What the study cost, and what a better score costs."""

from collections.abc import Sequence
from functools import partial

from bakeoff.analysis.study_cost import study_cost
from bakeoff.language import mark
from bakeoff.report.columns import experiment_column, number_column, seconds_column
from bakeoff.report.document import Block, Cell, Column, Details, Figure, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import NONE, amount_text, duration_text, is_known, whole_text
from bakeoff.report.sections.learning_speed import explained, learning_columns, pareto_fronts
from bakeoff.results.summary_tables import records

SECONDS = {
    "training_seconds_total": mark("Total seconds"),
    "seconds_per_epoch": mark("Seconds per epoch"),
    "cpu_seconds_total": mark("Total CPU seconds"),
    "gpu_seconds_total": mark("Total GPU seconds"),
    "energy_wh_total": mark("Total energy [Wh]"),
}
AMOUNTS = {
    "images_per_second": (mark("Images per second"), 1.0),
    "peak_host_memory_bytes": (mark("Peak memory [MiB]"), 2.0**-20),
    "peak_device_memory_bytes": (mark("Peak GPU memory [MiB]"), 2.0**-20),
}
NOT_IN_EVERY_STUDY = ("gpu_seconds_total", "energy_wh_total", "peak_device_memory_bytes")


def cost(material: Material) -> Section:
    say = material.language.say
    by_time, others = _trade_offs(material)
    blocks = [Paragraph(_total(material)), _table(material), *by_time, _more(material, others), *_speed(material)]
    return Section(say("Cost"), "cost", blocks)


def _total(material: Material) -> str:
    language, total = material.language, study_cost(material.carried_out, material.tables)
    if not total.runs:
        return language.say("No run has finished yet.")
    lasted = partial(duration_text, language=language)
    sentences = [
        language.count(
            "{n} finished run trained for {duration} in all.",
            "{n} finished runs trained for {duration} in all.",
            total.runs,
            duration=lasted(total.training_seconds),
        ),
        language.say(
            "Start-up and evaluation included, that is {duration} of processor time.",
            duration=lasted(total.cpu_seconds),
        ),
    ]
    if total.gpu_seconds:
        sentences.append(language.say("GPUs were held for {duration}.", duration=lasted(total.gpu_seconds)))
    if total.energy_runs:
        sentences.append(
            language.count(
                "The energy of {n} run was estimated: {energy} kWh.",
                "The energy of {n} runs was estimated: {energy} kWh in all.",
                total.energy_runs,
                energy=language.significant(total.energy_kwh),
            )
        )
    if total.features:
        sentences.append(
            language.count(
                "The features of {n} frozen backbone, shared between runs, took another {duration}.",
                "The features of {n} frozen backbones, shared between runs, took another {duration}.",
                total.features,
                duration=lasted(total.features_seconds),
            )
        )
    return " ".join(sentences)


def _table(material: Material) -> Table:
    """What people ask first: how large, how long, and whether something else is both better and cheaper."""
    say, rows = material.language.say, list(material.rows.values())
    fronts = {cell_of(row): row for row in material.statistic("speed")}

    def front(row: Row) -> Cell:
        return Cell(pareto_fronts(fronts[cell_of(row)], material.language) if cell_of(row) in fronts else NONE)

    columns = [
        experiment_column(material),
        number_column(material, say("Parameters"), "parameters", whole_text),
        number_column(material, say("Multiply-accumulate operations per image"), "macs", whole_text),
        seconds_column(material, say("Seconds per run"), "training_seconds", rows),
        Column(say("Best for its"), front, numeric=False),
    ]
    key = say("Best for its cost: no other is both better and cheaper (the Pareto front).")
    return tabulate("cost", say("Cost of the experiments: means over runs."), columns, rows, key)


def _more(material: Material, figures: Sequence[Figure]) -> Details:
    """What else runs cost, and the figures of it."""
    say = material.language.say
    rows = [{**row, "energy_wh_total": 1000 * row["energy_kwh_total"]} for row in records(material.tables.experiments)]

    def is_measured(name: str) -> bool:
        return name not in NOT_IN_EVERY_STUDY or any(is_known(row[name]) and row[name] for row in rows)

    columns = [
        experiment_column(material),
        *(seconds_column(material, say(title), name, rows) for name, title in SECONDS.items() if is_measured(name)),
        *(
            number_column(material, say(title), name, partial(amount_text, digits=0, times=times))
            for name, (title, times) in AMOUNTS.items()
            if is_measured(name)
        ),
    ]
    table = tabulate("other_costs", say("Other costs of the experiments: totals, or means over runs."), columns, rows)
    return Details(say("Other costs"), "other-costs", [*figures, table])


def _speed(material: Material) -> list[Block]:
    """How fast experiments learn; nothing without a complete run."""
    say, rows = material.language.say, material.statistic("speed")
    if not rows:
        return []
    columns = [experiment_column(material), *learning_columns(material, rows)]
    table = tabulate("speed", say("Speed of learning."), columns, rows)
    return [Details(say("How fast they learn"), "speed", [Paragraph(explained(material, rows), "note"), table])]


def _trade_offs(material: Material) -> tuple[list[Figure], list[Figure]]:
    """Scores against time, and against what else there is."""
    say, metric = material.language.say, material.name_of(material.metric)
    name = material.metric.name
    parameters = mark(
        "Mean test {metric} and its 95 % interval against the number of parameters. A dotted line joins the "
        "experiments that none beats in both."
    )
    time = mark(
        "Mean test {metric} and its 95 % interval against the mean training time of one run. A dotted line joins the "
        "experiments that none beats in both."
    )
    captions = {f"{name}_vs_parameters": parameters, f"{name}_vs_time": time}
    drawn = material.figures({name: say(caption, metric=metric) for name, caption in captions.items()})
    by_time = [figure for figure in drawn if figure.path.endswith("_vs_time")]
    return by_time, [figure for figure in drawn if figure not in by_time]
