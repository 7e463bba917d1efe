"""The commands. Each imports what it needs when it runs: start-up is paid once for every run of a study."""

import gc
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import rich
import typer

from bakeoff import __version__
from bakeoff.errors import BakeoffError, Stopped
from bakeoff.files import explain, is_explained
from bakeoff.jobs.handover import UNDER_SNAKEMAKE
from bakeoff.jobs.resources import usable_cores
from bakeoff.jobs.rounds import begin_anew
from bakeoff.jobs.rounds import load_in_present_round as load
from bakeoff.jobs.steps import files_in, note_made, sole_writer
from bakeoff.language import LANGUAGES
from bakeoff.study.arguments import nearest
from bakeoff.study.overrides import load as load_before_rounds
from bakeoff.study.paths import Layout
from bakeoff.study.plugin_files import load_plugins
from bakeoff.study.reading import schema, warnings
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study
from bakeoff.study.yaml_file import located

if TYPE_CHECKING:
    from bakeoff.results.trained_runs import Choice

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
Plugins = Annotated[
    list[Path],
    typer.Option("--plugin", metavar="FILE", help="where the run's model is registered, if it is a plugin's"),
]
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


@application.command()
def predict(
    run: Annotated[Path, typer.Argument(help="folder of a run; of an experiment, with --best or --ensemble")],
    images: Annotated[list[str], typer.Argument(help='files, folders, patterns in quotes such as "photos/*.jpg"')],
    best: Annotated[bool, typer.Option("--best", help="the seed with the best validation score")] = False,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="average the probabilities of all seeds")] = False,
    form: Annotated[str, typer.Option("--format", help="csv or jsonl")] = "csv",
    plugins: Plugins = [],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Threads = 1,
    batch_size: Annotated[int | None, typer.Option(min=1, help="images at a time; left out: the run's")] = None,
) -> None:
    """Say what a trained network takes images for, as CSV or JSON lines on standard output."""
    from bakeoff.commands.predict import predict_images

    predict_images(run, images, _choice(best, ensemble), form, plugins, device, threads, batch_size)


@application.command("export-model")
def export_model(
    run: Annotated[Path, typer.Argument(help="folder of a run; of an experiment, with --best")],
    to: Annotated[Path, typer.Option(metavar="PATH", help="the file; a JSON file and a model card are put beside it")],
    form: Annotated[str, typer.Option("--format", help="onnx, torchscript or safetensors")] = "onnx",
    best: Annotated[bool, typer.Option("--best", help="the seed with the best validation score")] = False,
    plugins: Plugins = [],
    threads: Threads = 1,
) -> None:
    """Write a trained network for other programs, compared with torch on the test images."""
    from bakeoff.commands import export_model as command

    for path in command.export_model(run, _choice(best, False), form, to, plugins, threads):
        typer.echo(path)


@application.command("run")
def run_all(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    cores: Annotated[str, typer.Option(help="how many cores of this machine to use")] = "all",
    gpus: Annotated[
        int | None, typer.Option(min=0, help="training jobs with a GPU at a time; left out: all there is room for")
    ] = None,
    unlock: Annotated[bool, typer.Option("--unlock", help="free the folder, where a Snakemake was killed")] = False,
    restart_rounds: Annotated[
        bool, typer.Option("--restart-rounds", help="begin a race of `seeds: {until: decided}` anew; its runs stay")
    ] = False,
) -> None:
    """Train what is missing and write the report, on this machine, by Snakemake."""
    from bakeoff.commands.run_study import run_study

    if restart_rounds:
        _restart_rounds(load_before_rounds(study_file, overrides))
    _warn(load(study_file, overrides), study_file)
    raise typer.Exit(run_study(partial(load, study_file, overrides), study_file, overrides, cores, gpus, unlock))


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
    language: Annotated[str | None, typer.Option(help=f"{' or '.join(LANGUAGES)}; left out: the study's")] = None,
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
def export(
    target: Annotated[str, typer.Argument(help="csv, tensorboard, mlflow, clearml or wandb")],
    study_file: StudyFile = DEFAULT_STUDY,
    to: Annotated[str, typer.Option(metavar="PLACE", help="a folder; for mlflow sqlite:///FILE or a server")] = "",
    large: Annotated[bool, typer.Option("--large", help="predictions and weights, too, where files are taken")] = False,
    overrides: Overrides = [],
) -> None:
    """Give finished results to another tool: what is there already is not written again."""
    from bakeoff.outlets.registry import export_study

    if not to:
        raise BakeoffError("export: say where to, with --to PLACE")
    study = load(study_file, overrides)
    for line in export_study(target, study, Layout(study.study), to, large):
        typer.echo(line)


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


def _choice(best: bool, ensemble: bool) -> "Choice":
    if best and ensemble:
        raise BakeoffError("--best is one of the seeds, --ensemble all of them; say one of the two")
    return "best" if best else "all" if ensemble else "one"


def _restart_rounds(study: Study) -> None:
    if study.rounds is None:
        raise BakeoffError("--restart-rounds: the seeds of this study are fixed, there is no race")
    if looks := begin_anew(study, Layout(study.study)):
        typer.echo(
            f"warning: the race begins anew after {looks} look{'s' * (looks > 1)}: whoever has seen decisions and "
            "begins again errs in more than the promised 5 % of studies, and the report says so. Finished runs stay.",
            err=True,
        )


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
