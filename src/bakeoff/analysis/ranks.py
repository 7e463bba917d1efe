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
from scipy.stats import rankdata, studentized_range

from bakeoff.analysis.paired import LEVEL
from bakeoff.analysis.ranking import DECIMALS
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.results.predictions import Floats
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
    shuffled = np.random.default_rng(SHUFFLING_SEED)
    batches = (shuffled.permuted(np.broadcast_to(ranks, (size, *ranks.shape)), axis=2) for size in _batches(ranks.size))
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
    names, datasets, scores = complete(matrices)
    if not names:
        return pd.DataFrame()
    ranks = average_ranks(scores, metric.higher_is_better)
    rows = [
        (name, dataset, score, rank)
        for index, name in enumerate(names)
        for dataset, score, rank in zip(
            [*datasets, ALL_DATASETS],
            [*scores[:, index], scores[:, index].mean()],
            [*ranks[:, index], ranks[:, index].mean()],
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["configuration", "dataset", "score", "rank"])


def rank_test_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """One row with the fields of `Friedman`; none with fewer than two datasets or complete configurations."""
    names, _, scores = complete(matrices)
    return pd.DataFrame([vars(friedman(average_ranks(scores, metric.higher_is_better)))] if names else [])


def rank_pairs_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """One row per pair: difference of average ranks (b - a), Nemenyi's p-value, whether they differ.

    No rows for more than 100 configurations.
    """
    names, _, scores = complete(matrices)
    if not names or len(names) > MOST_CONFIGURATIONS:
        return pd.DataFrame()
    from scikit_posthocs import posthoc_nemenyi_friedman  # takes a second to import, and few studies need it

    ranks = average_ranks(scores, metric.higher_is_better)
    p_values = posthoc_nemenyi_friedman(ranks).to_numpy()
    earlier, later = np.triu_indices(len(names), 1)
    average = ranks.mean(axis=0)
    return pd.DataFrame(
        {
            "a": np.array(names)[earlier],
            "b": np.array(names)[later],
            "difference": average[later] - average[earlier],
            "p_value": p_values[earlier, later],
            "distinguishable": p_values[earlier, later] <= LEVEL,
        }
    )


def rank_groups_table(matrices: list[ScoreMatrix], metric: Metric) -> pd.DataFrame:
    """The bars of a critical-difference diagram: one row per group and configuration in it."""
    names, _, scores = complete(matrices)
    rows: list[tuple[int, str]] = []
    if names:
        average = average_ranks(scores, metric.higher_is_better).mean(axis=0)
        found = groups(average, critical_difference(len(names), len(scores)))
        rows = [(number, names[index]) for number, members in enumerate(found, 1) for index in members]
    return pd.DataFrame(rows, columns=["group", "configuration"])


def profiles_table(matrices: list[ScoreMatrix], metric: Metric, failed: Mapping[str, int]) -> pd.DataFrame:
    """Steps of two performance profiles of each configuration: the `share` that reaches `tau`.

    kind "ratio": the share of datasets on which the score is within a factor tau ≥ 1 of the best configuration's
    (Dolan & Moré 2002, "Benchmarking optimization software with performance profiles"). kind "score": the share of runs
    with a score of tau or better, each dataset counting the same (Agarwal et al. 2021, "Deep reinforcement learning at
    the edge of the statistical precipice"). The share is constant between steps. `failed` counts the runs of an
    experiment, by its key, that diverged or ran out of memory: they reach no score.
    """
    names, datasets, means = complete(matrices)
    if not names:
        return pd.DataFrame()
    best = (means.max(axis=1) if metric.higher_is_better else means.min(axis=1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(means == best, 1.0, best / means if metric.higher_is_better else means / best)
    parts = []
    for index, name in enumerate(names):
        tau, share = _steps(ratios[:, index], np.full(len(ratios), 1 / len(ratios)), rising=True)
        parts.append(pd.DataFrame({"kind": "ratio", "configuration": name, "tau": tau, "share": share}))
        runs = [row[~np.isnan(row)] for row in _scores_of(matrices, name)]
        ended = [len(row) + failed.get(f"{dataset}/{name}", 0) for row, dataset in zip(runs, datasets, strict=True)]
        weights = np.concatenate(
            [np.full(len(row), 1 / count / len(runs)) for row, count in zip(runs, ended, strict=True)]
        )
        tau, share = _steps(np.concatenate(runs), weights, rising=not metric.higher_is_better)
        parts.append(pd.DataFrame({"kind": "score", "configuration": name, "tau": tau, "share": share}))
    return pd.concat(parts).sort_values("kind", kind="stable").reset_index(drop=True)


def complete(matrices: list[ScoreMatrix]) -> tuple[list[str], list[str], Floats]:
    """Configurations with a score on every dataset, the datasets, and mean scores [datasets, configurations].

    All are empty with fewer than two of either.
    """
    means = [_mean_scores(matrix) for matrix in matrices if matrix.dataset != ALL_DATASETS]
    datasets = [matrix.dataset for matrix in matrices if matrix.dataset != ALL_DATASETS]
    names = [name for name in dict.fromkeys(name for part in means for name in part) if all(name in p for p in means)]
    if len(datasets) < 2 or len(names) < 2:
        return [], [], np.empty((0, 0))
    return names, datasets, np.array([[part[name] for name in names] for part in means])


def _mean_scores(matrix: ScoreMatrix) -> Mapping[str, float]:
    """The mean over seeds of each configuration that has a score."""
    return {
        name.removeprefix(f"{matrix.dataset}/"): float(np.nanmean(row))
        for name, row in zip(matrix.names, matrix.scores, strict=True)
        if not np.isnan(row).all()
    }


def _scores_of(matrices: list[ScoreMatrix], configuration: str) -> list[Floats]:
    """The scores over seeds of a configuration, of each dataset."""
    parts = [matrix for matrix in matrices if matrix.dataset != ALL_DATASETS]
    return [matrix.scores[matrix.names.index(f"{matrix.dataset}/{configuration}")] for matrix in parts]


def _steps(values: Floats, weights: Floats, rising: bool) -> tuple[Floats, Floats]:
    """Where the share of values up to tau (rising), or from tau on, changes, and what it is there; finite tau only."""
    distinct, positions = np.unique(values, return_inverse=True)
    each = np.bincount(positions.reshape(-1), weights)
    share = each.cumsum() if rising else each[::-1].cumsum()[::-1]
    finite = np.isfinite(distinct)
    return distinct[finite], np.minimum(1.0, share[finite])


def _batches(size: int) -> list[int]:
    """How many shuffles of `size` ranks to make at a time."""
    step = max(1, min(SHUFFLES, 5_000_000 // size))
    return [min(step, SHUFFLES - start) for start in range(0, SHUFFLES, step)]
