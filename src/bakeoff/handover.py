"""How a finished run's files come to Snakemake, also when it was killed meanwhile.

Snakemake deletes the outputs of a job that it knows nothing of, and starts the job again. So a training writes its
files into its own state folder, where they stay until Snakemake has seen them, and the outputs are links to them.
"""

import json
import os
import shutil
from collections.abc import Iterable
from typing import Any

from bakeoff.files import remove_leftovers, write_atomically
from bakeoff.layout import RunPaths

UNDER_SNAKEMAKE = "BAKEOFF_UNDER_SNAKEMAKE"  # set in the environment of Snakemake's jobs


def is_finished(paths: RunPaths, specification: dict[str, Any]) -> bool:
    """Whether the four files of a run are there, and are of this specification."""
    if not all(path.exists() for path in paths.files):
        return False
    return json.loads(paths.result.read_text(encoding="utf-8"))["spec"] == specification


def publish(paths: RunPaths) -> None:
    """Make the outputs of a run from its finished files. An older result.json goes first, the new one comes last: where
    it stands, the others are its own."""
    remove_leftovers(*paths.files)
    paths.result.unlink(missing_ok=True)
    for finished, output in zip(paths.finished.files, paths.files, strict=True):
        with write_atomically(output) as temporary:
            temporary.unlink()
            try:
                os.link(finished, temporary)
            except OSError:  # another file system, or one without hard links
                temporary.write_bytes(finished.read_bytes())
            os.utime(temporary)  # newer than what it was made from, as Snakemake expects


def forget(paths: RunPaths) -> None:
    """Remove the finished files of a run that Snakemake has seen, or that nobody will ask for."""
    shutil.rmtree(paths.finished.folder, ignore_errors=True)


def forget_all(runs: Iterable[RunPaths]) -> None:
    """When Snakemake ends: of runs whose outputs stand, it has seen them."""
    for paths in runs:
        if paths.result.exists():
            forget(paths)


def is_under_snakemake() -> bool:
    return UNDER_SNAKEMAKE in os.environ
