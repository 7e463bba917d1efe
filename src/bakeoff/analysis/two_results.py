"""Two folders of results compared: two finished studies, or two experiments. No study file is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.analysis.comparisons import compare_seeds
from bakeoff.analysis.intervals import spread
from bakeoff.analysis.paired import Pairs
from bakeoff.analysis.single_runs import SingleRun, compare_runs
from bakeoff.analysis.test_set_error import influences
from bakeoff.analysis.variance_of_means import UNKNOWN, ImageVariance, image_variance_of_score, joined
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import ClassPredictions, read_predictions
from bakeoff.results.result import read_result, unusable
from bakeoff.study.arguments import nearest
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.paths import RunPaths


@dataclass(frozen=True)
class FinishedRun:
    """What the comparison takes from a result: its place, test scores, leading metric, beta and dataset entry."""

    paths: RunPaths
    scores: Mapping[str, float]
    metric: str
    beta: float
    dataset: Any


@dataclass(frozen=True)
class Results:
    """Completed runs of a folder, by experiment and seed.

    `is_study`: the folder is a study's, not one experiment's. `not_completed` counts runs that ended without a score.
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
        result = read_result(path)
        if result is None or result.status != "completed":
            not_completed += 1
            continue
        if "metric" not in result.spec:
            raise unusable(path, "its spec has no 'metric'")
        paths = RunPaths(path.parent, path.parent, path)
        scores = {name: value for name, value in result.metrics.split("test").items() if value is not None}
        run = FinishedRun(
            paths, scores, result.spec["metric"], result.spec.get("beta", 1.0), result.spec.get("dataset")
        )
        runs.setdefault(result.run.experiment, {})[result.run.seed] = run
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
        "same_data": [_dataset(one) == _dataset(other) for one, other in zip(*sides, strict=True)],
        "one_sided": (np.isnan(scores_a) != np.isnan(scores_b)).sum(axis=1),
    })  # fmt: skip
    images = [_image_variance(*runs, metric) for runs in zip(*sides, strict=True)]
    pairs = replace(Pairs.alone(len(partners)), images=joined(images))
    tested = [
        (cell.key, partner.key, *runs)
        for cell, partner in partners.items()
        if (runs := _single_runs(a.runs[cell], b.runs[partner], metric))
    ]
    return Comparison(
        metric,
        names.join(compare_seeds(scores_a - scores_b, metric, pairs)),
        compare_runs(tested, comparisons=len(tested)),
        [cell for cell in a.runs if cell not in partners],
        [cell for cell in b.runs if cell not in partners.values()],
    )


def _metric(a: Results, b: Results, name: str | None) -> Metric:
    """The metric of that name, or the one that leads both. Only of Bakeoff's own is known whether higher is better."""
    led = [dict.fromkeys(run.metric for runs in results.runs.values() for run in runs.values()) for results in (a, b)]
    leading = led[0] | led[1]
    if name is None and len(leading) > 1:
        by_folder = ", ".join(f"{results.folder} by {', '.join(of)}" for results, of in zip((a, b), led, strict=True))
        raise BakeoffError(f"led by different metrics: {by_folder}; say --metric NAME")
    wanted = name or next(iter(leading), "accuracy")
    if wanted not in METRICS:
        raise BakeoffError(
            f"metric {wanted!r}: say --metric NAME with one of Bakeoff's; {nearest(wanted, list(METRICS))}"
        )
    return METRICS[wanted]


def _scores(runs: Mapping[int, FinishedRun], seeds: list[int], metric: Metric) -> list[float]:
    """The test scores of an experiment by seed; NaN for seeds without a completed run."""
    for run in runs.values():
        if metric.name not in run.scores:
            raise BakeoffError(f"{run.paths.result}: has no test {metric.name}; it has {', '.join(run.scores)}")
    return [runs[seed].scores[metric.name] if seed in runs else np.nan for seed in seeds]


def _dataset(runs: Mapping[int, FinishedRun]) -> Any:
    """The dataset's entry in the specification: it decides the data that an experiment was measured on."""
    return next(iter(runs.values())).dataset


def _image_variance(a: Mapping[int, FinishedRun], b: Mapping[int, FinishedRun], metric: Metric) -> ImageVariance:
    """That of their mean difference over test images; unknown unless there are predictions of the same images."""
    seeds = sorted(set(a) & set(b))
    sides = [{seed: runs[seed].paths for seed in seeds} for runs in (a, b)]
    if not seeds or not all(paths.predictions.exists() for side in sides for paths in side.values()):
        return UNKNOWN
    one, other = (read_predictions(side) for side in sides)
    if type(one) is not type(other) or not np.array_equal(one.labels, other.labels):
        return UNKNOWN
    found = [
        influences(predictions, runs[seeds[0]].beta).get(metric.name) for predictions, runs in ((one, a), (other, b))
    ]
    if found[0] is None or found[1] is None:
        return UNKNOWN
    return image_variance_of_score(found[0] - found[1])


def _single_runs(
    a: Mapping[int, FinishedRun], b: Mapping[int, FinishedRun], metric: Metric
) -> tuple[SingleRun, SingleRun] | None:
    """The runs of the only seed that both have, if their predictions are multi-class and of the same test images."""
    seeds = set(a) & set(b)
    if len(seeds) != 1:
        return None
    (seed,) = seeds
    if not (a[seed].paths.predictions.exists() and b[seed].paths.predictions.exists()):
        return None
    one, other = read_predictions({seed: a[seed].paths}), read_predictions({seed: b[seed].paths})
    if not (isinstance(one, ClassPredictions) and isinstance(other, ClassPredictions)):
        return None
    if not np.array_equal(one.labels, other.labels):
        return None
    return (
        SingleRun(seed, a[seed].scores[metric.name], None, one.correct[0]),
        SingleRun(seed, b[seed].scores[metric.name], None, other.correct[0]),
    )
