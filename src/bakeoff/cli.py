"""The commands. Each imports what it needs when it runs: start-up is paid once for every run of a study."""

import gc
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import rich
import typer
import yaml

from bakeoff import __version__
from bakeoff.errors import BakeoffError, Stopped
from bakeoff.files import explain, is_explained
from bakeoff.jobs.handover import SET, UNDER_SNAKEMAKE
from bakeoff.jobs.resources import usable_cores
from bakeoff.jobs.steps import files_in, note_made, sole_writer
from bakeoff.study.arguments import nearest
from bakeoff.study.paths import Layout
from bakeoff.study.plugin_files import load_plugins
from bakeoff.study.reading import load_study, schema, warnings
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study
from bakeoff.study.yaml_file import located, number_or_text, read_yaml

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback(invoke_without_command=True)
def bakeoff(
    version: Annotated[bool, typer.Option("--version", help="print the version and end", is_eager=True)] = False,
) -> None:
    """Benchmark studies of image classifiers: which choices are really better, by how much, and how sure that is."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


StudyFile = Annotated[Path, typer.Argument(metavar="[STUDY]", help="study file", show_default=True)]
Overrides = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="replace a top-level key of the study; the value is YAML"),
]
Threads = Annotated[int, typer.Option(min=1, help="processor threads")]
DEFAULT_STUDY = Path("config.yaml")


@application.command()
def plan(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Print the matrix: runs, which are done, what the others cost in epochs and images."""
    from bakeoff.commands.plan import plan_table

    study = load(study_file, overrides)
    _warn(study, study_file)
    rich.print(plan_table(study, Layout(study.study)))


@application.command()
def prepare(study_file: Path, dataset: str, overrides: Overrides = [], threads: Threads = 1) -> None:
    """Decode a dataset once into arrays and a card."""
    from bakeoff.data.prepare import prepare_if_needed

    study = load(study_file, overrides)
    if dataset not in study.datasets:
        raise BakeoffError(f"{study_file}: there is no dataset {dataset!r}; {nearest(dataset, list(study.datasets))}")
    load_plugins(study.plugins)
    try:
        prepare_if_needed(specify_dataset(study, dataset), threads, look_at_source=True)
    except BakeoffError as error:
        raise BakeoffError(located(error, study_file)) from error


@application.command("demo-data")
def demo_data(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY")],
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    overrides: Overrides = [],
) -> None:
    """Write a small generated dataset for each of a study's, in the format of the real one."""
    from bakeoff.data.demo import write_demo_data

    study = load(study_file, overrides)
    load_plugins(study.plugins)
    for written in write_demo_data([specify_dataset(study, name) for name in study.datasets], folder):
        typer.echo(folder / written)
    typer.echo(f"try it: snakemake --cores all --configfile {study_file} --config smoke=true data_root={folder}")


