"""Render a study's summary to Markdown and HTML. Formats numbers; computes none beyond totals of costs."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.analysis.costs import study_cost
from bakeoff.analysis.labels import FACETS, short_labels
from bakeoff.analysis.summary import Tables, by_experiment, read_tables, records
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.layout import Layout, data_folder
from bakeoff.metrics import Metric
from bakeoff.report.published import comparisons, published_table
from bakeoff.report.tables import NONE, Cell, Column, Table, interval_text, is_known, metric_text, spread_text
from bakeoff.study import AXES, Experiment, Study, experiments, runs

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

TEMPLATES = Path(__file__).parents[3] / "report" / "templates"
LANGUAGES = ("en",)


@dataclass(frozen=True)
class Picture:
    """A figure that exists: its path below the figures folder, what it shows, and its SVG for inlining."""

    path: str
    caption: str
    svg: "Markup"


@dataclass(frozen=True)
class ExperimentSection:
    title: str
    anchor: str
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    published: Sequence[str]
    note: str
    layers: Table | None
    seeds: Table
    picture: Picture | None


@dataclass(frozen=True)
class DatasetSection:
    name: str
    facts: Sequence[tuple[str, str]]
    classes: Table | None
    results: Table
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Report:
    """All that the templates show."""

    language: str
    title: str
    description: Sequence[str]
    summary: str
    metric: str
    axes: Sequence[tuple[str, Table]]
    matrix: str
    datasets: Sequence[DatasetSection]
    published: Table | None
    trade_offs: Sequence[Picture]
    experiments: Sequence[ExperimentSection]
    costs: Table
    cost_summary: str
    failures: Table
    missing: Sequence[str]
    tracked: bool
    provenance: Sequence[tuple[str, str]]
    commands: str
    study: str
    seeds: str


class Verbatim(str):
    """Text that the Markdown template shows as it is."""


def render_report(study: Study, layout: Layout, language: str = "en") -> list[Path]:
    """Write report/<study>/report.md (its figures beside it) and the self-contained report.html.

    Made from whatever runs the summary has. Returns the paths of the two reports.
    Raises BakeoffError when there is no summary or the language is not known.
    """
    if language not in LANGUAGES:
        raise BakeoffError(f"language {language!r}: no report is written in it; allowed: {', '.join(LANGUAGES)}")
    report = collect(study, layout, language)
    _copy_figures(layout, report)
    written = []
    for name, environment in (("report.md", _markdown_environment()), ("report.html", _html_environment())):
        path = layout.report_folder / name
        with write_atomically(path) as temporary:
            temporary.write_text(environment.get_template(f"{name}.j2").render(report=report), encoding="utf-8")
        written.append(path)
    return written


def collect(study: Study, layout: Layout, language: str = "en") -> Report:
    """All that a report says, as text and tables."""
    tables = read_tables(layout)
    cells = experiments(study)
    _check_match(study, layout, tables)
    rows = dict(zip(cells, records(tables.experiments), strict=True))
    labels = short_labels(cells)
    seeds = {cell: records(group) for cell, group in by_experiment(tables.runs)}
    tracked = any(is_known(row[f"test_max_{study.metric}_mean"]) for row in rows.values())
    sections = [
        _experiment(study, layout, cell, labels[cell], rows[cell], seeds[cell], _plan(study, layout, cell))
        for cell in cells
    ]
    return Report(
        language=language,
        title=study.title.strip() or study.study,
        description=_paragraphs(study.description),
        summary=_summary(study, tables, rows),
        metric=study.leading_metric.label,
        axes=[(axis, _axis_table(study, axis)) for axis in AXES],
        matrix=_matrix(study),
        datasets=[
            _dataset(study, layout, name, rows, tracked) for name in dict.fromkeys(cell.dataset for cell in cells)
        ],
        published=published_table(study, rows, labels),
        trade_offs=_trade_offs(study, layout),
        experiments=sections,
        costs=_costs(rows, labels),
        cost_summary=_cost_summary(study, tables),
        failures=_failures(tables),
        missing=[
            _run_key(row) + (f" ({row['message']})" if row["message"] else "")
            for row in _records(tables.runs, "missing")
        ],
        tracked=tracked,
        provenance=_provenance(tables),
        commands=_commands(study),
        study=_yaml(study),
        seeds=", ".join(map(str, study.seeds)),
    )


def _check_match(study: Study, layout: Layout, tables: Tables) -> None:
    """A summary of an older state of the study must not pass for one of this."""
    here = [tuple(row) for row in tables.runs[[*FACETS, "seed"]].itertuples(index=False)]
    planned = [(run.dataset, run.architecture, run.optimizer, run.recipe, run.seed) for run in runs(study)]
    if here != planned:
        raise BakeoffError(
            f"{layout.summary}: summarizes other runs than the study plans; run `bakeoff summarize` again"
        )


# Numbers as text


def _count(value: Any) -> str:
    return f"{int(value):,}" if is_known(value) else NONE


def _amount(value: Any, digits: int = 1) -> str:
    return f"{value:,.{digits}f}" if is_known(value) else NONE


def _seconds(value: Any) -> str:
    """Seconds with three significant digits at least, as they are read in a table."""
    if not is_known(value):
        return NONE
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def _bytes(value: Any) -> str:
    return f"{value / 2**20:,.0f}" if is_known(value) else NONE


def _text(value: Any) -> str:
    """A study's value as YAML would say it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value)


