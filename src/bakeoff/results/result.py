"""What a run leaves behind, as types.

result.json holds a `Result`: how the run ended, its metrics, its cost, and where it was made. history.csv holds a row
for each epoch. What predictions.npz holds stands in predictions.py.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from bakeoff.errors import BakeoffError
from bakeoff.files import describe_file, finite, in_every_value, write_atomically, write_json
from bakeoff.study.matrix import Run
from bakeoff.study.paths import RunPaths
from bakeoff.study.specification import digest

Status = Literal["completed", "diverged", "out_of_memory", "metric_undefined"]
FINISHED: tuple[Status, ...] = get_args(Status)  # how a run with a result can have ended
WITHOUT_SCORES = ("epoch", "learning_rate", "seconds", "ended")  # the columns of a history without an epoch
Scores = Mapping[str, float | None]  # metric → value; None where it was not finite


class Record(BaseModel):
    """Frozen and typed; what a later version may add is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Thresholds(Record):
    """Multi-label: the probabilities from which a label counts as predicted, chosen on validation."""

    for_all: float = Field(alias="global", description="one threshold for all labels")
    labels: Mapping[str, float] = Field(description="a threshold for each label")

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Metrics(Record):
    """The scores of each split. A split that was not evaluated is left out.

    Fractions such as accuracy lie between 0 and 1; losses are in nats, averaged over images.
    """

    best_epoch: int | None = Field(None, description="the epoch that validation chose, from 1; null where none was")
    epochs: int = Field(0, description="how many epochs were trained")
    train: Scores | None = Field(None, description="training split at the chosen epoch, on its augmented batches")
    train_last: Scores | None = Field(None, description="training split at the last epoch")
    validation: Scores | None = Field(None, description="validation split at the chosen epoch")
    validation_last: Scores | None = Field(None, description="validation split at the last epoch")
    test_last: Scores | None = Field(None, description="test split at the last epoch")
    test: Scores | None = Field(None, description="test split at the chosen epoch: the scores that tables lead with")
    thresholds: Thresholds | None = Field(None, description="multi-label: thresholds chosen on validation")
    test_average_precision: Scores | None = Field(None, description="multi-label: average precision of each label")
    test_max: Scores | None = Field(
        None, description="with track_test: the best test score over all epochs, metric by metric; optimistic"
    )

    @model_serializer(mode="wrap")
    def _without_missing_splits(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = serialize(self)
        return {name: value for name, value in found.items() if value is not None or name == "best_epoch"}

    def split(self, name: str) -> Scores:
        """The scores of a split by its name; nothing where it was not evaluated."""
        return getattr(self, name) or {}


# In the order in which tables show them.
SCORED_SPLITS = ("train", "train_last", "validation", "validation_last", "test", "test_last", "test_max")


class Cost(Record):
    """What the run used, over all its attempts; of an attempt that was killed, until the end of its last epoch."""

    parameters: int | None = Field(None, description="parameters of the whole network")
    macs: int | None = Field(None, description="multiply-accumulate operations for one image, forward")
    batch_size: int | None = Field(None, description="images in one forward pass")
    accumulate: int | None = Field(None, description="forward passes whose gradients make one step")
    training_seconds: float | None = Field(None, description="seconds of all epochs, their validation included")
    seconds_per_epoch: float | None = Field(None, description="their mean over epochs, in seconds")
    images_per_second: float | None = Field(None, description="training images per second of training_seconds")
    cpu_seconds: float | None = Field(None, description="user and system time of the process, start-up included")
    gpu_seconds: float | None = Field(None, description="seconds for which a GPU, or a slot of one, was held")
    energy_kwh: float | None = Field(None, description="kWh as codecarbon estimates them; null where not measured")
    peak_host_memory_bytes: int | None = Field(None, description="most bytes of host memory held at once")
    peak_device_memory_bytes: int | None = Field(None, description="most bytes of GPU memory held at once")


class Provenance(Record):
    """Where the run was made, and with what."""

    device: str | None = Field(None, description="the device it trained on, as PyTorch names it")
    threads: int | None = Field(None, description="processor threads")
    platform: str | None = Field(None, description="operating system")
    python: str | None = Field(None, description="version of Python")
    torch: str | None = Field(None, description="version of torch")
    torchvision: str | None = Field(None, description="version of torchvision")
    timm: str | None = Field(None, description="version of timm")
    numpy: str | None = Field(None, description="version of numpy")
    optimizer_steps: str | None = Field(
        None, description="how parameters were stepped: all at once (`fused`, `foreach`), or in a `loop`"
    )
    bakeoff: str | None = Field(None, description="version of Bakeoff")
    git_commit: str | None = Field(None, description="commit of the folder that the study ran in; null outside git")
    git_dirty: bool | None = Field(None, description="whether tracked files there differed from the commit")
    started: str | None = Field(None, description="start of the last attempt, ISO 8601, UTC")
    finished: str | None = Field(None, description="end of the last attempt, ISO 8601, UTC")
    device_wanted: str | None = Field(None, description="what the study asked for: auto, cpu or cuda")
    gpu: str | None = Field(None, description="the GPU that was leased, by UUID")
    gpu_slot: int | None = Field(None, description="its slot, from 0, where several jobs share a GPU")
    gpu_used: str | None = Field(None, description="the GPU that PyTorch says it trained on, by UUID")
    node: str | None = Field(None, description="name of the machine, or of the cluster's node")
    plugins: Mapping[str, str] = Field({}, description="SHA-256 of each plugin file of the study")


class FileDescription(Record):
    """What a file beside result.json was when it was written."""

    size: int = Field(alias="bytes", description="size in bytes")
    sha256: str = Field(description="SHA-256 checksum")

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Result(Record):
    """How a run ended."""

    run: Run = Field(description="its names on the four axes, and its seed")
    spec: Mapping[str, Any] = Field(description="its specification: all that decided the result")
    status: Status = Field(
        description="completed; diverged: a loss was not finite; out_of_memory; metric_undefined: the study's metric "
        "has no finite value on the validation split, at any epoch, or on the test split"
    )
    message: str = Field("", description="why it did not complete, or what was special")
    metrics: Metrics
    cost: Cost
    provenance: Provenance
    data: str | None = Field(None, description="a short name of the prepared images, labels and classes")
    files: Mapping[str, FileDescription] = Field({}, description="the three files beside it, by name")
    checksum: str | None = Field(None, description="of all that stands above, so that damage is noticed")


class DamagedResult(BakeoffError):
    """A file of a finished run that is not what was written. `message` is what is wrong; as text it also says to the
    person who called what to do."""

    def __str__(self) -> str:
        return f"{super().__str__()}; start snakemake, which trains it again"


def write_result(path: Path, result: Result) -> None:
    """Write result.json with its checksum, atomically. Numbers that are not finite become null."""
    content = in_every_value(result.model_dump(exclude={"checksum"}), finite)
    write_json(path, content | {"checksum": digest(content)})


def read_result(path: Path) -> Result | None:
    """The result of a run; None when there is no such file. Raises DamagedResult for what is none, or was changed."""
    try:
        text = path.read_bytes()
        result = Result.model_validate_json(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise unusable(path, "; ".join(_explain(problem) for problem in error.errors()[:3])) from error
    if result.checksum is not None:  # results of Bakeoff 0.1.0 have none
        content = json.loads(text)
        if content.pop("checksum") != digest(content):
            raise unusable(path, "was changed after it was written")
    return result


def check_files(paths: RunPaths, result: Result, sizes_only: bool = False) -> None:
    """Raise DamagedResult where a file beside result.json is not what the result says, or is missing."""
    for path in paths.files[:-1]:
        expected = result.files.get(path.name)
        if expected is None and (sizes_only or path.is_file()):  # in results of Bakeoff 0.1.0
            continue
        if expected is None or not path.is_file():
            raise unusable(path, "is missing")
        if (size := path.stat().st_size) != expected.size:
            raise unusable(path, f"has {size:,} bytes; {expected.size:,} were written")
        if not sizes_only and describe_file(path)["sha256"] != expected.sha256:
            raise unusable(path, "was changed after it was written")


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write history.csv, atomically: a row for each epoch. Epochs that an older version trained lack some columns."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or [*WITHOUT_SCORES]
    with write_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def unusable(path: Path, problem: str) -> DamagedResult:
    """The error for a file of a run that is damaged."""
    return DamagedResult(f"{path}: cannot use this file of a run: {problem}")


def _explain(problem: Any) -> str:
    """One of pydantic's errors in a few words."""
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "json_invalid":
        return f"is not JSON: {problem['ctx']['error']}"
    if not place:
        return "holds no mapping"
    if problem["type"] == "missing":
        return f"has no {place!r}"
    if problem["type"] == "literal_error":
        return f"{place} is {problem['input']!r}; allowed: {', '.join(FINISHED)}"
    return f"{place} is {problem['input']!r}: {problem['msg']}"
