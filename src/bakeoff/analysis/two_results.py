"""Two folders of results compared: two finished studies, or two experiments. No study file is needed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.analysis.comparisons import compare_seeds
from bakeoff.analysis.intervals import spread
from bakeoff.analysis.single_runs import SingleRun, compare_runs
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import ClassPredictions, read_predictions
from bakeoff.study.arguments import nearest
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.paths import RunPaths


@dataclass(frozen=True)
class FinishedRun:
    """What the comparison takes from a result: its place, status, test scores, leading metric and dataset entry."""

    paths: RunPaths
    status: str
    scores: Mapping[str, float]
    metric: str
    dataset: Any


@dataclass(frozen=True)
class Results:
    """Completed runs of a folder, by experiment and seed.

    `is_study`: the folder is a study's, not one experiment's. `not_completed` counts runs that diverged or ran out of
    memory.
    """

    folder: Path
    is_study: bool
    runs: dict[Experiment, dict[int, FinishedRun]]
    not_completed: int


@dataclass(frozen=True)
class Comparison:
    """The comparison of two results, A and B.

    `pairs` has a row for each experiment of A and its partner in B, by their keys `a` and `b`: `mean_a` and `mean_b`
    over the seeds that both completed, `same_data` (whether both were measured on the same prepared data), `one_sided`
    (the seeds that only one of them completed), and the columns of the table "comparisons" from `seeds` to
    `seeds_needed`. `single_runs` has the columns of the table of that name, for the pairs with one common seed.
    `only_a` and `only_b` are experiments without a partner.
    """

    metric: Metric
    pairs: pd.DataFrame
    single_runs: pd.DataFrame
    only_a: list[Experiment]
    only_b: list[Experiment]


def read_results(folder: Path) -> Results:
    """Read results/<study>, or the folder of one experiment in its runs/.

    Raises BakeoffError if it is neither, or a result cannot be understood.
    """
    is_study = (folder / "runs").is_dir()
    found = sorted((folder / "runs").rglob("result.json") if is_study else folder.glob("seed*/result.json"))
    if not found:
        raise BakeoffError(
            f"{folder}: no finished run here; name the folder of a study (results/NAME) or of an experiment "
            "(results/NAME/runs/DATASET/ARCHITECTURE/OPTIMIZER/RECIPE)"
        )
    runs: dict[Experiment, dict[int, FinishedRun]] = {}
    not_completed = 0
    for path in found:
        cell, seed, run = _read(path)
        if run.status == "completed":
            runs.setdefault(cell, {})[seed] = run
        else:
            not_completed += 1
    return Results(folder, is_study, runs, not_completed)


def compare(a: Results, b: Results, metric_name: str | None = None) -> Comparison:
    """The paired comparison of two results by a test metric; left out, by the one that leads both studies.

    Experiments of two studies are paired by their names, two experiments whatever their names are. P-values are
    corrected for all pairs. Raises BakeoffError if there is nothing to pair, or the metric is not in the results.
    """
    if a.is_study != b.is_study:
        raise BakeoffError(f"{a.folder}, {b.folder}: one is a study, one an experiment; name two of a kind")
    metric = _metric(a, b, metric_name)
    common = ((cell, cell) for cell in a.runs if cell in b.runs)
    partners = dict(common if a.is_study else zip(a.runs, b.runs, strict=False))  # either may have no completed run
    if not partners:
        raise BakeoffError(f"{a.folder}, {b.folder}: no experiment has completed runs in both")
    sides = [a.runs[cell] for cell in partners], [b.runs[cell] for cell in partners.values()]
    seeds = sorted({seed for side in sides for runs in side for seed in runs})
    scores_a, scores_b = (np.array([_scores(runs, seeds, metric) for runs in side]) for side in sides)
    paired = ~np.isnan(scores_a - scores_b)
    names = pd.DataFrame({
        "a": [cell.key for cell in partners],
        "b": [cell.key for cell in partners.values()],
        "mean_a": spread(np.where(paired, scores_a, np.nan)).mean,
        "mean_b": spread(np.where(paired, scores_b, np.nan)).mean,
        "same_data": [_data_of(one) == _data_of(other) for one, other in zip(*sides, strict=True)],
        "one_sided": (np.isnan(scores_a) != np.isnan(scores_b)).sum(axis=1),
    })  # fmt: skip
    tested = [
        (cell.key, partner.key, *runs)
        for cell, partner in partners.items()
        if (runs := _single_runs(a.runs[cell], b.runs[partner], metric))
    ]
    return Comparison(
        metric,
        names.join(compare_seeds(scores_a - scores_b, metric)),
        compare_runs(tested, comparisons=len(tested)),
        [cell for cell in a.runs if cell not in partners],
        [cell for cell in b.runs if cell not in partners.values()],
    )


def _read(path: Path) -> tuple[Experiment, int, FinishedRun]:
    """The experiment and seed of a result.json, and what the comparison takes from it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = dict(content["run"])
        seed, spec, scores = int(names.pop("seed")), content["spec"], content["metrics"].get("test") or {}
        paths = RunPaths(path.parent, path.parent, path)
        run = FinishedRun(paths, content["status"], scores, spec["metric"], spec.get("dataset"))
        return Experiment(**names), seed, run
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BakeoffError(f"{path}: cannot use this result: {type(error).__name__}: {error}") from error


def _metric(a: Results, b: Results, name: str | None) -> Metric:
    """The metric of that name, or the one that leads both. Only of Bakeoff's own is known whether higher is better."""
    leading = {run.metric for results in (a, b) for runs in results.runs.values() for run in runs.values()}
    if name is None and len(leading) > 1:
        names = ", ".join(sorted(leading))
        raise BakeoffError(f"{a.folder}, {b.folder}: led by different metrics ({names}); say --metric NAME")
    wanted = name or next(iter(leading), "accuracy")
    if wanted not in METRICS:
        raise BakeoffError(
            f"metric {wanted!r}: say --metric NAME with one of Bakeoff's; {nearest(wanted, list(METRICS))}"
        )
    return METRICS[wanted]


def _scores(runs: Mapping[int, FinishedRun], seeds: list[int], metric: Metric) -> list[float]:
    """The test scores of an experiment by seed; NaN for seeds without a completed run."""
    for run in runs.values():
        if run.scores.get(metric.name) is None:
            raise BakeoffError(f"{run.paths.result}: has no test {metric.name}; it has {', '.join(run.scores)}")
    return [float(runs[seed].scores[metric.name]) if seed in runs else np.nan for seed in seeds]


def _data_of(runs: Mapping[int, FinishedRun]) -> Any:
    """The dataset's entry in the specification: it decides the data that an experiment was measured on."""
    return next(iter(runs.values())).dataset


def _single_runs(
    a: Mapping[int, FinishedRun], b: Mapping[int, FinishedRun], metric: Metric
) -> tuple[SingleRun, SingleRun] | None:
    """The runs of the only seed that both have, if their predictions are multi-class and of the same test images."""
    seeds = set(a) & set(b)
    if len(seeds) != 1:
        return None
    (seed,) = seeds
    both = a[seed], b[seed]
    if not all(run.paths.predictions.exists() for run in both):
        return None
    one, other = (read_predictions({seed: run.paths}) for run in both)
    if not isinstance(one, ClassPredictions) or not isinstance(other, ClassPredictions):
        return None
    if not np.array_equal(one.labels, other.labels):
        return None
    first, second = (
        SingleRun(seed, float(run.scores[metric.name]), None, predictions.correct[0])
        for run, predictions in zip(both, (one, other), strict=True)
    )
    return first, second
