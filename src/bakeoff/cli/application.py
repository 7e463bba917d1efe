"""The command `bakeoff`: its options, its warnings, and how it ends."""

import gc
import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import rich
import typer

from bakeoff import __version__
from bakeoff.errors import BakeoffError, Stopped
from bakeoff.files import explain, is_explained
from bakeoff.study.reading import warnings
from bakeoff.study.study import Study

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
WIDE = 1000  # characters


def warn(study: Study, study_file: Path) -> None:
    """Say on standard error what is unusual in a study."""
    for warning in warnings(study, study_file):
        typer.echo(f"warning: {warning}", err=True)


@cache
def all_commands() -> Any:
    """What `application` has collected, as Click's group. Forked processes find it made."""
    return typer.main.get_command(application)


def main() -> None:
    """One line for the user; a traceback only for what is our own mistake."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        rich.reconfigure(width=WIDE)  # what reads a pipe wants paths and sentences in one piece
    try:
        all_commands()()
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
