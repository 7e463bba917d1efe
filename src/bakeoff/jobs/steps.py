"""What the steps after training made for Snakemake: tables, figures, report.

Snakemake takes a table for the newest there is when somebody else has just written it: `bakeoff report` by hand, from a
broken study or from half of the runs. So each step notes the checksums of its files, and what is not as noted is made
again.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from bakeoff.files import describe_file, write_json
from bakeoff.jobs.handover import UNDER_SNAKEMAKE
from bakeoff.study.paths import Layout

STEPS = ("summarize", "statistics", "figures", "report")


@contextmanager
def sole_writer(layout: Layout, what: str = "report") -> Iterator[None]:
    """While this context lasts, nobody else writes the study's tables, figures and report, or `what` is made apart."""
    layout.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(layout.folder / f"{what}.lock"):
        yield


def note_made(layout: Layout, step: str, paths: Iterable[Path]) -> None:
    """Note the files that a step made, where Snakemake asked for them."""
    if UNDER_SNAKEMAKE in os.environ:
        write_json(layout.made(step), {str(path): describe_file(path) for path in paths})


def files_in(*folders: Path) -> list[Path]:
    """The files in folders and in the folders beneath, but those of Snakemake."""
    found = (path for folder in folders for path in sorted(folder.rglob("*")))
    return [path for path in found if path.is_file() and path.name != ".snakemake_timestamp"]


def changed_steps(layout: Layout) -> set[str]:
    """The steps whose files are not what they made."""
    return {step for step in STEPS if not _is_as_noted(layout.made(step))}


def _is_as_noted(note: Path) -> bool:
    if not note.exists():  # a step that was not done yet is Snakemake's business
        return True
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
        return all(describe_file(Path(path)) == expected for path, expected in noted.items())
    except (OSError, ValueError, AttributeError):
        return False
