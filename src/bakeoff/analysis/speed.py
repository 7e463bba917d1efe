"""How soon experiments learn, and what their scores cost."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from bakeoff.results.predictions import Floats
from bakeoff.results.result import FINISHED
from bakeoff.results.significant_digits import DECIMALS
from bakeoff.results.whole_datasets import run_columns
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric

COSTS = ("training_seconds", "parameters", "macs")


def speed_table(runs: pd.DataFrame, history: pd.DataFrame, metric: Metric, target: float | None = None) -> pd.DataFrame:
    """One row per experiment with a completed run.

    `target` is a validation score. Left out, each dataset's target is its weakest experiment's best score: the mean
    over its runs of the best score over epochs. Medians of the time to the target count runs that do not reach it as
    later than all others. `area_under_curve` integrates by trapezoids up to the last epoch of the longest run on the
    dataset; a run that stopped early keeps its last score. `best_for_<cost>`: on the Pareto front of its dataset.

    `runs` is the summary's table; `history` has `epoch`, `validation_<metric>` and `seconds` of each epoch.
    """
    column, score = f"validation_{metric.name}", f"test_{metric.name}"
    sign = 1 if metric.higher_is_better else -1
    experiment, run = list(FACETS), run_columns(runs)
    completed = runs[runs["status"] == "completed"]
    if completed.empty:
        return pd.DataFrame()
    order = pd.MultiIndex.from_frame(completed[experiment].drop_duplicates())
    means = completed.groupby(experiment)[[score, *COSTS]].mean().reindex(order)
    epochs = completed[run].merge(history, on=run, how="inner").sort_values([*run, "epoch"], kind="stable")
    epochs["elapsed"] = epochs.groupby(run)["seconds"].cumsum()
    table = pd.DataFrame(index=order)
    best = epochs.groupby(run)[column].agg("max" if metric.higher_is_better else "min").groupby(experiment).mean()
    weakest = best.groupby("dataset").agg("min" if metric.higher_is_better else "max")
    table["target"] = order.get_level_values("dataset").map(weakest.to_dict()) if target is None else target
    # The weakest experiment's best is a mean: rounding must not decide whether its own runs reach it.
    reached = sign * (epochs.join(table["target"], on=experiment)["target"] - epochs[column]) <= 1e-12
    table = table.join(_times(epochs[reached], runs.loc[runs["status"].isin(FINISHED), run]))
    last = epochs.groupby("dataset")["epoch"].max()
    area = epochs.groupby(run)[["dataset", "epoch", column]].apply(
        lambda one: _area(one["epoch"].to_numpy(), one[column].to_numpy(), last[one["dataset"].iloc[0]])
    )
    table["area_under_curve"] = area.groupby(experiment).mean()
    useful = means[score] if metric.higher_is_better else np.nan
    table["score_per_second"] = useful / means["training_seconds"].where(means["training_seconds"] > 0)
    table["score_per_million_parameters"] = useful / (means["parameters"] / 1e6).where(means["parameters"] > 0)
    for cost in COSTS:
        fronts = [
            pd.Series(
                pareto_front(sign * here[score].round(DECIMALS).to_numpy(), here[cost].to_numpy(float)), here.index
            )
            for _, here in means.groupby("dataset")
        ]
        table[f"best_for_{cost}"] = pd.concat(fronts)
    return table.reset_index()


def pareto_front(score: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Which of E points are on the front: no other has a score as high and a cost as low, one of them better.

    Points with NaN are not.
    """
    known: NDArray[np.bool_] = ~(np.isnan(score) | np.isnan(cost))
    as_good = (score[None] >= score[:, None]) & (cost[None] <= cost[:, None])
    better = (score[None] > score[:, None]) | (cost[None] < cost[:, None])
    return known & ~(as_good & better & known[None]).any(axis=1)


def _times(reached: pd.DataFrame, ended: pd.DataFrame) -> pd.DataFrame:
    """Of each experiment: the runs that ended, how many reach the target, and the median epoch and seconds of it.

    `reached` has the epochs that are at the target or beyond.
    """
    run = run_columns(ended)
    first = reached.groupby(run)[["epoch", "elapsed"]].first()
    each = ended.join(first, on=run).groupby(list(FACETS))["epoch"].agg(runs="size", reached="count")
    later = ended.join(first, on=run).fillna({"epoch": np.inf, "elapsed": np.inf}).groupby(list(FACETS))
    medians = later[["epoch", "elapsed"]].median().replace(np.inf, np.nan)
    return each.assign(epochs_to_target=medians["epoch"], seconds_to_target=medians["elapsed"])


def _area(epochs: NDArray[np.int64], scores: Floats, last: int) -> float:
    """The mean height of a curve, extended to the `last` epoch at its last score: its integral by trapezoids over its
    length. A curve of one epoch has the height of its score."""
    if epochs[-1] < last:
        epochs, scores = np.append(epochs, last), np.append(scores, scores[-1])
    return float(trapezoid(scores, epochs) / (epochs[-1] - epochs[0]) if len(epochs) > 1 else scores[0])