@application.command()
def check(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Build every model, optimizer, schedule and augmentation of a study once, on its prepared data."""
    from bakeoff.commands.check import check_study

    study = load(study_file, overrides)
    _warn(study, study_file)
    load_plugins(study.plugins)
    check_study(study, Layout(study.study), study_file)


@application.command()
def features(
    study_file: Path,
    folder: Annotated[str, typer.Argument(help="folder in results/features, as the plan names it")],
    overrides: Overrides = [],
    threads: Threads = 1,
) -> None:
    """Compute the outputs of a frozen backbone on a dataset once, for every run that trains a classifier on them."""
    from bakeoff.commands.train import compute_features

    compute_features(load(study_file, overrides), study_file, folder, threads)


@application.command()
def train(
    study_file: Path,
    run: Annotated[str, typer.Argument(help="dataset/architecture/optimizer/recipe/seedN")],
    overrides: Overrides = [],
    threads: Annotated[
        int | None, typer.Option(min=1, help="processor threads; left out: the study's", show_default=False)
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, envvar="BAKEOFF_CHECKPOINT_SECONDS", help="least time between two checkpoints")
    ] = 10.0,
) -> None:
    """Train one run, or go on with it from its last checkpoint."""
    from bakeoff.commands.train import train as train_run

    train_run(load(study_file, overrides), study_file, run, threads, checkpoint_seconds)


@application.command()
def select(
    study_file: Path,
    experiment: Annotated[str, typer.Argument(help="dataset/architecture/optimizer/recipe")],
    overrides: Overrides = [],
) -> None:
    """Choose the best trial of a tuned experiment, on validation, and write its selection.json."""
    from bakeoff.commands.train import select as select_trial

    try:
        typer.echo(select_trial(load(study_file, overrides), study_file, experiment))
    except BakeoffError as error:
        raise BakeoffError(located(error, study_file)) from error


@application.command()
def summarize(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Read the finished runs into tables."""
    from bakeoff.results.summary import summarize as write_summary

    study = load(study_file, overrides)
    layout = Layout(study.study)
    with sole_writer(layout):
        complete = UNDER_SNAKEMAKE in os.environ
        note_made(layout, "summarize", write_summary(study, layout, complete))


@application.command()
def statistics(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Compare the experiments: tables of intervals, tests, ranks, variance, speed and mistakes, from the summary."""
    from bakeoff.analysis.statistics import write_statistics

    study = load(study_file, overrides)
    layout = Layout(study.study)
    with sole_writer(layout):
        note_made(layout, "statistics", write_statistics(study, layout))


@application.command()
def compare(
    results_a: Annotated[Path, typer.Argument(help="results/NAME of a study, or the folder of an experiment in it")],
    results_b: Annotated[Path, typer.Argument(help="another of the same kind")],
    metric: Annotated[str | None, typer.Option(help="test metric; left out: the studies'")] = None,
) -> None:
    """Compare two finished studies, or two experiments, seed by seed."""
    from bakeoff.commands.compare import compared

    rich.print(compared(results_a, results_b, metric))


@application.command("run")
def run_all(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    cores: Annotated[str, typer.Option(help="how many cores of this machine to use")] = "all",
    gpus: Annotated[
        int | None, typer.Option(min=0, help="training jobs with a GPU at a time; left out: all there is room for")
    ] = None,
    unlock: Annotated[bool, typer.Option("--unlock", help="free the folder, where a Snakemake was killed")] = False,
) -> None:
    """Train what is missing and write the report, on this machine, by Snakemake."""
    from bakeoff.commands.run import run_study

    study = load(study_file, overrides)
    _warn(study, study_file)
    raise typer.Exit(run_study(study, study_file, overrides, cores, gpus, unlock))


@application.command(hidden=True)
def serve(
    study_file: Path,
    listening: Annotated[int, typer.Option(help="descriptor of the socket")],
    life: Annotated[int, typer.Option(help="descriptor of a pipe that Snakemake holds")],
    overrides: Overrides = [],
) -> None:
    """Fork a process that has imported all it needs, for each job of a Snakemake."""
    from bakeoff.commands.serve import serve_jobs

    serve_jobs(load(study_file, overrides), listening, life, main)


@application.command()
def figures(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = [], threads: Threads = 1) -> None:
    """Draw the figures from the tables."""
    from bakeoff.figures.draw import draw_figures

    study = load(study_file, overrides)
    layout = Layout(study.study)
    with sole_writer(layout):
        draw_figures(study, layout, processes=threads)
        note_made(layout, "figures", files_in(layout.figures))


@application.command()
def report(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    render_only: Annotated[bool, typer.Option(help="use the tables and figures that are there")] = False,
    language: Annotated[str | None, typer.Option(help="en or ru; left out: the study's")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="compile the LaTeX, too")] = False,
) -> None:
    """Make the report from whatever runs are finished: tables, figures, Markdown, HTML and LaTeX."""
    from bakeoff.report.pdf import left_out, make_pdf
    from bakeoff.report.render import render_report

    study = load(study_file, overrides)
    layout = Layout(study.study, language=language if language and language != study.language else "")
    with sole_writer(layout):
        if not render_only:
            from bakeoff.analysis.statistics import write_statistics
            from bakeoff.figures.draw import draw_figures
            from bakeoff.results.summary import summarize as write_summary

            write_summary(study, layout)
            write_statistics(study, layout)
            draw_figures(study, layout, language, usable_cores())
        written = render_report(study, layout, language)
        parts = (layout.report_folder / name for name in ("figures", "latex/figures", "latex/tables"))
        note_made(layout, "report", [*written, *files_in(*parts)])
    for path in [*written, *([make_pdf(written[-1])] if pdf else [])]:
        typer.echo(path)
    if pdf and (missing := left_out(written[-1])):
        warning = f"report.pdf lacks {missing}, which its fonts have not; report.tex says which it takes"
        typer.echo(f"warning: {warning}", err=True)


@application.command()
def status(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="keep the table live")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="only what failed, and why")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="every run as JSON, for programs")] = False,
) -> None:
    """Show every run: waiting, running, done, diverged or failed."""
    from bakeoff.commands.status import show_failures, show_status, status_records, watch_status

    study = load(study_file, overrides)
    if as_json and (watch or failed):
        raise BakeoffError("--json stands alone: it says of every run whether and why it failed")
    if watch:
        watch_status(study, partial(load, study_file, overrides))
    elif failed:
        show_failures(study, Layout(study.study))
    elif as_json:
        typer.echo(json.dumps(status_records(study, Layout(study.study)), ensure_ascii=False, indent=1))
    else:
        show_status(study, Layout(study.study))


@application.command()
def doctor(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Check what runs need of this machine, and say what is wrong and what to do. Fails when they cannot work."""
    from bakeoff.commands.doctor import examine, findings_table

    findings = examine(load(study_file, overrides))
    rich.print(findings_table(findings))
    if problems := [finding.what for finding in findings if finding.level == "problem"]:
        raise BakeoffError(f"runs cannot work here: {', '.join(problems)}")


@application.command()
def gpus(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Print how many training jobs can have a GPU of this machine at a time: N of Snakemake's --resources gpu=N."""
    from bakeoff.jobs.gpus import room_on_gpus

    study = load(study_file, overrides)
    typer.echo(room_on_gpus(study.device, study.jobs_per_gpu))


@application.command("schema")
def print_schema() -> None:
    """Print the JSON schema of a study file."""
    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


def overrides_of(config: dict[str, Any], study_file: Path) -> list[str]:
    """The `--set` values that turn a study file into `config`, which Snakemake may have changed by --config, and those
    of `bakeoff run`."""
    written = read_yaml(study_file)
    changed = {key: _typed(value, written.get(key)) for key, value in config.items() if written.get(key) != value}
    merged = [f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in changed.items()]
    return [*merged, *json.loads(os.environ.get(SET, "[]"))]


def _typed(value: Any, written: Any) -> Any:
    """A changed value with its numbers: inside lists and mappings, Snakemake's --config makes a text of each."""
    if isinstance(value, dict):
        before = written if isinstance(written, dict) else {}
        return {key: _inner(item, before.get(key)) for key, item in value.items()}
    return [_inner(item, None) for item in value] if isinstance(value, list) and value != written else value


def _inner(value: Any, written: Any) -> Any:
    if not isinstance(value, str):
        return _typed(value, written)
    return value if value == written else number_or_text(value)


def load(study_file: Path, overrides: list[str]) -> Study:
    """The study of a file, changed by `--set` values."""
    replaced = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise BakeoffError(f"--set {text}: write KEY=VALUE")
        replaced[key] = yaml.safe_load(value)
    return load_study(study_file, replaced)


def _warn(study: Study, study_file: Path) -> None:
    for warning in warnings(study, study_file):
        typer.echo(f"warning: {warning}", err=True)


def main() -> None:
    """One line for the user; a traceback only for what is our own mistake."""
    try:
        application()
    except BakeoffError as error:
        sys.exit(f"error: {error}")
    except Stopped as reason:
        sys.exit(str(reason))
    except OSError as error:
        if not is_explained(error):
            raise
        sys.exit(f"error: {explain(error)}")
    finally:
        gc.freeze()  # the process ends: what it still holds needs no search for cycles
