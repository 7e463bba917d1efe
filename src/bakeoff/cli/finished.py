"""What a person does with finished results: compare, export, use the networks."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import rich
import typer

from bakeoff.cli.application import DEFAULT_STUDY, Overrides, Plugins, StudyFile, Threads, application
from bakeoff.errors import BakeoffError
from bakeoff.jobs.rounds import load_in_present_round as load
from bakeoff.study.paths import Layout

if TYPE_CHECKING:
    from bakeoff.results.trained_runs import Choice

command = partial(application.command, rich_help_panel="Results and networks")


@command()
def compare(
    results_a: Annotated[Path, typer.Argument(help="results/NAME of a study, or the folder of an experiment in it")],
    results_b: Annotated[Path, typer.Argument(help="another of the same kind")],
    metric: Annotated[str | None, typer.Option(help="test metric; left out: the studies'")] = None,
) -> None:
    """Compare two finished studies, or two experiments, seed by seed."""
    from bakeoff.commands.compare import compared

    rich.print(compared(results_a, results_b, metric))


@command()
def merge(
    into: Annotated[Path, typer.Argument(metavar="A", help="results/NAME of a study, which gets the runs")],
    other: Annotated[
        Path, typer.Argument(metavar="B", help="the same study's, from another machine; it stays as it is")
    ],
) -> None:
    """Take the finished runs of another machine into the results of the same study."""
    from bakeoff.commands.merge import merge as merge_results

    for line in merge_results(into, other):
        typer.echo(line)


@command()
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


@command()
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


@command("export-model")
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


def _choice(best: bool, ensemble: bool) -> "Choice":
    if best and ensemble:
        raise BakeoffError("--best is one of the seeds, --ensemble all of them; say one of the two")
    return "best" if best else "all" if ensemble else "one"
