"""Several datasets: ranks, the Friedman test, Nemenyi's critical distance, performance profiles.

Demšar (2006), "Statistical comparisons of classifiers over multiple data sets". The datasets are the sample here, so
that conclusions are about other datasets of their kind. A configuration is an architecture with an optimizer and a
recipe; it takes part if it has a score on every dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from bakeoff.analysis.paired import LEVEL
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.results.predictions import Floats
from bakeoff.results.significant_digits import DECIMALS
from bakeoff.study.metrics import Metric

FEW_DATASETS = 10  # up to this many, the approximations behind the tests are rough (Demšar 2006, section 3.2.2)
SHUFFLES = 9_999
SHUFFLING_SEED = 0
MOST_CONFIGURATIONS = 100  # for which Nemenyi's p-values are computed pair by pair


@dataclass(frozen=True)
class Friedman:
    """The tests of whether k configurations differ over N datasets, from their ranks.

    `statistic` is χ²_F of Friedman (1937) and `f_statistic` its better version by Iman and Davenport (1980), both
    without correction for ties, as Demšar gives them. `p_value` is that of the statistic among 9,999 random shuffles of
    the ranks within datasets. Unlike both distributions, it also holds for few datasets.
    """

    datasets: int
    configurations: int
    statistic: float
    f_statistic: float
    p_value: float
    critical_difference: float
    datasets_needed: int
    warning: str


def average_ranks(scores: Floats, higher_is_better: bool) -> Floats:
    """Ranks [N, k] of scores [N, k] within each dataset: 1 is best, equal scores share the mean of their ranks."""
    from scipy.stats import rankdata  # a second to import: figures and reports do without

    rounded = np.round(scores, DECIMALS)
    return rankdata(-rounded if higher_is_better else rounded, axis=1, method="average")


def friedman(ranks: Floats) -> Friedman:
    """Test whether the average ranks of [N, k] differ by more than chance.

    `datasets_needed` is the smallest N with which Nemenyi's test can tell a configuration that is always first from one
    that is always last. `warning` is "no_power" with fewer datasets, "few_datasets" with up to 10, else empty.
    """
    datasets, count = ranks.shape
    statistic = friedman_statistic(ranks)
    most = datasets * (count - 1)
    f_statistic = (datasets - 1) * statistic / (most - statistic) if statistic < most * (1 - 1e-12) else np.inf
    draw = np.random.default_rng(SHUFFLING_SEED)
    sizes = np.diff([*range(0, SHUFFLES, max(1, 5_000_000 // ranks.size)), SHUFFLES])  # of batches that fit in memory
    batches = (draw.permuted(np.broadcast_to(ranks, (size, *ranks.shape)), axis=2) for size in sizes)
    reached = sum(int((friedman_statistic(batch) >= statistic - 1e-9).sum()) for batch in batches)
    needed = int(np.ceil((critical_difference(count, 1) / (count - 1)) ** 2 - 1e-9))
    warning = "no_power" if datasets < needed else "few_datasets" if datasets <= FEW_DATASETS else ""
    return Friedman(
        datasets, count, float(statistic), float(f_statistic), (reached + 1) / (SHUFFLES + 1),
        critical_difference(count, datasets), needed, warning,
    )  # fmt: skip


def friedman_statistic(ranks: Floats) -> Floats:
    """χ²_F = 12 N / (k (k+1)) · (Σ R² - k (k+1)² / 4), with the average ranks R of [..., N, k]."""
    datasets, count = ranks.shape[-2:]
    average = ranks.mean(axis=-2)
    return 12 * datasets / (count * (count + 1)) * ((average**2).sum(axis=-1) - count * (count + 1) ** 2 / 4)


def critical_difference(configurations: int, datasets: int) -> float:
    """Nemenyi's: q √(k (k+1) / 6N), with q the studentized range's 95 % quantile for k and ∞, divided by √2."""
    from scipy.stats import studentized_range  # a second to import: figures and reports do without

    quantile = studentized_range.ppf(1 - LEVEL, configurations, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(configurations * (configurations + 1) / (6 * datasets)))


def groups(average: Floats, distance: float) -> list[list[int]]:
    """Configurations, by average rank [k], of which no two differ by the distance: the bars of a diagram.

    No group lies within another. A configuration that differs from all others is in no group.
    """
    order = np.argsort(average, kind="stable")
    ends = np.searchsorted(average[order], average[order] + distance)
    found = [(start, end) for start, end in enumerate(ends) if end - start > 1]
    longest = [found[0]] if found else []
    longest += [later for earlier, later in pairwise(found) if later[1] > earlier[1]]
    return [[int(index) for index in order[start:end]] for start, end in longest]


def ranks_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """One row per configuration and dataset, then its average over the datasets (dataset ""): mean score and rank."""
    scores, ranks = complete(matrices, metric)
    parts = [
        pd.DataFrame({
            "configuration": name,
            "dataset": [*scores.index, ALL_DATASETS],
            "score": [*scores[name], scores[name].mean()],
            "rank": [*ranks[name], ranks[name].mean()],
        })
        for name in scores
    ]  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()


def rank_test_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """One row with the fields of `Friedman`; none with fewer than two datasets or complete configurations."""
    _, ranks = complete(matrices, metric)
    return pd.DataFrame([] if ranks.empty else [vars(friedman(ranks.to_numpy()))])


def rank_pairs_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """One row per pair: difference of average ranks (b - a), Nemenyi's p-value, whether they differ.

    No rows for more than 100 configurations.
    """
    _, ranks = complete(matrices, metric)
    if ranks.empty or len(ranks.columns) > MOST_CONFIGURATIONS:
        return pd.DataFrame()
    from scikit_posthocs import posthoc_nemenyi_friedman  # takes a second to import, and few studies need it

    earlier, later = np.triu_indices(len(ranks.columns), 1)
    p_values = posthoc_nemenyi_friedman(ranks.to_numpy()).to_numpy()[earlier, later]
    names, average = ranks.columns, ranks.to_numpy().mean(axis=0)
    difference = average[later] - average[earlier]
    table = pd.DataFrame({"a": names[earlier], "b": names[later], "difference": difference, "p_value": p_values})
    return table.assign(distinguishable=p_values <= LEVEL)


def rank_groups_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """The bars of a critical-difference diagram: one row per group and configuration in it."""
    _, ranks = complete(matrices, metric)
    if ranks.empty:
        return pd.DataFrame()
    found = groups(ranks.to_numpy().mean(axis=0), critical_difference(len(ranks.columns), len(ranks)))
    rows = [(number, ranks.columns[index]) for number, members in enumerate(found, 1) for index in members]
    return pd.DataFrame(rows, columns=["group", "configuration"])


def profiles_table(matrices: list[ScoreMatrix], metric: Metric, failed: Mapping[str, int]) -> pd.DataFrame:
    """Steps of two performance profiles of each configuration: the `share` that reaches `tau`.

    kind "ratio": the share of datasets on which the score is within a factor tau ≥ 1 of the best configuration's
    (Dolan & Moré 2002, "Benchmarking optimization software with performance profiles"). kind "score": the share of runs
    with a score of tau or better, each dataset counting the same (Agarwal et al. 2021, "Deep reinforcement learning at
    the edge of the statistical precipice"). The share is constant between steps. `failed` counts the runs of an
    experiment, by its key, that diverged or ran out of memory: they reach no score.
    """
    scores, _ = complete(matrices, metric)
    if scores.empty:
        return pd.DataFrame()
    means = scores.to_numpy()
    best = (means.max(axis=1) if metric.higher_is_better else means.min(axis=1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(means == best, 1.0, best / means if metric.higher_is_better else means / best)
    by_key = {key: matrix.runs_of(key) for matrix in matrices for key in matrix.names}
    parts = []
    for index, name in enumerate(scores):
        tau, share = _steps(ratios[:, index], np.full(len(ratios), 1 / len(ratios)), rising=True)
        parts.append(pd.DataFrame({"kind": "ratio", "configuration": name, "tau": tau, "share": share}))
        runs = {key: by_key[key] for key in (f"{dataset}/{name}" for dataset in scores.index)}
        ended = [len(row) + failed.get(key, 0) for key, row in runs.items()]
        weights = np.repeat([1 / count / len(runs) for count in ended], [len(row) for row in runs.values()])
        tau, share = _steps(np.concatenate(list(runs.values())), weights, rising=not metric.higher_is_better)
        parts.append(pd.DataFrame({"kind": "score", "configuration": name, "tau": tau, "share": share}))
    return pd.concat(parts).sort_values("kind", kind="stable").reset_index(drop=True)


def complete(matrices: list[ScoreMatrix], metric: Metric) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean scores and ranks [datasets, configurations] of the configurations with a score on every dataset.

    Both are empty with fewer than two datasets or configurations.
    """
    means = {
        matrix.dataset: {
            name.removeprefix(f"{matrix.dataset}/"): float(np.nanmean(row))
            for name, row in matrix.by_name.items()
            if not np.isnan(row).all()
        }
        for matrix in matrices
        if matrix.dataset != ALL_DATASETS
    }
    scores = pd.DataFrame(means).dropna().T
    if min(scores.shape) < 2:
        return pd.DataFrame(), pd.DataFrame()
    ranks = average_ranks(scores.to_numpy(), metric.higher_is_better)
    return scores, pd.DataFrame(ranks, scores.index, scores.columns)


def _steps(values: Floats, weights: Floats, rising: bool) -> tuple[Floats, Floats]:
    """Where the share of values up to tau (rising), or from tau on, changes, and what it is there; finite tau only."""
    distinct, positions = np.unique(np.round(values, DECIMALS), return_inverse=True)
    each = np.bincount(positions.reshape(-1), weights)
    share = each.cumsum() if rising else each[::-1].cumsum()[::-1]
    finite = np.isfinite(distinct)
    return distinct[finite], np.minimum(1.0, share[finite])
