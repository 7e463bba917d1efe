"""What a training reports while it runs: progress.json and epochs.jsonl in the state folder of its run."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bakeoff.files import write_json
from bakeoff.study.paths import RunPaths


def begin(paths: RunPaths, specification_hash: str, epochs: int) -> None:
    """Begin an attempt where the last one of this specification was, without its error."""
    known = read_progress(paths)
    if known.get("specification") != specification_hash:
        paths.epochs.unlink(missing_ok=True)
        known = {"epoch": 0, "epochs": epochs, "specification": specification_hash}
    _write(paths, known | {"failed": None, "waits": False})


def update(paths: RunPaths, content: dict[str, Any]) -> None:
    """Add to what the attempt has reported."""
    _write(paths, read_progress(paths) | content)


def append_epoch(paths: RunPaths, row: Mapping[str, float]) -> None:
    """Add the row of an epoch. It begins with a line's end: the last one may have been cut off by a kill."""
    with paths.epochs.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(row)}")


def read_epochs(paths: RunPaths, specification_hash: str) -> list[dict[str, float]]:
    """The epochs of an unfinished run so far; none where they are of another specification.

    After a kill some are there twice.
    """
    if read_progress(paths).get("specification") != specification_hash:
        return []
    try:
        lines = paths.epochs.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    rows = []
    for line in filter(None, lines):
        with suppress(ValueError):  # cut off, or being written
            rows.append(json.loads(line))
    return rows


def note_waiting(paths: RunPaths, waiting: bool) -> None:
    """Whether the attempt waits for a GPU."""
    update(paths, {"waits": waiting})


def write_failure(paths: RunPaths, reason: str) -> None:
    """Why an attempt failed, for `bakeoff status`."""
    with suppress(OSError):  # even on a full disk, the user is told the error of the attempt
        update(paths, {"failed": reason})


def read_progress(paths: RunPaths) -> dict[str, Any]:
    """What the last attempt reported; empty when there was none, or when the machine lost power as it wrote."""
    try:
        return dict(json.loads(paths.progress.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(paths: RunPaths, content: dict[str, Any]) -> None:
    now = {"updated": datetime.now(UTC).isoformat(timespec="seconds"), "process": os.getpid()}
    write_json(paths.progress, content | now, durable=False)
