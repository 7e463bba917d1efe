"""From the folders of finished runs to records."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bakeoff.files import describe_file
from bakeoff.outlets.records import Point, RunRecord, Scalar
from bakeoff.results.result import SCORED_SPLITS, Cost, Result, unusable
from bakeoff.results.study_folder import usable_results
from bakeoff.study.entries import SPLITS
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.specification import digest
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, training_of

Row = dict[str, float]  # an epoch of history.csv; an empty field is left out


@dataclass(frozen=True)
class Finished:
    """The results that a study has, and why other runs of it have none."""

    results: dict[Run, Result]
    damaged: list[str]


def finished_runs(study: Study, layout: Layout) -> Finished:
    """The results of the study's present specification, whole ones alone."""
    usable, damaged = usable_results({run: layout.run(run) for run in runs(study)})
    present = {run: result for run, result in usable.items() if _is_present(study, layout, run, result)}
    return Finished(present, list(damaged.values()))


def read_record(study: str, paths: RunPaths, result: Result, large: bool = False) -> RunRecord:
    """The record of a finished run; with `large`, its predictions and weights are artifacts, too.

    Raises BakeoffError naming the history when that cannot be understood.
    """
    rows = _history(paths)
    finished = _seconds(result.provenance.finished)
    ends = epoch_ends(rows, paths.result.stat().st_mtime if finished is None else finished)
    begun = [ends[0] - rows[0].get("seconds", 0.0)] if rows else []
    last_attempt = _seconds(result.provenance.started)
    started = min([*begun, *([] if last_attempt is None else [last_attempt])], default=finished or 0.0)
    ended = max([*ends, *([] if finished is None else [finished])], default=started)
    small = (paths.result, paths.history)
    return RunRecord(
        study=study,
        run=result.run,
        specification=digest(result.spec),
        identity=digest(describe_file(paths.result)["sha256"]),
        status=result.status,
        message=result.message,
        started=round(started, 3),
        ended=round(ended, 3),
        times="measured" if all("ended" in row for row in rows) else "reconstructed",
        hyperparameters=flattened(result.spec),
        series=_series(rows, ends),
        scores={name: Point(round(ended, 3), result.metrics.epochs, value) for name, value in _final(result).items()},
        artifacts=[path for path in (paths.files if large else small) if path.is_file()],
    )


def epoch_ends(rows: Sequence[Row], finished: float) -> list[float]:
    """When each epoch ended, in seconds since 1970.

    Where a history does not say, the next epoch's end less its duration; the last one ended when the run did, though
    then the test split was still evaluated.
    """
    ends: list[float] = []
    after = finished
    for row in reversed(rows):
        ends.append(round(row.get("ended", after), 3))
        after = ends[-1] - row.get("seconds", 0.0)
    return ends[::-1]


def flattened(content: Mapping[str, Any], prefix: str = "") -> dict[str, Scalar]:
    """Dotted name → value: `optimizer.lr`. Lists are numbered; what is null or empty is left out."""
    flat: dict[str, Scalar] = {}
    for key, value in content.items():
        name = prefix if key == "entry" else f"{prefix}.{key}" if prefix else key  # a dataset's own keys
        if isinstance(value, Mapping):
            flat |= flattened(value, name)
        elif isinstance(value, list | tuple):
            flat |= flattened({str(number): item for number, item in enumerate(value)}, name)
        elif value is not None:
            flat[name] = value
    return flat


def _is_present(study: Study, layout: Layout, run: Run, result: Result) -> bool:
    """Whether a result is of what the study says now: of a tuned experiment, with the values that were chosen."""
    try:
        return result.spec == training_of(study, layout, run).specification.content
    except NotChosen:
        return False


def _history(paths: RunPaths) -> list[Row]:
    try:
        with paths.history.open(encoding="utf-8", newline="") as file:
            rows = [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(file)]
        if any("epoch" not in row or not row["epoch"].is_integer() for row in rows):
            raise ValueError("a line without an epoch")
    except (OSError, ValueError, TypeError) as error:  # TypeError: a line with more fields than columns
        raise unusable(paths.history, getattr(error, "strerror", None) or str(error)) from error
    return rows


def _series(rows: Sequence[Row], ends: Sequence[float]) -> dict[str, list[Point]]:
    series: dict[str, list[Point]] = {}
    for row, end in zip(rows, ends, strict=True):
        for column, value in row.items():
            if column not in ("epoch", "ended"):
                series.setdefault(tag_of(column), []).append(Point(end, int(row["epoch"]), value))
    return series


def tag_of(column: str) -> str:
    """`train_accuracy` → `train/accuracy`, so that tools show the splits of a metric together."""
    split, _, metric = column.partition("_")
    return f"{split}/{metric}" if split in SPLITS else column


def _final(result: Result) -> dict[str, float]:
    scores = {
        f"final/{split}/{name}": value for split in SCORED_SPLITS for name, value in result.metrics.split(split).items()
    }
    best = {"final/best_epoch": result.metrics.best_epoch}
    costs = {f"cost/{name}": getattr(result.cost, name) for name in Cost.model_fields}
    return {name: float(value) for name, value in (scores | best | costs).items() if value is not None}


def _seconds(moment: str | None) -> float | None:
    """Seconds since 1970 of a moment as results write it."""
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