def _arguments(entry: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {_text(value)}" for key, value in entry.items()) or NONE


def _transforms(entry: dict[str, Any]) -> dict[str, Any]:
    """A recipe with its augmentations in the short form that studies use."""
    if "augment" not in entry:
        return entry
    short = [{item["name"]: item["arguments"]} if item.get("arguments") else item["name"] for item in entry["augment"]]
    return {**entry, "augment": short}


def _settings(entry: Any) -> dict[str, Any]:
    """What a study says about an entry beyond the defaults."""
    return _transforms(entry.model_dump(mode="json", exclude_defaults=True))


def _effective(entry: Any) -> dict[str, Any]:
    """Everything in force for an entry: what the study says, and defaults that are not switched off."""
    whole, said = _transforms(entry.model_dump(mode="json")), _settings(entry)
    return {key: value for key, value in whole.items() if key in said or value not in (None, False, 0, [], {})}


def _cells(values: Iterable[str]) -> list[Cell]:
    return [Cell(value) for value in values]


def _records(table: Any, *statuses: str) -> list[dict[str, Any]]:
    return records(table[table["status"].isin(statuses)])


def _run_key(row: dict[str, Any]) -> str:
    return "/".join(str(row[facet]) for facet in FACETS) + f"/seed{row['seed']}"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


COST_COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "parameters": ("Parameters", _count),
    "macs": ("MACs per image", _count),
    "training_seconds_total": ("Seconds in all", _seconds),
    "training_seconds": ("Seconds per run", _seconds),
    "seconds_per_epoch": ("Seconds per epoch", _seconds),
    "images_per_second": ("Images per second", lambda value: _amount(value, 0)),
    "cpu_seconds_total": ("CPU seconds in all", _seconds),
    "gpu_seconds_total": ("GPU seconds in all", _seconds),
    "energy_kwh_total": ("Energy in all [Wh]", lambda value: _seconds(1000 * value)),
    "peak_host_memory_bytes": ("Peak memory [MiB]", _bytes),
    "peak_device_memory_bytes": ("Peak GPU memory [MiB]", _bytes),
}
COSTS_OF_SOME = {"gpu_seconds_total", "energy_kwh_total", "peak_device_memory_bytes"}


# Parts of the report


