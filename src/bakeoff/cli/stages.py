"""The steps of a study, as the rules of Snakemake call them."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.application import DEFAULT_STUDY, Overrides, StudyFile, Threads, all_commands, application, main, warn
from bakeoff.errors import BakeoffError
from bakeoff.jobs.handover import UNDER_SNAKEMAKE
from bakeoff.jobs.rounds import load_in_present_round as load
from bakeoff.jobs.steps import files_in, note_made, sole_writer
from bakeoff.study.arguments import nearest
from bakeoff.study.paths import Layout
from bakeoff.study.plugin_files import load_plugins
from bakeoff.study.specification import specify_dataset
from bakeoff.study.yaml_file import located

NICE = 10  # trainings come first

command = partial(application.command, rich_help_panel="Steps, as the rules call them")


@command()
def prepare(study_file: Path, dataset: str, overrides: Overrides = [], threads: Threads = 1) -> None:
    """Decode a dataset once into arrays and a card; one that is split repeatedly into those of each cut."""
    from bakeoff.data.prepare import prepare_if_needed

    study = load(study_file, overrides)
    names = [dataset] if dataset in study.datasets else [c.name for c in study.cuts.values() if c.of == dataset]
    if not names:
        raise BakeoffError(f"{study_file}: there is no dataset {dataset!r}; {nearest(dataset, list(study.datasets))}")
    load_plugins(study.plugins)
    try:
        for name in names:
            prepare_if_needed(specify_dataset(study, name), threads, look_at_source=True)
    except BakeoffError as error:
        raise BakeoffError(located(error, study_file)) from error


@command()
def check(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Build every model, optimizer, schedule and augmentation of a study once, on its prepared data."""
    from bakeoff.commands.check import check_study

    study = load(study_file, overrides)
    warn(study, study_file)
    load_plugins(study.plugins)
    check_study(study, Layout(study.study), study_file)


@command()
def features(
    study_file: Path,
    folder: Annotated[str, typer.Argument(help="folder in results/features, as the plan names it")],
    overrides: Overrides = [],
    threads: Threads = 1,
) -> None:
    """Compute the outputs of a frozen backbone on a dataset once, for every run that trains a classifier on them."""
    from bakeoff.commands.train import compute_features

    compute_features(load(study_file, overrides), study_file, folder, threads)


@command()
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


@command()
def select(
    study_file: Path,
    experiment: Annotated[str, typer.Argument(help="dataset/architecture/optimizer/recipe")],
    overrides: Overrides = [],
    after: Annotated[
        int | None, typer.Option(metavar="EPOCHS", help="decide instead which trials go on after so many epochs")
    ] = None,
) -> None:
    """Choose the best trial of a tuned experiment, on validation, and write its selection.json."""
    from bakeoff.commands.train import select as select_trial

    try:
        typer.echo(select_trial(load(study_file, overrides), study_file, experiment, after))
    except BakeoffError as error:
        raise BakeoffError(located(error, study_file)) from error


@command()
def summarize(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Read the finished runs into tables."""
    from bakeoff.results.summary import summarize as write_summary

    study = load(study_file, overrides)
    layout = Layout(study.study)
    with sole_writer(layout):
        complete = UNDER_SNAKEMAKE in os.environ
        note_made(layout, "summarize", write_summary(study, layout, complete))


@command()
def statistics(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = []) -> None:
    """Compare the experiments: tables of intervals, tests, ranks, variance, speed and mistakes, from the summary."""
    from bakeoff.analysis.statistics import write_statistics

    study = load(study_file, overrides)
    layout = Layout(study.study)
    with sole_writer(layout):
        note_made(layout, "statistics", write_statistics(study, layout))


@command()
def figures(
    study_file: StudyFile = DEFAULT_STUDY,
    overrides: Overrides = [],
    threads: Threads = 1,
    first: Annotated[
        bool, typer.Option("--first", help="only those that need no statistics, in a folder apart")
    ] = False,
) -> None:
    """Draw the figures from the tables."""
    from bakeoff.figures.draw import draw_figures, draw_first_figures

    study = load(study_file, overrides)
    layout = Layout(study.study)
    if first:
        with sole_writer(layout, "first_figures"):  # the statistics are written meanwhile
            draw_first_figures(study, layout, processes=threads)
        return
    with sole_writer(layout):
        drawn_before = layout.first_figures if UNDER_SNAKEMAKE in os.environ else None
        draw_figures(study, layout, processes=threads, first=drawn_before)
        note_made(layout, "figures", files_in(layout.figures))


@command("heat-maps")
def heat_maps(study_file: StudyFile = DEFAULT_STUDY, overrides: Overrides = [], threads: Threads = 1) -> None:
    """Compute where the best networks look in the images that they confuse (Grad-CAM), for the figures."""
    from bakeoff.inference.heat_maps import write_heat_maps

    study = load(study_file, overrides)
    load_plugins(study.plugins)
    layout = Layout(study.study)
    with sole_writer(layout):
        for path in write_heat_maps(study, layout, threads):
            typer.echo(path)


@command(hidden=True)
def serve(
    study_file: Path,
    listening: Annotated[int, typer.Option(help="descriptor of the socket")],
    life: Annotated[int, typer.Option(help="descriptor of a pipe that Snakemake holds")],
    overrides: Overrides = [],
) -> None:
    """Fork a process that has imported all it needs, for each job of a Snakemake."""
    from bakeoff.commands.serve import serve_jobs

    serve_jobs(load(study_file, overrides), listening, life, main, partial(_parse_ahead, study_file))
    os._exit(0)  # without Python's tidying up: who reads Snakemake's output waits for this process, too


def _parse_ahead(study_file: Path) -> None:
    """Typer builds what reads the options of a command when it first reads them: before the forks."""
    arguments = [str(study_file), "run", "--threads=1"]
    with suppress(Exception), all_commands().make_context("bakeoff", ["train", *arguments]) as context:
        all_commands().commands["train"].make_context("train", arguments, context)  # a job says what is wrong with it


@command(hidden=True)
def live(
    study_file: Path,
    life: Annotated[int, typer.Option(help="descriptor of a pipe that Snakemake holds")],
    overrides: Overrides = [],
) -> None:
    """Write TensorBoard's events while runs train, until Snakemake ends."""
    from bakeoff.outlets.live_tensorboard import follow

    os.nice(NICE)
    study = load(study_file, overrides)
    follow(study, Layout(study.study), life)
