"""What other tools are given of a study: plain records, the same for every tool."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from bakeoff.results.result import Status
from bakeoff.study.matrix import Run

Scalar = str | int | float | bool


class Point(NamedTuple):
    """`time` in seconds since 1970 (whole milliseconds), `step` the epoch from 1; `value` may be NaN or infinite."""

    time: float
    step: int
    value: float


@dataclass(frozen=True)
class RunRecord:
    """One finished run.

    `specification` is the short name of all that decided the result, `identity` that of the result itself: a run that
    is trained again has another. `started` and `ended` are seconds since 1970; `times` says whether the epochs' times
    were measured or follow from their durations. `hyperparameters` are the specification with dotted names. `series`
    has the columns of history.csv (`train/accuracy`), `scores` what the run ended with (`final/test/accuracy`,
    `cost/training_seconds`). `artifacts` are files.
    """

    study: str
    run: Run
    specification: str
    identity: str
    status: Status
    message: str
    started: float
    ended: float
    times: Literal["measured", "reconstructed"]
    hyperparameters: Mapping[str, Scalar]
    series: Mapping[str, Sequence[Point]]
    scores: Mapping[str, Point]
    artifacts: Sequence[Path]

    @property
    def tags(self) -> dict[str, str]:
        """By which people find the run again."""
        return {
            "study": self.study,
            "cell": self.run.experiment.key,
            "seed": str(self.run.seed),
            "specification": self.specification,
            "status": self.status,
            "times": self.times,
        }

    @property
    def points(self) -> dict[str, Sequence[Point]]:
        """Series and scores by their tags."""
        return {**self.series, **{tag: [point] for tag, point in self.scores.items()}}

    @property
    def epochs(self) -> list[tuple[float, int, dict[str, float]]]:
        """Time, step and values of each epoch, in their order."""
        rows: dict[int, tuple[float, int, dict[str, float]]] = {}
        for tag, points in self.series.items():
            for time, step, value in points:
                rows.setdefault(step, (time, step, {}))[2][tag] = value
        return [rows[step] for step in sorted(rows)]


@dataclass(frozen=True)
class StudyRecords:
    """`runs` are made one at a time. `images` draws the study's figures: name → PNG."""

    name: str
    title: str
    runs: Iterable[RunRecord]
    images: Callable[[], Mapping[str, bytes]]


class Exported(NamedTuple):
    """How many runs were written, and how many were there already; `notes` are lines for the user."""

    written: int
    already: int
    notes: tuple[str, ...] = ()
