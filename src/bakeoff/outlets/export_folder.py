"""A folder that holds the export of one study: what is in it, and how runs get there whole."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.outlets.records import Exported, RunRecord

CONTENTS = "bakeoff-export.json"  # in the folder: target, study, and for each run its identity and path
ASIDE = ".being-written-"


def export_to_folder(
    target: str,
    study: str,
    runs: Iterable[RunRecord],
    place: str,
    write: Callable[[RunRecord, Path], None],
    name: Callable[[RunRecord], str] = lambda record: record.run.key,
) -> Exported:
    """Let `write(record, path)` make a folder or a file for each run that is not there yet, as `name` names it.

    Each is written aside and renamed. A run that was trained again replaces what was there of it.
    Raises BakeoffError where the place holds anything but an export of this study for this target.
    """
    folder = Path(place)
    contents = claim(folder, target, study)
    written = already = 0
    for record in runs:
        if put(folder, contents, record.run.key, record.identity, name(record), partial(write, record)):
            written += 1
        else:
            already += 1
    return Exported(written, already)


def claim(folder: Path, target: str, study: str) -> dict[str, Any]:
    """What the folder holds, as its list of contents says: of nothing, where it is new or empty."""
    path = folder / CONTENTS
    if not folder.is_dir() and (folder.exists() or folder.is_symlink()):
        raise BakeoffError(f"{folder}: is a file; name a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return {"target": target, "study": study, "runs": {}}
    try:
        contents = dict(json.loads(path.read_text(encoding="utf-8")))
        owner, runs = (contents["target"], contents["study"]), dict(contents["runs"])
    except FileNotFoundError as error:
        raise BakeoffError(f"{folder}: holds something else than an export; name a new folder") from error
    except (ValueError, TypeError, KeyError) as error:
        raise BakeoffError(f"{path}: is damaged; delete {folder} and export again") from error
    if owner != (target, study):
        raise BakeoffError(f"{folder}: holds the {owner[0]} export of the study {owner[1]!r}; name another folder")
    for leftover in folder.glob(f"{ASIDE}*"):  # of a killed export
        _remove(leftover)
    return {"target": target, "study": study, "runs": runs}


def put(
    folder: Path, contents: dict[str, Any], key: str, identity: str, name: str, write: Callable[[Path], None]
) -> bool:
    """Write one folder or file aside and rename it, unless it is there; whether it was not. The list of contents
    follows."""
    if is_there(folder, contents, key, identity, name):
        return False
    path, known = folder / name, contents["runs"].get(key)
    if not folder.exists():
        write_json(folder / CONTENTS, contents, durable=False)
    aside = folder / f"{ASIDE}{os.urandom(4).hex()}"
    try:
        write(aside)
        if known is not None:
            _remove(folder / known["path"])
        _remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(path)
    finally:
        _remove(aside)
    contents["runs"][key] = {"identity": identity, "path": name}
    write_json(folder / CONTENTS, contents, durable=False)
    return True


def is_there(folder: Path, contents: dict[str, Any], key: str, identity: str, name: str) -> bool:
    """Whether the folder holds this result of a run, or of whatever the key names."""
    return contents["runs"].get(key) == {"identity": identity, "path": name} and (folder / name).exists()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
