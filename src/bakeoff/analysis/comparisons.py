"""Every two experiments of a study compared over their seeds.

**The family.** One per study: every pair of experiments on the same dataset and, where there are several datasets,
every pair of configurations (architecture, optimizer, recipe) by their mean over the datasets, seed by seed. P-values
are corrected for all that are tested, listed or not: which experiment is best is known from the same scores, so that
comparing the others with it alone is no smaller family. In a study without any difference the
chance of even one "better" or "worse" is at most 5 %. The tests and the rule stand in paired.py.

A comparison over seeds is about these test images (and these datasets); what other images of their kind would make of
it is the interval `images_low`, `images_high`, and what other datasets would, stands in ranks.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.paired import LEVEL, Verdict, effect_size, judge, probability_of_better, seeds_needed, smallest_p
from bakeoff.analysis.places import DECIMALS
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

ALL_PAIRS = 12  # experiments on a dataset up to which every pair is listed: 66 rows
TWO_SIDED = 1.959963984540054  # the normal distribution's 97.5 % quantile
ALL_DATASETS = ""  # in tables, in place of a dataset


@dataclass(frozen=True)
class Scope:
    """What is compared with each other: E experiments on a dataset, or configurations by their mean over all.

    `names` are experiments' keys, without the dataset for configurations; `scores` [E, S], NaN where a seed has none.
    """

    dataset: str
    names: list[str]
    scores: Floats


def comparisons_table(runs: "pd.DataFrame", metric: Metric, influences: Mapping[str, Floats]) -> "pd.DataFrame":
    """One row per pair: `a` stands later in the study than `b`, differences are a - b.

    Listed are all pairs up to 12 experiments on a dataset; with more, those that follow each other (`neighbours`) and
    those with the best (`with_best`). `seeds` have both, `unpaired` only one or none. `verdict` and `probability` (that
    a seed of a beats it of b) mean better, `difference` and `effect_size` mean higher. `p_value` is the paired
    t-test's and `p_holm` corrected, `p_sign_flip` the permutation test's, left empty where so few seeds cannot reach
    5 %: `smallest_p_sign_flip` says what they can. `seeds_needed` is for what is not distinguishable.

    `influences` are those of the test images on each experiment's mean score [N]: they give `test_set_error` of the
    difference, and the interval of the difference on other images of the kind, with these seeds.
    """
    import pandas as pd

    parts = scopes(runs, f"test_{metric.name}")
    pairs = [_pairs(scope, metric) for scope in parts]
    columns = _columns()
    if not any(len(first) for first, _, _ in pairs):
        return pd.DataFrame(columns=columns)
    sign = 1.0 if metric.higher_is_better else -1.0
    differences = np.concatenate(
        [sign * (scope.scores[a] - scope.scores[b]) for scope, (a, b, _) in zip(parts, pairs, strict=True)]
    )
    listed = np.flatnonzero(np.concatenate([shown for _, _, shown in pairs]))
    table = pd.DataFrame(
        _names(parts, pairs, metric) | _means(parts, pairs) | _judged(differences, listed, metric.higher_is_better)
    )
    listed_pairs = zip(table["dataset"], table["a"], table["b"], strict=True)
    errors = np.array([_test_set_error(str(dataset), str(a), str(b), influences) for dataset, a, b in listed_pairs])
    table["test_set_error"] = errors
    table["images_low"] = table["difference"] - TWO_SIDED * errors
    table["images_high"] = table["difference"] + TWO_SIDED * errors
    return table[columns].astype({"seeds_needed": "Int64"})


def scopes(runs: "pd.DataFrame", column: str) -> list[Scope]:
    """What a study compares, from the summary's table of runs: each dataset, and their mean where there are several."""
    import pandas as pd

    scores = runs[column].where(runs["status"] == "completed").astype(float)
    index = pd.MultiIndex.from_frame(runs[[*FACETS, "seed"]])
    order = pd.MultiIndex.from_frame(runs[list(FACETS)].drop_duplicates())
    wide = pd.Series(scores.to_numpy(), index=index).unstack().reindex(index=order, columns=runs["seed"].unique())
    by_dataset = {str(name): part.droplevel(0) for name, part in wide.groupby(level=0, sort=False)}
    found = [
        Scope(name, ["/".join((name, *key)) for key in part.index], part.to_numpy())
        for name, part in by_dataset.items()
    ]
    if len(by_dataset) > 1:
        configurations = list(dict.fromkeys(key for part in by_dataset.values() for key in part.index))
        stacked = np.stack([part.reindex(configurations).to_numpy() for part in by_dataset.values()])
        found.append(Scope(ALL_DATASETS, ["/".join(key) for key in configurations], stacked.mean(axis=0)))
    return found