def _summary(study: Study, tables: Tables, rows: dict[Experiment, dict[str, Any]]) -> str:
    names = list(dict.fromkeys(cell.dataset for cell in rows))
    sentences = [_leader(study, name, rows) for name in names]
    status = tables.runs["status"]
    planned, completed = len(status), int((status == "completed").sum())
    sentences.append(
        f"{completed:,} of {_plural(planned, 'planned run')} {'is' if completed == 1 else 'are'} complete."
    )
    for name, verb in (
        ("diverged", "diverged"),
        ("out_of_memory", "did not fit in memory"),
        ("missing", "missing"),
    ):
        failed = [_run_key(row) for row in _records(tables.runs, name)]
        if failed:
            be = "" if name != "missing" else ("is " if len(failed) == 1 else "are ")
            sentences.append(f"{len(failed):,} {be}{verb}{_listed(failed)}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _listed(names: list[str], most: int = 4) -> str:
    if len(names) > most:
        return f" ({', '.join(names[:most])} and {len(names) - most:,} more)"
    return f" ({', '.join(names)})"


def _leader(study: Study, dataset: str, rows: dict[Experiment, dict[str, Any]]) -> str:
    """Facts only: the best mean on a dataset, its interval, and whose intervals overlap with that."""
    metric, score = study.leading_metric, f"test_{study.metric}"
    here = {cell: row for cell, row in rows.items() if cell.dataset == dataset and is_known(row[f"{score}_mean"])}
    if not here:
        return f"On {dataset}, no run is complete yet."
    labels = short_labels([cell for cell in rows if cell.dataset == dataset])
    ranks = _ranks(study, here)
    order = sorted(here, key=lambda cell: ranks[cell])
    leaders = [labels[cell] for cell in order if ranks[cell] == 1]
    best = here[order[0]]
    found = (
        f"On {dataset}, {' and '.join(leaders)} {'has' if len(leaders) == 1 else 'have'} the "
        f"{'highest' if metric.higher_is_better else 'lowest'} mean test {metric.label} of the "
        f"{_plural(len(here), 'experiment')} with a complete run: "
        f"{metric_text(best[f'{score}_mean'], metric, unit=True)}"
    )
    if len(leaders) > 1:
        return f"{found} (the table has their intervals)."
    if not is_known(best[f"{score}_low"]):
        return f"{found} (one complete run, so no interval)."
    interval = interval_text(best, score, metric, unit=True)
    found += f" (95 % interval {interval}, {_plural(int(best['completed']), 'complete run')})."
    return f"{found} {_overlaps(best, [(labels[cell], here[cell]) for cell in order[1:]], score)}".strip()


def _overlaps(best: dict[str, Any], others: list[tuple[str, dict[str, Any]]], score: str) -> str:
    """Whose intervals overlap with the best one's."""
    low, high = best[f"{score}_low"], best[f"{score}_high"]
    known = [(label, row) for label, row in others if is_known(row[f"{score}_low"])]
    near = [label for label, row in known if row[f"{score}_high"] >= low and row[f"{score}_low"] <= high]
    sentences = []
    if known and not near:
        sentences.append("No other interval overlaps with it.")
    elif near:
        which = "The interval of 1 other overlaps" if len(near) == 1 else f"The intervals of {len(near)} others overlap"
        sentences.append(f"{which} with it{_listed(near, most=6)}.")
    if len(known) < len(others):
        sentences.append(f"{_plural(len(others) - len(known), 'other')} with a single complete run: no interval.")
    return " ".join(sentences)


def _axis_table(study: Study, axis: str) -> Table:
    first = {"datasets": "source", "architectures": "model", "optimizers": "name", "recipes": None}[axis]
    title = "Algorithm" if axis == "optimizers" else str(first).capitalize()
    columns = [Column("Name", False), *([Column(title, False)] if first else []), Column("Arguments", False)]
    rows = []
    for name, entry in getattr(study, axis).items():
        settings = _settings(entry)
        kind = [str(settings.pop(first))] if first else []
        rows.append(_cells([name, *kind, _arguments(settings)]))
    return Table(columns, rows)


def _matrix(study: Study) -> str:
    cells = experiments(study)
    sizes = [_plural(len(dict.fromkeys(getattr(cell, facet) for cell in cells)), facet) for facet in FACETS]
    product = " × ".join(sizes)
    whole = 1
    for axis in AXES:
        whole *= len(getattr(study, axis))
    left_out = f" (of {whole:,} possible; the study names which)" if len(cells) != whole else ""
    return (
        f"{product}: {_plural(len(cells), 'experiment')}{left_out}, each with {_plural(len(study.seeds), 'seed')}, "
        f"so {_plural(len(cells) * len(study.seeds), 'run')}."
    )


def _dataset(
    study: Study, layout: Layout, name: str, rows: dict[Experiment, dict[str, Any]], tracked: bool
) -> DatasetSection:
    here = {cell: row for cell, row in rows.items() if cell.dataset == name}
    card = _card(study, name)
    metric = study.leading_metric.label
    pictures = [
        _picture(
            layout,
            f"comparison_{name}.svg",
            f"Test {metric} on {name}, the best on top: a dot per seed, a diamond for the mean and its 95 % interval.",
        ),
        _picture(
            layout,
            f"learning_curves_{name}.svg",
            f"Validation {metric} on {name} by epoch: the mean over seeds, with a band from the lowest to the highest, "
            "for the epochs that every seed reached. Grey, where there are several panels: all experiments.",
        ),
    ]
    return DatasetSection(
        name=name,
        facts=_card_facts(card),
        classes=_class_table(card),
        results=_results(study, here, tracked),
        pictures=[picture for picture in pictures if picture],
    )


def _card(study: Study, name: str) -> dict[str, Any]:
    path = data_folder(study, name) / "card.json"
    if not path.exists():
        return {}
    return _read_json(path, "prepare the data again")


def _card_facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    if not card:
        return []
    channels, height, width = card["shape"]
    facts = [
        ("Images", f"{height} × {width} pixels, {_plural(channels, 'channel')}"),
        ("Classes", f"{len(card['classes']):,}"),
    ]
    facts += [
        (f"{split.capitalize()} images", f"{card['counts'].get(split, 0):,}")
        for split in ("train", "validation", "test")
    ]
    facts += [(f"Channel {name}", ", ".join(f"{value:.4f}" for value in card[name])) for name in ("mean", "std")]
    if card.get("skipped"):
        facts.append(("Skipped files", f"{len(card['skipped']):,} that could not be read"))
    return facts


def _class_table(card: dict[str, Any]) -> Table | None:
    if not card:
        return None
    splits = [split for split in ("train", "validation", "test") if split in card["class_counts"]]
    rows = [
        _cells([name, *(f"{card['class_counts'][split][index]:,}" for split in splits)])
        for index, name in enumerate(card["classes"])
    ]
    return Table([Column("Class", False), *(Column(split.capitalize()) for split in splits)], rows)


def _results(study: Study, rows: dict[Experiment, dict[str, Any]], tracked: bool) -> Table:
    metric, score = study.leading_metric, f"test_{study.metric}"
    others = _beside(study, rows.values(), "test_{}_mean")
    header = [Column("Experiment", False), Column("Rank")]
    header += [
        Column(_heading("Test", metric, " ± sd")),
        Column("95 % interval"),
        Column(_heading("Validation", metric)),
    ]
    header += [Column(_heading("Test", other)) for other in others]
    header += [Column(_heading("Best test epoch, optimistic:", metric))] if tracked else []
    header += [Column(title) for title in ("Best epoch", "Parameters", "Seconds per run", "Runs")]
    labels = short_labels(list(rows))
    ranks = _ranks(study, rows)
    body = []
    for cell, row in rows.items():
        texts = [
            labels[cell],
            str(ranks.get(cell, NONE)),
            spread_text(row, score, metric),
            interval_text(row, score, metric),
        ]
        texts += [
            metric_text(row[f"{split}_{shown.name}_mean"], shown)
            for split, shown in [("validation", metric), *(("test", other) for other in others)]
        ]
        texts += [metric_text(row[f"test_max_{metric.name}_mean"], metric)] if tracked else []
        texts += [_amount(row["best_epoch"]), _count(row["parameters"]), _seconds(row["training_seconds"])]
        texts.append(f"{row['completed']} of {row['planned']}")
        body.append([Cell(text, bold=ranks.get(cell) == 1 and index in (0, 2)) for index, text in enumerate(texts)])
    return Table(header, body)


def _beside(study: Study, rows: Iterable[dict[str, Any]], column: str) -> list[Metric]:
    """The metrics that a table shows beside the leading one: those of note that some row has."""
    known = list(rows)
    return [
        metric
        for metric in study.metrics.values()
        if metric.headline
        and metric.name != study.metric
        and any(is_known(row.get(column.format(metric.name))) for row in known)
    ]


def _ranks(study: Study, rows: dict[Experiment, dict[str, Any]]) -> dict[Experiment, int]:
    """1 for the best mean; equal means share a rank."""
    means = {
        cell: row[f"test_{study.metric}_mean"]
        for cell, row in rows.items()
        if is_known(row[f"test_{study.metric}_mean"])
    }
    order = sorted(means.values(), reverse=study.leading_metric.higher_is_better)
    return {cell: order.index(mean) + 1 for cell, mean in means.items()}


def _heading(split: str, metric: Metric, rest: str = "") -> str:
    return f"{split} {metric.label}{rest}{' [%]' if metric.percent else ''}"


def _trade_offs(study: Study, layout: Layout) -> list[Picture]:
    metric = study.leading_metric.label
    pictures = [
        _picture(
            layout,
            "accuracy_vs_parameters.svg",
            f"Mean test {metric} and its 95 % interval against the number of trainable parameters.",
        ),
        _picture(
            layout,
            "accuracy_vs_time.svg",
            f"Mean test {metric} and its 95 % interval against the mean training time of one run.",
        ),
    ]
    return [picture for picture in pictures if picture]


def _experiment(
    study: Study,
    layout: Layout,
    cell: Experiment,
    label: str,
    row: dict[str, Any],
    seeds: list[dict[str, Any]],
    plan: dict[str, Any],
) -> ExperimentSection:
    score = f"test_{study.metric}"
    parameters, macs = (row[name] if is_known(row[name]) else plan.get(name) for name in ("parameters", "macs"))
    facts = [
        ("Dataset", f"{cell.dataset} ({_arguments(_effective(study.datasets[cell.dataset]))})"),
        (
            "Architecture",
            f"{cell.architecture} ({_arguments(_effective(study.architectures[cell.architecture]))})",
        ),
        ("Optimizer", f"{cell.optimizer} ({_arguments(_effective(study.optimizers[cell.optimizer]))})"),
        ("Recipe", f"{cell.recipe} ({_arguments(_effective(study.recipes[cell.recipe]))})"),
        ("Parameters", _count(parameters)),
        ("MACs per image", _count(macs)),
    ]
    if is_known(row[f"{score}_mean"]):
        value = spread_text(row, score, study.leading_metric) + (" %" if study.leading_metric.percent else "")
        interval = interval_text(row, score, study.leading_metric, unit=True)
        facts.append(
            (
                f"Test {study.leading_metric.label}",
                f"{value}, 95 % interval {interval}" if interval != NONE else value,
            )
        )
    picture = _picture(
        layout,
        f"curves/{cell.key.replace('/', '__')}.svg",
        f"{label}: means over the completed seeds, with a band from the lowest to the highest; "
        "circles mark the epoch chosen for each seed.",
    )
    return ExperimentSection(
        title=label,
        anchor=f"experiment-{cell.key.replace('/', '--')}",
        facts=facts,
        notes=[text for rungs in study.rungs_of(cell) for text in _paragraphs(rungs.notes)],
        published=[comparison.sentence for comparison in comparisons(study, cell, row)],
        note="" if row["completed"] else "No run of this experiment is complete.",
        layers=_layers(plan),
        seeds=_seeds_table(study, seeds),
        picture=picture if row["completed"] else None,
    )


def _layers(plan: dict[str, Any]) -> Table | None:
    if not plan.get("layers"):
        return None
    columns = [
        Column("Layer", False),
        Column("Type", False),
        Column("Output shape", False),
        Column("Parameters"),
    ]
    rows = [
        _cells(
            [
                layer["name"],
                layer["type"],
                " × ".join(map(str, layer["output_shape"] or [])) or NONE,
                _count(layer["parameters"]),
            ]
        )
        for layer in plan["layers"]
    ]
    return Table(columns, rows)


def _seeds_table(study: Study, seeds: list[dict[str, Any]]) -> Table:
    metric = study.leading_metric
    others = _beside(study, seeds, "test_{}")
    splits = {
        "test": "Test",
        "validation": "Validation",
        "train": "Train",
        "test_last": "Test, last epoch:",
        "test_max": "Test, best test epoch (optimistic):",
    }
    shown = [
        split
        for split in splits
        if split != "test_max" or any(is_known(row[f"test_max_{metric.name}"]) for row in seeds)
    ]
    header = [
        Column("Seed"),
        Column("Status", False),
        *(Column(_heading(splits[split], metric)) for split in shown),
    ]
    header += [Column(_heading("Test", other)) for other in others]
    header += [Column("Best epoch"), Column("Seconds")]
    body = []
    for row in seeds:
        texts = [
            str(row["seed"]),
            row["status"].replace("_", " "),
            *(metric_text(row[f"{split}_{metric.name}"], metric) for split in shown),
        ]
        texts += [metric_text(row[f"test_{other.name}"], other) for other in others]
        epoch = f"{_count(row['best_epoch'])} of {_count(row['epochs'])}" if is_known(row["epochs"]) else NONE
        body.append(_cells([*texts, epoch, _seconds(row["training_seconds"])]))
    return Table(header, body)


def _costs(rows: dict[Experiment, dict[str, Any]], labels: dict[Experiment, str]) -> Table:
    """A column of the GPU, and of energy, stands where an experiment used one."""
    used = {name for row in rows.values() for name, value in row.items() if is_known(value) and value != 0}
    columns = {name: title for name, title in COST_COLUMNS.items() if name in used or name not in COSTS_OF_SOME}
    body = [[labels[cell], *(COST_COLUMNS[name][1](row[name]) for name in columns)] for cell, row in rows.items()]
    titles = [Column(title) for title, _ in columns.values()]
    return Table([Column("Experiment", False), *titles], [_cells(row) for row in body])


def _cost_summary(study: Study, tables: Tables) -> str:
    cost = study_cost(study, tables)
    if not cost.runs:
        return "No run has finished yet."
    used = [f"{_duration(cost.cpu_seconds)} of processor time"]
    if cost.gpu_seconds:
        used.append(f"{_duration(cost.gpu_seconds)} of a GPU")
    if cost.energy_runs:
        of = f" ({_plural(cost.energy_runs, 'run')} of them)" if cost.energy_runs < cost.runs else ""
        used.append(f"{cost.energy_kwh:.3g} kWh{of}")
    sentences = f"{_plural(cost.runs, 'finished run')} trained for {_duration(cost.training_seconds)} in all"
    sentences += f", with start and evaluation {', '.join(used)}."
    if cost.features:
        backbones = "a frozen backbone" if cost.features == 1 else f"{cost.features} frozen backbones"
        sentences += f" The features of {backbones}, which runs share, took {_duration(cost.features_seconds)} more."
    return sentences


def _failures(tables: Tables) -> Table:
    """Runs that ended early, and those that had to change something to end well."""
    changed = tables.runs[(tables.runs["status"] == "completed") & (tables.runs["message"] != "")]
    rows = [*_records(tables.runs, "diverged", "out_of_memory"), *records(changed)]
    body = [_cells([_run_key(row), row["status"].replace("_", " "), row["message"] or NONE]) for row in rows]
    return Table([Column("Run", False), Column("What happened", False), Column("Message", False)], body)


def _provenance(tables: Tables) -> list[tuple[str, str]]:
    """What the finished runs say about where they ran; several values when they differ."""
    finished = tables.runs[tables.runs["status"] != "missing"]
    names = {
        "bakeoff": "Bakeoff", "python": "Python", "torch": "PyTorch", "numpy": "NumPy", "platform": "Platform",
        "device": "Device", "threads": "Threads per run", "git_commit": "Commit",
    }  # fmt: skip
    facts = []
    for name, title in names.items():
        values = sorted({_plain(value) for value in finished[name] if is_known(value) and value != ""})
        facts.append((title, ", ".join(values) or NONE))
    if (finished["git_dirty"] == "True").any():
        facts.append(("Uncommitted changes", "yes, in at least one run"))
    if len(finished):
        facts.append(("Trained between", f"{min(finished['started'])} and {max(finished['finished'])}"))
    return facts


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _commands(study: Study) -> str:
    first = runs(study)[0].key
    return "\n".join([
        "# save the study below as study.yaml",
        "snakemake --cores all --configfile study.yaml",
        "# or a single run:",
        f"bakeoff train study.yaml {first}",
    ])  # fmt: skip


def _yaml(study: Study) -> str:
    """The study as a file that means the same study."""
    import yaml

    content = {
        "study": study.study,
        **study.model_dump(mode="json", exclude_defaults=True),
        "seeds": list(study.seeds),
    }
    content["recipes"] = {name: _transforms(entry) for name, entry in content["recipes"].items()}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def _plan(study: Study, layout: Layout, cell: Experiment) -> dict[str, Any]:
    """What the plan step found of an experiment's model; nothing before it has run."""
    path = layout.plan(study, cell)
    return _read_json(path, "run `bakeoff check` again") if path.exists() else {}


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; {remedy}") from error
    if not isinstance(content, dict):
        raise BakeoffError(f"{path}: holds no mapping; {remedy}")
    return content


# Figures


def _picture(layout: Layout, name: str, caption: str) -> Picture | None:
    from markupsafe import Markup

    path = layout.figures / name
    if not path.exists():
        return None
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", name.removesuffix(".svg"))
    return Picture(name, caption, Markup(inline_svg(path.read_text(encoding="utf-8"), prefix, caption)))


def inline_svg(text: str, prefix: str, caption: str) -> str:
    """An SVG file as an element of a page: no prolog, ids unique by `prefix`, `caption` for screen readers."""
    from markupsafe import escape

    start = text.find("<svg")
    if start < 0:
        raise BakeoffError(f"figure {prefix}: is no SVG file; draw the figures again")
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", text[start:], flags=re.DOTALL)
    body = re.sub(r'(\sid=")([^"]+)(")', rf"\g<1>{prefix}-\2\3", body)
    body = re.sub(r'(href="#)([^"]+)(")', rf"\g<1>{prefix}-\2\3", body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", body)
    # Matplotlib styles every element of the page from inside the figure: keep that to the figure.
    body = body.replace("*{stroke-linejoin", "svg *{stroke-linejoin")
    return body.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1).strip()


def _copy_figures(layout: Layout, report: Report) -> None:
    """Lay the figures that the report shows beside report.md, and nothing else."""
    target = layout.report_folder / "figures"
    if target.exists():
        shutil.rmtree(target)
    shown = [picture for section in report.datasets for picture in section.pictures] + list(report.trade_offs)
    shown += [section.picture for section in report.experiments if section.picture]
    for picture in shown:
        copy = target / picture.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(layout.figures / picture.path, copy)


# Templates


def escape_markdown(text: str) -> str:
    """Text that GitHub shows as it stands: no markup, no table cells, no mathematics, no mention, no list."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    flat = re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", flat)
    return re.sub(
        r"^([-+=]|\d+(?=[.)](\s|$)))",
        lambda match: match[0] + "\\" if match[0].isdigit() else "\\" + match[0],
        flat,
    )


def _finalize_markdown(value: Any) -> str:
    return value if isinstance(value, Verbatim) else escape_markdown(str(value))


def _markdown_environment() -> "jinja2.Environment":
    """Everything that is not marked verbatim is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["verbatim"] = Verbatim
    environment.filters["fenced"] = _fenced
    environment.filters["table"] = _markdown_table
    return environment


def _fenced(text: str, language: str) -> Verbatim:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Verbatim(f"{fence}{language}\n{text.rstrip()}\n{fence}")


def _markdown_table(table: Table) -> Verbatim:
    lines = [
        [escape_markdown(column.title) for column in table.columns],
        ["---:" if column.numeric else ":---" for column in table.columns],
        *(
            [f"**{escape_markdown(cell.text)}**" if cell.bold else escape_markdown(cell.text) for cell in row]
            for row in table.rows
        ),
    ]
    return Verbatim("\n".join("| " + " | ".join(line) + " |" for line in lines))


def _html_environment() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
