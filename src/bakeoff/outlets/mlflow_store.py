"""MLflow: an experiment for the study and a run for each of its runs, in a database or on a server."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bakeoff.errors import BakeoffError, first_line
from bakeoff.outlets.outlet import Outlet
from bakeoff.outlets.records import Exported, RunRecord, StudyRecords

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

METRICS_AT_ONCE, PARAMETERS_AT_ONCE = 900, 100  # MLflow takes 1,000 entries a batch, 100 of them parameters
LONGEST_PARAMETER = 6_000  # characters
LONGEST_TAG = 8_000
SQLITE = "sqlite:///"
OURS = "bakeoff.study"  # the tag by which our experiments are known
IDENTITY = "bakeoff.identity"
COMPLETED, NOT_COMPLETED = "FINISHED", "FAILED"  # MLflow's states of a run; one that is being written is RUNNING

Item = TypeVar("Item")


def export(records: StudyRecords, place: str) -> Exported:
    """Write the runs that are not there yet; what a killed export left of a run is deleted first.

    Raises BakeoffError for a place that is none, and for what MLflow refuses.
    """
    if "://" not in place:
        raise BakeoffError(f"{place}: name a database, as sqlite:///mlflow.db, or a server, as http://127.0.0.1:5000")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of each call
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=place)
        experiment = _experiment(client, records, place)
        there = _runs_there(client, experiment)
        written = already = 0
        for record in records.runs:
            if record.identity in there:
                already += 1
                continue
            _write_run(client, experiment, record)
            written += 1
    except MlflowException as error:
        raise BakeoffError(f"{place}: MLflow refuses: {first_line(error)}") from error
    return Exported(written, already)


def _experiment(client: "MlflowClient", records: StudyRecords, place: str) -> str:
    """The id of the study's experiment, which is made where there is none."""
    found = client.get_experiment_by_name(records.name)
    if found is None:
        tags = {OURS: records.name, "mlflow.note.content": records.title}
        return client.create_experiment(records.name, artifact_location=_artifacts(place, records.name), tags=tags)
    if found.tags.get(OURS) != records.name:
        raise BakeoffError(f"{place}: has an experiment {records.name!r} that is not of Bakeoff's; name another place")
    if found.lifecycle_stage != "active":
        raise BakeoffError(f"{place}: the experiment {records.name!r} is deleted; restore it, or name another place")
    return found.experiment_id


def _artifacts(place: str, study: str) -> str | None:
    """Beside a database; a server knows where."""
    if not place.startswith(SQLITE):
        return None
    database = Path(place.removeprefix(SQLITE)).absolute()
    database.parent.mkdir(parents=True, exist_ok=True)
    return (database.parent / f"{database.stem}-artifacts" / study).as_uri()


def _runs_there(client: "MlflowClient", experiment: str) -> set[str]:
    """The identities of all whole runs of an experiment."""
    there, token = set(), None
    while True:
        page = client.search_runs([experiment], max_results=1_000, page_token=token)
        for run in page:
            identity = run.data.tags.get(IDENTITY)
            if identity is not None and run.info.status in (COMPLETED, NOT_COMPLETED):
                there.add(identity)
            elif identity is not None:
                client.delete_run(run.info.run_id)
        token = page.token
        if not token:
            return there


def _write_run(client: "MlflowClient", experiment: str, record: RunRecord) -> None:
    from mlflow.entities import Param

    tags = {f"bakeoff.{name}": value for name, value in record.tags.items()} | {IDENTITY: record.identity}
    note = {"mlflow.note.content": record.message[:LONGEST_TAG]} if record.message else {}
    run = client.create_run(
        experiment, start_time=_milliseconds(record.started), tags=tags | note, run_name=record.run.key
    )
    name = run.info.run_id
    parameters = [Param(key, _fitting(str(value))) for key, value in record.hyperparameters.items()]
    batches = zip_longest(
        _parts(parameters, PARAMETERS_AT_ONCE), _parts(_metrics(record), METRICS_AT_ONCE), fillvalue=()
    )
    for params, metrics in batches:
        client.log_batch(name, metrics=metrics, params=params)
    for path in record.artifacts:
        client.log_artifact(name, str(path))
    status = COMPLETED if record.status == "completed" else NOT_COMPLETED
    client.set_terminated(name, status, end_time=_milliseconds(record.ended))


def _metrics(record: RunRecord) -> "list[Metric]":
    from mlflow.entities import Metric

    return [
        Metric(tag, value, _milliseconds(time), step)
        for tag, points in record.points.items()
        for time, step, value in points
    ]


def _parts(items: Sequence[Item], length: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while part := list(islice(rest, length)):
        yield part


def _fitting(value: str) -> str:
    """What MLflow takes of a parameter; result.json, among the artifacts, has all of it."""
    return value if len(value) <= LONGEST_PARAMETER else f"{value[: LONGEST_PARAMETER - 1]}…"


def _milliseconds(time: float) -> int:
    return round(time * 1000)


MLFLOW = Outlet(
    "mlflow",
    "an experiment with a run for each seed, its parameters, metrics and files",
    place="`sqlite:///mlflow.db`, or the address of a server",
    export=export,
    then="look at them: mlflow ui --backend-store-uri {place}",
    module="mlflow",
    extra="mlflow",
)
