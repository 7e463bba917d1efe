"""ClearML: an offline session for each run, as its library zips one when CLEARML_OFFLINE_MODE is 1.

The sessions are written here and not by `Task.init`, which takes ten seconds for each, and stamps what is reported with
now.
"""

import json
import math
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from bakeoff.files import describe_file
from bakeoff.outlets.export_folder import export_to_folder
from bakeoff.outlets.outlet import Outlet
from bakeoff.outlets.records import Exported, RunRecord, Scalar, StudyRecords

SINGLE_VALUE = -(2**31)  # the iteration by which ClearML knows what has no course
SESSION = "offline"  # the folder that paths begin with; the import replaces it
TYPES = {bool: "bool", int: "int", float: "float", str: "str"}


def export(records: StudyRecords, place: str) -> Exported:
    """A zip file for each run."""
    return export_to_folder(
        "clearml", records.name, records.runs, place, write_session, lambda record: f"{record.run.key}.zip"
    )


def write_session(record: RunRecord, path: Path) -> None:
    """Numbers that are not finite are left out: ClearML would show them as 0."""
    from clearml.backend_api.services import events

    task = f"offline-{record.identity}"
    found = [
        events.AddRequest(event=events.MetricsScalarEvent(task=task, **event)).to_dict() for event in _events(record)
    ]
    artifacts = {file: f"{record.study}/{record.run.key.replace('/', '_')}.{task}/artifacts/{file.stem}/{file.name}"
                 for file in record.artifacts}  # fmt: skip
    with ZipFile(path, "w", compression=ZIP_DEFLATED) as session:
        session.writestr("task.json", json.dumps(_task(record, task, artifacts)))
        session.writestr("metrics.jsonl", json.dumps(found) + "\n")
        for file, place in artifacts.items():
            session.write(file, f"data/{place}")


def _events(record: RunRecord) -> Iterator[dict[str, Any]]:
    """Title and series of a plot are the two parts of a tag; what a run ended with is a table of single values."""
    for tag, points in record.series.items():
        metric, _, variant = tag.partition("/")
        for time, step, value in points:
            if math.isfinite(value):
                yield _event(metric, variant or metric, step, time, value)
    for tag, point in record.scores.items():
        if math.isfinite(point.value):
            yield _event("Summary", tag, SINGLE_VALUE, point.time, point.value)


def _event(metric: str, variant: str, step: int, time: float, value: float) -> dict[str, Any]:
    return {"metric": metric, "variant": variant, "iter": step, "timestamp": round(time * 1000), "value": value}


def _task(record: RunRecord, task: str, artifacts: dict[Path, str]) -> dict[str, Any]:
    """What `Task.import_offline_session` makes the task from."""
    return {
        "id": task,
        "name": record.run.key,
        "project_name": record.study,
        "type": "training",
        "comment": record.message,
        "tags": [f"{name}:{value}" for name, value in record.tags.items()],
        "hyperparams": _sections(record),
        "script": {},
        "output": {},
        "offline_folder": SESSION,
        "offline_output_models": [],
        "execution": {"artifacts": [_artifact(file, place, record.ended) for file, place in artifacts.items()]},
    }


def _sections(record: RunRecord) -> dict[str, dict[str, dict[str, str]]]:
    """Hyper-parameters by the first part of their names. ClearML dates a task by its import, so the run's own times
    stand among them."""
    known: dict[str, Scalar] = {
        **record.hyperparameters, "bakeoff.started": record.started, "bakeoff.ended": record.ended,
    }  # fmt: skip
    sections: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in known.items():
        first, _, rest = name.partition(".")
        section, key = (first, rest) if rest else ("General", first)
        entry = {"section": section, "name": key, "value": str(value), "type": TYPES[type(value)], "description": ""}
        sections.setdefault(section, {})[key] = entry
    return sections


def _artifact(file: Path, place: str, time: float) -> dict[str, Any]:
    described, kind = describe_file(file), mimetypes.guess_type(file)[0] or "application/octet-stream"
    return {
        "key": file.stem,
        "type": "custom",
        "mode": "output",
        "uri": f"{SESSION}/data/{place}",
        "content_size": described["bytes"],
        "hash": described["sha256"],
        "timestamp": round(time),
        "type_data": {"content_type": kind, "preview": f"{file.name} - {described['bytes']} bytes"},
    }


CLEARML = Outlet(
    "clearml",
    "an offline session for each run, which ClearML imports",
    place="a folder",
    export=export,
    then="import each into ClearML: docs/outlets.md has the line",
    module="clearml",
    extra="clearml",
)
