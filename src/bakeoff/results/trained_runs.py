"""Runs by their folders, whose networks are to be used: one run, the best of an experiment, or all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bakeoff.errors import BakeoffError
from bakeoff.results.result import Result, check_files, read_result
from bakeoff.study.metrics import METRICS
from bakeoff.study.paths import RunPaths

Choice = Literal["one", "best", "all"]


@dataclass(frozen=True)
class TrainedRun:
    """A completed run, whose files are whole."""

    paths: RunPaths
    result: Result


def trained_runs(folder: Path, choice: Choice = "one") -> list[TrainedRun]:
    """The runs that a folder and a choice mean: seedN itself, or of an experiment's folder the seed with the best
    validation score, or all that completed.

    Raises BakeoffError where the folder and the choice do not fit, and for a run that is not finished, did not complete
    or is damaged.
    """
    seeds = sorted(folder.glob("seed*/"), key=lambda path: (len(path.name), path.name))
    if choice == "one":
        if seeds:
            names = ", ".join(path.name for path in seeds[:5])
            raise BakeoffError(
                f"{folder}: is an experiment ({names}); name one of its runs, or say --best or --ensemble"
            )
        return [trained_run(folder)]
    if not seeds:
        raise BakeoffError(
            f"{folder}: --best and --ensemble take the folder of an experiment, which has seed0, seed1, …"
        )
    found = [run for path in seeds if (run := _read(path)) is not None and run.result.status == "completed"]
    if not found:
        raise BakeoffError(f"{folder}: no run of this experiment has completed; bakeoff status says why")
    return [_best(found)] if choice == "best" else found


def trained_run(folder: Path) -> TrainedRun:
    """The completed run of a folder. Raises BakeoffError."""
    run = _read(folder)
    if run is None:
        raise BakeoffError(
            f"{folder}: no finished run here; name a folder results/STUDY/runs/DATASET/ARCHITECTURE/OPTIMIZER/RECIPE/"
            "seedN, or see bakeoff status for what is not finished"
        )
    if run.result.status != "completed":
        raise BakeoffError(f"{folder}: this run did not complete and is not to be used: {_ending(run.result)}")
    return run


def _read(folder: Path) -> TrainedRun | None:
    paths = RunPaths(folder, folder, folder)
    result = read_result(paths.result)
    if result is None:
        return None
    if result.status == "completed":
        check_files(paths, result)
    return TrainedRun(paths, result)


def _best(found: list[TrainedRun]) -> TrainedRun:
    """With the best validation score; of equals the first."""
    name = str(found[0].result.spec.get("metric"))
    if name not in METRICS:
        raise BakeoffError(
            f"--best knows Bakeoff's own metrics, and these runs were led by {name}; name one of the runs"
        )
    scores = [run.result.metrics.split("validation").get(name) for run in found]
    scored = [(score, run) for score, run in zip(scores, found, strict=True) if score is not None]
    sign = 1 if METRICS[name].higher_is_better else -1
    return max(scored, key=lambda pair: sign * pair[0])[1] if scored else found[0]


def _ending(result: Result) -> str:
    return f"{result.status}: {result.message}" if result.message else result.status
