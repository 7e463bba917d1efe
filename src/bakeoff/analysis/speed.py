"""How soon experiments learn, and what their scores cost."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from bakeoff.results.predictions import Floats
from bakeoff.results.result import FINISHED
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric

COSTS = ("training_seconds", "parameters", "macs")
RUN = [*FACETS, "seed"]


def speed_table(runs: pd.DataFrame, history: pd.DataFrame, metric: Metric, target: float | None = None) -> pd.DataFrame:
    """One row per experiment with a completed run.

    `target` is a validation score. Left out, each dataset's target is its weakest experiment's best score: the mean
    over its runs of the best score over epochs. Medians of the time to the target count runs that do not reach it as
    later than all others. `area_under_curve` integrates by trapezoids up to the last epoch of the longest run on the
    dataset; a run that stopped early keeps its last score. `best_for_<cost>`: on the Pareto front of its dataset.

    `runs` is the summary's table; `history` has `epoch`, `validation_<metric>` and `seconds` of each epoch.
    """
    column = f"validation_{metric.name}"
    completed = runs[runs["status"] == "completed"]
    if completed.empty:
        return pd.DataFrame()
    epochs = completed[RUN].merge(history, on=RUN, how="inner").sort_values([*RUN, "epoch"], kind="stable")
    epochs["elapsed"] = epochs.groupby(RUN)["seconds"].cumsum()
    order = completed[list(FACETS)].drop_duplicates()
    best = epochs.groupby(RUN)[column].agg("max" if metric.higher_is_better else "min")
    table = order.merge(_targets(best, metric, target), on="dataset", how="left")
    ended = runs[runs["status"].isin(FINISHED)].merge(order, on=list(FACETS))
    table = table.merge(_reached(epochs, ended, table, column, metric), on=list(FACETS), how="left")
    last = epochs.groupby("dataset")["epoch"].max()
    area = epochs.groupby(RUN)[["dataset", "epoch", column]].apply(
        lambda run: _area(run["epoch"].to_numpy(), run[column].to_numpy(), last[run["dataset"].iloc[0]])
    )
    table["area_under_curve"] = _means_by_experiment(area.rename("area"), table)
    costs = completed.groupby(list(FACETS))[[f"test_{metric.name}", *COSTS]].mean()
    costs = costs.reindex(pd.MultiIndex.from_frame(table[list(FACETS)]))
    score = costs[f"test_{metric.name}"].to_numpy(float)
    useful = score if metric.higher_is_better else np.full(len(score), np.nan)
    table["score_per_second"] = _ratio(useful, costs["training_seconds"].to_numpy(float))
    table["score_per_million_parameters"] = _ratio(useful, costs["parameters"].to_numpy(float) / 1e6)
    for cost in COSTS:
        front = np.zeros(len(table), np.bool_)
        for rows in table.groupby("dataset").indices.values():
            oriented = score[rows] if metric.higher_is_better else -score[rows]
            front[rows] = pareto_front(oriented, costs[cost].to_numpy(float)[rows])
        table[f"best_for_{cost}"] = front
    return table


def pareto_front(score: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Which of E points are on the front: no other has a score as high and a cost as low, one of them better.

    Points with NaN are not.
    """
    known: NDArray[np.bool_] = ~(np.isnan(score) | np.isnan(cost))
    as_good = (score[None] >= score[:, None]) & (cost[None] <= cost[:, None])
    better = (score[None] > score[:, None]) | (cost[None] < cost[:, None])
    return known & ~(as_good & better & known[None]).any(axis=1)


def _targets(best: "pd.Series[float]", metric: Metric, target: float | None) -> pd.DataFrame:
    """The score to reach on each dataset."""
    by_experiment = best.groupby(level=list(FACETS)).mean()
    by_dataset = by_experiment.groupby(level="dataset")
    weakest = by_dataset.min() if metric.higher_is_better else by_dataset.max()
    table = weakest.rename("target").reset_index()
    return table if target is None else table.assign(target=target)


def _reached(
    epochs: pd.DataFrame, ended: pd.DataFrame, targets: pd.DataFrame, column: str, metric: Metric
) -> pd.DataFrame:
    """Runs of each experiment, how many reach the target, and the median epoch and seconds at which they do."""
    aimed = epochs.merge(targets[[*FACETS, "target"]], on=list(FACETS), how="left")
    # The weakest experiment's best is a mean: rounding must not decide whether its own runs reach it.
    short = (aimed["target"] - aimed[column]) * (1 if metric.higher_is_better else -1)
    first = aimed[short <= 1e-12].groupby(RUN)[["epoch", "elapsed"]].first()
    each = first.reindex(pd.MultiIndex.from_frame(ended[RUN])).reset_index()
    grouped = each.groupby(list(FACETS), sort=False)
    later = each.fillna({"epoch": np.inf, "elapsed": np.inf}).groupby(list(FACETS), sort=False)
    medians = later[["epoch", "elapsed"]].median().replace(np.inf, np.nan)
    table = pd.DataFrame({"runs": grouped.size(), "reached": grouped["epoch"].count()})
    table["epochs_to_target"], table["seconds_to_target"] = medians["epoch"], medians["elapsed"]
    return table.reset_index()


def _means_by_experiment(values: "pd.Series[float]", table: pd.DataFrame) -> Floats:
    """The means over runs, in the order of the table's experiments."""
    means = values.groupby(level=list(FACETS)).mean()
    return np.asarray(means.reindex(pd.MultiIndex.from_frame(table[list(FACETS)])), np.float64)


def _area(epochs: NDArray[np.int64], scores: Floats, last: int) -> float:
    """The mean height of a curve, extended to the `last` epoch at its last score: its integral by trapezoids over its
    length. A curve of one epoch has the height of its score."""
    if epochs[-1] < last:
        epochs, scores = np.append(epochs, last), np.append(scores, scores[-1])
    return float(trapezoid(scores, epochs) / (epochs[-1] - epochs[0]) if len(epochs) > 1 else scores[0])


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    return numerator / np.where(denominator > 0, denominator, np.nan)
