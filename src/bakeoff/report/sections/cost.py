"""What the study cost, and what a better score costs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bakeoff.analysis.study_cost import study_cost
from bakeoff.language import Language, mark
from bakeoff.report.columns import experiment_column, number_column
from bakeoff.report.document import Figure, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material
from bakeoff.report.numbers import amount_text, duration_text, is_known, seconds_text, whole_text

COLUMNS: dict[str, tuple[str, Callable[[Any, Language], str]]] = {
    "parameters": (mark("Parameters"), whole_text),
    "macs": (mark("MACs per image"), whole_text),
    "training_seconds_total": (mark("Total seconds"), seconds_text),
    "training_seconds": (mark("Seconds per run"), seconds_text),
    "seconds_per_epoch": (mark("Seconds per epoch"), seconds_text),
    "images_per_second": (mark("Images per second"), partial(amount_text, digits=0)),
    "cpu_seconds_total": (mark("Total CPU seconds"), seconds_text),
    "gpu_seconds_total": (mark("Total GPU seconds"), seconds_text),
    "energy_kwh_total": (mark("Total energy [Wh]"), lambda value, language: seconds_text(1000 * value, language)),
    "peak_host_memory_bytes": (mark("Peak memory [MiB]"), partial(amount_text, digits=0, times=2**-20)),
    "peak_device_memory_bytes": (mark("Peak GPU memory [MiB]"), partial(amount_text, digits=0, times=2**-20)),
}
NOT_IN_EVERY_STUDY = ("gpu_seconds_total", "energy_kwh_total", "peak_device_memory_bytes")


def cost(material: Material) -> Section:
    say = material.language.say
    return Section(say("Cost"), "cost", [Paragraph(_total(material)), _table(material), *_trade_offs(material)])


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
    say, rows = material.language.say, material.rows.values()
    columns = [experiment_column(material)]
    for name, (title, text) in COLUMNS.items():
        if name not in NOT_IN_EVERY_STUDY or any(is_known(row[name]) and row[name] for row in rows):
            columns.append(number_column(material, say(title), name, text))
    return tabulate("cost", say("Cost of the experiments: means over runs."), columns, rows)


def _trade_offs(material: Material) -> list[Figure]:
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
    return material.figures({name: say(caption, metric=metric) for name, caption in captions.items()})
