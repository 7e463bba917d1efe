"""What tuning found, and what it cost: the tables about the trials of a study.

`trials` is the summary's table of trials, `runs` that of evaluation runs.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.analysis.best_of_n import expected_best
from bakeoff.analysis.intervals import spread
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric
from bakeoff.study.study import Study
from bakeoff.study.trials import DEFAULT, default_values, is_tuned, spaces_of, trials_of

LEARNING_RATE = "lr"
UNKNOWN = dict.fromkeys(("difference", "low", "high"), math.nan)


@dataclass(frozen=True)
class Point:
    """A trial of an experiment: its scores are means over the tuning seeds, NaN unless all of them completed. `until`
    is the epoch of the rung that it reached, `epochs` those that its seeds were trained in all."""

    trial: str
    tuning_study: int
    values: dict[str, Any]
    status: str
    until: float
    epochs: float
    validation: float
    test: float
    seconds: float
    chosen: bool


def tuning_trials_table(study: Study, trials: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per trial of an experiment; `rank` is that in its tuning study, where default values are the first's."""
    rows = []
    for cell, points in _points(study, trials):
        places: dict[str, int] = {}
        for number in _tuning_studies(study):
            order = _ranked(_of_study(study, points, number), metric)
            places = {point.trial: rank for rank, point in enumerate(order, 1)} | places
        rows += [
            {**vars(cell), **vars(point), "values": json.dumps(point.values), "rank": places[point.trial]}
            for point in points
        ]
    return pd.DataFrame(rows)


def tuning_values_table(study: Study, trials: pd.DataFrame) -> pd.DataFrame:
    """One row per tuned hyper-parameter of an experiment whose values are chosen."""
    defaults = default_values(study)
    return pd.DataFrame([
        {
            **vars(cell),
            "hyperparameter": item.name,
            "space": item.space.text(),
            "default": str(defaults[item.name]),
            "chosen": str(point.values[item.name]),
            "edge": item.space.edge(point.values[item.name]),
        }
        for cell, points in _points(study, trials)
        for point in points
        if point.chosen
        for item in spaces_of(study, cell)
    ])  # fmt: skip


def tuning_gain_table(study: Study, trials: pd.DataFrame, runs: pd.DataFrame, score: str) -> pd.DataFrame:
    """One row per tuned experiment that was also evaluated with its default values: the difference seed by seed."""
    rows = []
    tuned = dict(by_experiment(runs[runs["status"] == "completed"]))
    for cell, found in by_experiment(trials[trials["trial"] == DEFAULT]):
        default = found[found["status"] == "completed"].set_index("seed")["test"]
        ours = tuned[cell].set_index("seed")[score] if cell in tuned else pd.Series(dtype=float)
        both = pd.DataFrame({"default": default, "tuned": ours}).dropna().astype(float)
        lost = int((found["status"] != "completed").sum())
        gain = spread((both["tuned"] - both["default"]).to_numpy(float)[None]) if len(both) else None
        means = {"default": both["default"].mean(), "tuned": both["tuned"].mean()}
        ends = {"difference": gain.mean[0], "low": gain.low[0], "high": gain.high[0]} if gain else UNKNOWN
        rows.append({**vars(cell), "runs": len(both), "default_diverged": lost, **means, **ends})
    return pd.DataFrame(rows)