def _pairs(scope: Scope, metric: Metric) -> "tuple[Indices, Indices, NDArray[np.bool_]]":
    """The later and the earlier of all pairs of a scope, and whether they are listed."""
    count = len(scope.names)
    earlier, later = np.triu_indices(count, 1)
    if count <= ALL_PAIRS:
        return later, earlier, np.ones(len(later), np.bool_)
    best = _best(scope, metric)
    return later, earlier, (later - earlier == 1) | (later == best) | (earlier == best)


def _best(scope: Scope, metric: Metric) -> int:
    """The experiment with the best mean; -1 where none has a score."""
    means = np.round(spread(scope.scores).mean, DECIMALS)
    if np.isnan(means).all():
        return -1
    return int(np.nanargmax(means) if metric.higher_is_better else np.nanargmin(means))


def _names(
    parts: list[Scope], pairs: "list[tuple[Indices, Indices, NDArray[np.bool_]]]", metric: Metric
) -> dict[str, list[object]]:
    """The columns that say what the listed pairs are."""
    columns: dict[str, list[object]] = {name: [] for name in ("dataset", "a", "b", "neighbours", "with_best")}
    for scope, (later, earlier, shown) in zip(parts, pairs, strict=True):
        best = _best(scope, metric)
        for a, b in zip(later[shown], earlier[shown], strict=True):
            row = (scope.dataset, scope.names[a], scope.names[b], a - b == 1, best in (a, b))
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    return columns


def _means(parts: list[Scope], pairs: "list[tuple[Indices, Indices, NDArray[np.bool_]]]") -> dict[str, Floats]:
    """The mean scores of both, each over all seeds that it has."""
    means = [spread(scope.scores).mean for scope in parts]
    return {
        f"mean_{name}": np.concatenate([mean[pair[side][pair[2]]] for mean, pair in zip(means, pairs, strict=True)])
        for side, name in enumerate("ab")
    }


def _judged(differences: Floats, listed: Indices, higher_is_better: bool) -> dict[str, object]:
    """The columns that follow from differences [P, S], positive where a is better, of the listed pairs."""
    tests = judge(differences, rows=listed)
    found, sign = tests.spread, 1.0 if higher_is_better else -1.0
    low, high = (found.low, found.high) if higher_is_better else (-found.high, -found.low)
    probability, probability_low, probability_high = probability_of_better(differences[listed])
    smallest = smallest_p(found.count)
    unclear = np.array([verdict is Verdict.NOT_DISTINGUISHABLE for verdict in tests.verdicts])
    return {
        "seeds": found.count,
        "unpaired": differences.shape[1] - found.count,
        "difference": sign * found.mean,
        "low": low,
        "high": high,
        "std": found.deviation,
        "effect_size": sign * effect_size(found),
        "probability": probability,
        "probability_low": probability_low,
        "probability_high": probability_high,
        "comparisons": tests.count,
        "p_value": tests.p_values,
        "p_holm": tests.p_holm,
        "p_sign_flip": np.where((smallest <= LEVEL) & ~np.isnan(tests.p_values), tests.p_sign_flip, np.nan),
        "smallest_p_sign_flip": smallest,
        "verdict": [str(verdict) for verdict in tests.verdicts],
        "seeds_needed": np.where(unclear, seeds_needed(found, tests.level), np.nan),
    }


def _test_set_error(dataset: str, a: str, b: str, influences: Mapping[str, Floats]) -> float:
    """The standard error of a difference of mean scores over test images; of several datasets, of their mean."""
    if dataset != ALL_DATASETS:
        both = influences.get(a), influences.get(b)
        return np.nan if both[0] is None or both[1] is None else float(np.linalg.norm(both[0] - both[1]))
    datasets = sorted({key.partition("/")[0] for key in influences})
    errors = [_test_set_error(name, f"{name}/{a}", f"{name}/{b}", influences) for name in datasets]
    return float(np.linalg.norm(errors)) / len(datasets) if datasets else np.nan


def _columns() -> list[str]:
    return [
        *("dataset", "a", "b", "neighbours", "with_best", "seeds", "unpaired", "mean_a", "mean_b"),
        *("difference", "low", "high", "std", "effect_size"),
        *("probability", "probability_low", "probability_high"),
        *("comparisons", "p_value", "p_holm", "p_sign_flip", "smallest_p_sign_flip", "verdict", "seeds_needed"),
        *("test_set_error", "images_low", "images_high"),
    ]
