"""Two folders of results compared: two finished studies, or two experiments. No study file is needed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.paired import Judgement, holm, judge, seeds_needed
from bakeoff.analysis.single_runs import mcnemar
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import ClassPredictions, read_predictions
from bakeoff.study.arguments import nearest
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.paths import RunPaths


@dataclass(frozen=True)
class Results:
    """Completed runs of a folder: experiment → seed → the content of result.json, and where it lies.

    `is_study`: the folder is a study's, not one experiment's. `other` counts runs that did not complete.
    """

    folder: Path
    is_study: bool
    runs: dict[Experiment, dict[int, dict[str, Any]]]
    paths: dict[Experiment, dict[int, RunPaths]]
    other: dict[Experiment, int]


@dataclass(frozen=True)
class Pair:
    """One experiment of A against one of B, over the seeds that both completed.

    The means are over the seeds that both completed. `same_data` says whether both were measured on the same prepared
    data. `images` is what single runs add: how many test images A alone has right, B alone, and McNemar's exact
    p-value, corrected by Holm for all such pairs.
    """

    a: Experiment
    b: Experiment
    mean_a: float
    mean_b: float
    unpaired: int
    same_data: bool
    images: tuple[int, int, float] | None


@dataclass(frozen=True)
class Comparison:
    """Pairs and their judgement, row by row: differences are A - B where higher is better, else B - A.

    `seeds_needed` is NaN where it means nothing; `only_a` and `only_b` are experiments without a partner.
    """

    metric: Metric
    pairs: list[Pair]
    judgement: Judgement
    seeds_needed: list[float]
    only_a: list[Experiment]
    only_b: list[Experiment]


def read_results(folder: Path) -> Results:
    """What a folder has: results/<study>, or one experiment's in its runs/.

    Raises BakeoffError when it is neither, or a result cannot be understood.
    """
    is_study = (folder / "runs").is_dir()
    found = sorted((folder / "runs").rglob("result.json") if is_study else folder.glob("seed*/result.json"))
    if not found:
        raise BakeoffError(
            f"{folder}: has no finished run; name the folder of a study (results/NAME) or of an experiment "
            "(results/NAME/runs/DATASET/ARCHITECTURE/OPTIMIZER/RECIPE)"
        )
    results = Results(folder, is_study, {}, {}, {})
    for path in found:
        cell, seed, content = _read(path)
        if content["status"] != "completed":
            results.other[cell] = results.other.get(cell, 0) + 1
            continue
        results.runs.setdefault(cell, {})[seed] = content
        results.paths.setdefault(cell, {})[seed] = RunPaths(path.parent, path.parent, path)
    return results


def compare(a: Results, b: Results, metric_name: str | None = None) -> Comparison:
    """The paired comparison of two results, by a test metric; left out, the one that both studies lead with.

    Experiments of two studies are paired by their names, two experiments whatever theirs are. P-values are corrected
    for all pairs. Raises BakeoffError when there is nothing to pair, or the metric is not in the results.
    """
    if a.is_study != b.is_study:
        raise BakeoffError(f"{a.folder}, {b.folder}: one is a study, one an experiment; name two of a kind")
    metric = _metric(a, b, metric_name)
    partners = (
        {cell: cell for cell in a.runs if cell in b.runs} if a.is_study else dict(zip(a.runs, b.runs, strict=False))
    )
    if not partners:
        raise BakeoffError(f"{a.folder}, {b.folder}: no experiment has completed runs in both")
    scores = [(_scores(a, cell, metric), _scores(b, partner, metric)) for cell, partner in partners.items()]
    seeds = sorted({seed for pair in scores for part in pair for seed in part})
    table = np.array([[[part.get(seed, np.nan) for seed in seeds] for part in pair] for pair in scores])
    sign = 1.0 if metric.higher_is_better else -1.0
    judged = judge(sign * (table[:, 0] - table[:, 1]))
    paired = np.where(np.isnan(table).any(axis=1, keepdims=True), np.nan, table)  # so that differences are of the means
    means = [spread(paired[:, side]).mean for side in (0, 1)]
    images = _corrected([_single_runs(a, b, cell, partner) for cell, partner in partners.items()])
    pairs = [
        Pair(
            cell,
            partner,
            float(means[0][row]),
            float(means[1][row]),
            int((np.isnan(table[row, 0]) != np.isnan(table[row, 1])).sum()),
            _data_of(a, cell) == _data_of(b, partner),
            images[row],
        )
        for row, (cell, partner) in enumerate(partners.items())
    ]
    return Comparison(
        metric,
        pairs,
        judged,
        seeds_needed(judged.spread, judged.level).tolist(),
        [cell for cell in a.runs if cell not in partners],
        [cell for cell in b.runs if cell not in partners.values()],
    )


def _read(path: Path) -> tuple[Experiment, int, dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        run = dict(content["run"])
        seed = int(run.pop("seed"))
        needed = {"status": content["status"], "metrics": content["metrics"], "metric": content["spec"]["metric"]}
        return Experiment(**run), seed, content | needed
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(f"{path}: cannot use this result: {type(error).__name__}: {error}") from error


def _metric(a: Results, b: Results, name: str | None) -> Metric:
    """The metric that is asked for, or leads both. Whether higher is better is known of Bakeoff's own alone."""
    leading = {run["metric"] for results in (a, b) for runs in results.runs.values() for run in runs.values()}
    if name is None and len(leading) > 1:
        raise BakeoffError(f"{a.folder}, {b.folder}: lead with {', '.join(sorted(leading))}; say --metric NAME")
    wanted = name or next(iter(leading), "accuracy")
    if wanted not in METRICS:
        raise BakeoffError(
            f"metric {wanted!r}: say --metric NAME with one of Bakeoff's; {nearest(wanted, list(METRICS))}"
        )
    return METRICS[wanted]


def _scores(results: Results, cell: Experiment, metric: Metric) -> dict[int, float]:
    """seed → test score."""
    scores = {}
    for seed, run in results.runs[cell].items():
        value = (run["metrics"].get("test") or {}).get(metric.name)
        if value is None:
            has = ", ".join(run["metrics"].get("test") or {})
            raise BakeoffError(f"{results.paths[cell][seed].result}: has no test {metric.name}; it has {has}")
        scores[seed] = float(value)
    return scores


def _data_of(results: Results, cell: Experiment) -> Any:
    """What decides the data that an experiment was measured on."""
    return next(iter(results.runs[cell].values()))["spec"].get("dataset")


Images = tuple[int, int, float]


def _corrected(tests: list[Images | None]) -> list[Images | None]:
    """McNemar's tests with their p-values corrected by Holm; where there is none, nothing is tested."""
    p_values = np.array([[np.nan if test is None else test[2] for test in tests]])
    corrected = holm(p_values)[0][0]
    return [test and (test[0], test[1], float(p)) for test, p in zip(tests, corrected, strict=True)]


def _single_runs(a: Results, b: Results, first: Experiment, second: Experiment) -> Images | None:
    """McNemar's test of the only seed that both have, on the same multi-class test images; None otherwise."""
    seeds = sorted(set(a.paths[first]) & set(b.paths[second]))
    if len(seeds) != 1:
        return None
    paths = [a.paths[first][seeds[0]], b.paths[second][seeds[0]]]
    if not all(each.predictions.exists() for each in paths):
        return None
    one, other = (read_predictions({seeds[0]: each}) for each in paths)
    if not isinstance(one, ClassPredictions) or not isinstance(other, ClassPredictions):
        return None
    return mcnemar(one.correct[0], other.correct[0]) if np.array_equal(one.labels, other.labels) else None