def tuning_curve_table(study: Study, trials: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per experiment and number of trials: the expected scores of the best of so many, and their cost.

    Trials of the first tuning study count. One that did not complete counts as the worst that did. There are none
    where trials are halved: nobody knows what those that were left behind would have come to.
    """
    if study.tuning is None or study.tuning.halving:
        return pd.DataFrame()
    rows = []
    for cell, points in _points(study, trials):
        order = _ranked(_of_study(study, points, 1), metric)
        scored = [point for point in order if not math.isnan(point.validation)]
        if not scored or any(point.status == "missing" for point in order):
            continue
        filled = [*scored, *[scored[-1]] * (len(order) - len(scored))]
        seconds = float(np.mean([point.seconds for point in order]))
        for n in range(1, len(order) + 1):
            expected = {name: expected_best([getattr(p, name) for p in filled], n) for name in ("validation", "test")}
            rows.append({**vars(cell), "trials": n, **expected, "seconds": n * seconds})
    return pd.DataFrame(rows)


def tuning_leaders_table(tuning_curve: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per dataset, cost (`trials` or `seconds`) and stretch of it over which one experiment leads."""
    rows: list[dict[str, Any]] = []
    if tuning_curve.empty:
        return pd.DataFrame()
    for dataset, here in tuning_curve.groupby("dataset", sort=False):
        curves = {cell: rows_of for cell, rows_of in by_experiment(here)}
        if len(curves) < 2:
            continue
        for cost in ("trials", "seconds"):
            rows += [{"dataset": dataset, "cost": cost, **part} for part in _stretches(curves, cost, metric)]
    return pd.DataFrame(rows)


def tuning_sensitivity_table(study: Study, trials: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per experiment whose learning rate is tuned: how much its trials fall short of the best one."""
    rows = []
    sign = 1 if metric.higher_is_better else -1
    for cell, points in _points(study, trials):
        rates = [item for item in spaces_of(study, cell) if item.keys[-1] == LEARNING_RATE]
        scored = [point for point in _ranked(points, metric) if not math.isnan(point.validation)]
        for item in rates if scored else []:
            best, worst = scored[0].validation, scored[-1].validation
            short = [sign * (best - (worst if math.isnan(p.validation) else p.validation)) for p in points]
            quarter = [point.values[item.name] for point in scored[: max(1, math.ceil(len(points) / 4))]]
            counts = {"trials": len(points), "without_score": len(points) - len(scored)}
            good = {"good_low": min(quarter), "good_high": max(quarter)}
            name = {"hyperparameter": item.name}
            rows.append({**vars(cell), **name, **counts, "best": best, "shortfall": float(np.mean(short)), **good})
    return pd.DataFrame(rows)


def tuning_spread_table(study: Study, trials: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row per experiment and tuning study, where there are several: the trial that each would choose."""
    if study.tuning is None or study.tuning.studies == 1:
        return pd.DataFrame()
    rows = []
    for cell, points in _points(study, trials):
        for number in _tuning_studies(study):
            best = _ranked(_of_study(study, points, number), metric)[0]
            if not math.isnan(best.validation):
                found = {"trial": best.trial, "validation": best.validation, "test": best.test}
                rows.append({**vars(cell), "tuning_study": number, **found})
    return pd.DataFrame(rows)


def _points(study: Study, trials: pd.DataFrame) -> Iterator[tuple[Experiment, list[Point]]]:
    """The trials of each tuned experiment, in their order."""
    cells = dict(by_experiment(trials[trials["trial"] != DEFAULT]))
    for cell in study.cells:
        if is_tuned(study, cell) and cell in cells:
            yield cell, [_point(rows) for _, rows in cells[cell].groupby("trial", sort=False)]


def _point(rows: pd.DataFrame) -> Point:
    first, ended = rows.iloc[0], [status for status in rows["status"] if status != "completed"]
    complete = not ended and rows["validation"].notna().all()
    return Point(
        trial=str(first["trial"]),
        tuning_study=int(first["tuning_study"]),
        values=json.loads(str(first["values"])),
        status=str(ended[0]) if ended else "completed",
        until=float(rows["until"].min()),
        epochs=float(rows["epochs"].sum()),
        validation=float(rows["validation"].mean()) if complete else math.nan,
        test=float(rows["test"].mean()) if complete else math.nan,
        seconds=float(rows["seconds"].sum()),
        chosen=bool(first["chosen"]),
    )


def _tuning_studies(study: Study) -> range:
    return range(1, (study.tuning.studies if study.tuning else 0) + 1)


def _of_study(study: Study, points: list[Point], number: int) -> list[Point]:
    names = {trial.name for trial in trials_of(study, number)}
    return [point for point in points if point.trial in names]


def _ranked(points: list[Point], metric: Metric) -> list[Point]:
    """As selection ranks them: equal scores in the order of trials, who was left behind after who was not, without a
    score last."""
    sign = -1 if metric.higher_is_better else 1

    def place(point: Point) -> tuple[bool, float, float]:
        unknown = math.isnan(point.validation)
        return unknown, 0.0 if unknown else -point.until, 0.0 if unknown else sign * point.validation

    return sorted(points, key=place)


def _stretches(curves: dict[Experiment, pd.DataFrame], cost: str, metric: Metric) -> list[dict[str, Any]]:
    """From which value of a cost to which an experiment has the best expected validation score.

    Between two numbers of trials an expected score is interpolated. The comparison begins where all can afford one
    trial; an experiment that has no more trials keeps its last score.
    """
    costs = sorted({float(value) for rows in curves.values() for value in rows[cost]})
    begin = max(float(rows[cost].iloc[0]) for rows in curves.values())
    sign = 1 if metric.higher_is_better else -1
    found: list[dict[str, Any]] = []
    for value in (value for value in costs if value >= begin):
        scores = {cell: float(np.interp(value, rows[cost], rows["validation"])) for cell, rows in curves.items()}
        leader = max(scores, key=lambda cell: sign * scores[cell]).key
        if found and found[-1]["leader"] == leader:
            found[-1]["to"] = value
        else:
            found.append({"from": value, "to": value, "leader": leader})
    return found
