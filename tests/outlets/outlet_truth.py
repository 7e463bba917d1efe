"""What exports have to hold: read from the files of finished runs, without Bakeoff."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bakeoff.outlets.finished_runs import finished_runs, read_record
from bakeoff.outlets.records import RunRecord
from bakeoff.outlets.registry import export_study
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from bakeoff.study.study import runs
from synthetic_runs import history_of, layout_in, result_of, study_of, write_run
from terminal import STUDIES

Points = list[tuple[float, int, float]]  # time, step, value


def export_tiny(target: str, finished_study: Path, place: object, **options: Any) -> list[str]:
    """The lines that an export of the finished study says."""
    study = load_study(STUDIES / "tiny.yaml", {})
    return export_study(target, study, Layout("tiny", finished_study / "results"), str(place), **options)


def results_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Key → result.json of each run of a study."""
    runs = folder / "results/tiny/runs"
    found = {path.parent.relative_to(runs).as_posix(): path for path in sorted(runs.rglob("result.json"))}
    return {key: json.loads(path.read_text()) for key, path in found.items()}


def series_in(folder: Path, key: str) -> dict[str, Points]:
    """Tag → the points of a run's history, with all their digits."""
    table = pd.read_csv(folder / "results/tiny/runs" / key / "history.csv", float_precision="round_trip")
    series = {}
    for column in table.columns.drop(["epoch", "ended"]):
        tag = column.replace("_", "/", 1) if column.startswith(("train_", "validation_", "test_")) else column
        series[tag] = list(zip(table["ended"], table["epoch"], table[column], strict=True))
    return series


def finals_of(result: dict[str, Any]) -> dict[str, float]:
    """Tag → what a run ended with."""
    metrics = result["metrics"]
    splits = {name: scores for name, scores in metrics.items() if isinstance(scores, dict)}
    found = {f"final/{split}/{name}": value for split, scores in splits.items() for name, value in scores.items()}
    found |= {f"cost/{name}": value for name, value in result["cost"].items()}
    return {
        tag: value for tag, value in (found | {"final/best_epoch": metrics["best_epoch"]}).items() if value is not None
    }


def points_in(folder: Path) -> dict[str, dict[str, list[tuple[float, int, float]]]]:
    """Key → tag → points, with those that a run ended with at its last epoch."""
    points: dict[str, dict[str, Points]] = {}
    for key, result in results_in(folder).items():
        points[key] = series_in(folder, key)
        finished = pd.Timestamp(result["provenance"]["finished"]).timestamp()
        ended = max(finished, *(time for time, _, _ in points[key]["seconds"]))
        points[key] |= {tag: [(ended, result["metrics"]["epochs"], value)] for tag, value in finals_of(result).items()}
    return points


def diverged_record(folder: Path) -> RunRecord:
    """A run of two epochs; in the second its training loss is NaN and its accuracy infinite."""
    study = study_of(seeds=1)
    layout, run = layout_in(folder, study), runs(study)[0]
    lines = history_of(2).splitlines()
    fields = lines[2].split(",")
    fields[2], fields[3] = "nan", "inf"
    write_run(layout, run, result_of(study, run, status="diverged"), "\n".join([*lines[:2], ",".join(fields)]))
    (result,) = finished_runs(study, layout).results.values()
    return read_record(study.study, layout.run(run), result)
