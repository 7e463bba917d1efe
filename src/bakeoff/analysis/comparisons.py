"""Every two experiments of a study compared over their seeds.

**The family.** There is one per study: every pair of experiments on the same dataset and, where there are several
datasets, every pair of configurations (architecture, optimizer, recipe) by their mean over the datasets, seed by seed.
P-values are corrected for all pairs that are tested, listed or not. Listing fewer would not make the family smaller:
the experiment that the others are compared with was found to be the best on the same scores. In a study without any
difference, the chance of even one "better" or "worse" is at most 5 %. The tests and the rule stand in paired.py.

A comparison over seeds is about these test images and these datasets. The interval `images_low`, `images_high` says
how the difference could turn out on other images of the kind; ranks.py is about other datasets.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import Indices, spread
from bakeoff.analysis.paired import LEVEL, Verdict, effect_size, judge, probability_of_better, seeds_needed, smallest_p
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.results.digits import rounded
from bakeoff.results.predictions import Bools, Floats
from bakeoff.study.metrics import Metric

ALL_PAIRS = 12  # experiments on a dataset up to which every pair is listed: 66 rows
TWO_SIDED = 1.959963984540054  # the normal distribution's 97.5 % quantile


def comparisons_table(matrices: list[ScoreMatrix], metric: Metric, influences: Mapping[str, Floats]) -> pd.DataFrame:
    """One row per pair: `a` stands later in the study than `b`, differences are a - b.

    Up to 12 experiments on a dataset, all pairs are listed. With more, these are the experiments that follow each other
    (`neighbours`) and the pairs with the best (`with_best`). `verdict` and `probability` are about better,
    `difference` and `effect_size` about higher.

    `influences` are those of the test images on each experiment's mean score [N]. They give `test_set_error` of the
    difference, and its interval on other images of the kind, with these seeds.
    """
    differences, listed, tables = zip(*(_pairs(matrix, metric) for matrix in matrices), strict=True)
    if not sum(map(len, differences)):
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    table = table.join(compare_seeds(np.concatenate(differences), metric, np.flatnonzero(np.concatenate(listed))))
    pairs = zip(table["dataset"], table["a"], table["b"], strict=True)
    errors = np.array([_test_set_error(str(dataset), str(a), str(b), influences) for dataset, a, b in pairs])
    table["test_set_error"] = errors
    table["images_low"] = table["difference"] - TWO_SIDED * errors
    table["images_high"] = table["difference"] + TWO_SIDED * errors
    return table


def compare_seeds(differences: Floats, metric: Metric, rows: Indices | slice = slice(None)) -> pd.DataFrame:
    """The comparison over seeds of P pairs, from differences of scores a - b [P, S], NaN where either has none.

    P-values are corrected for all pairs. The table has those of `rows`, or all, with the columns of the table
    "comparisons" from `seeds` to `seeds_needed`.
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    oriented = sign * differences
    judged = judge(oriented, rows=rows)
    found = judged.spread
    low, high = (found.low, found.high) if metric.higher_is_better else (-found.high, -found.low)
    probability, probability_low, probability_high = probability_of_better(oriented[rows])
    smallest = smallest_p(found.count)
    unclear = np.array([verdict is Verdict.NOT_DISTINGUISHABLE for verdict in judged.verdicts])
    table = pd.DataFrame({
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
        "comparisons": judged.count,
        "p_value": judged.p_values,
        "p_holm": judged.p_holm,
        "p_sign_flip": np.where((smallest <= LEVEL) & ~np.isnan(judged.p_values), judged.p_sign_flip, np.nan),
        "smallest_p_sign_flip": smallest,
        "verdict": [str(verdict) for verdict in judged.verdicts],
        "seeds_needed": np.where(unclear, seeds_needed(found, judged.level), np.nan),
    })  # fmt: skip
    return table.astype({"seeds_needed": "Int64"})


def _pairs(matrix: ScoreMatrix, metric: Metric) -> tuple[Floats, Bools, pd.DataFrame]:
    """Of all P pairs of a matrix: differences [P, S], whether each is listed [P], names and means of the listed."""
    earlier, later = np.triu_indices(len(matrix.names), 1)
    means = spread(matrix.scores).mean
    # As they are written, so that the best here is the best of a report.
    written = np.array([rounded(mean) for mean in means])
    oriented = written if metric.higher_is_better else -written
    best = -1 if np.isnan(oriented).all() else np.nanargmax(oriented)
    neighbours, with_best = later - earlier == 1, (later == best) | (earlier == best)
    listed = neighbours | with_best | (len(matrix.names) <= ALL_PAIRS)
    names = np.array(matrix.names, dtype=object)
    table = pd.DataFrame({
        "dataset": matrix.dataset,
        "a": names[later[listed]],
        "b": names[earlier[listed]],
        "neighbours": neighbours[listed],
        "with_best": with_best[listed],
        "mean_a": means[later[listed]],
        "mean_b": means[earlier[listed]],
    })  # fmt: skip
    return matrix.scores[later] - matrix.scores[earlier], listed, table


def _test_set_error(dataset: str, a: str, b: str, influences: Mapping[str, Floats]) -> float:
    """The standard error of a difference of mean scores over test images; of several datasets, of their mean."""
    if dataset != ALL_DATASETS:
        both = influences.get(a), influences.get(b)
        return np.nan if both[0] is None or both[1] is None else float(np.linalg.norm(both[0] - both[1]))
    datasets = sorted({key.partition("/")[0] for key in influences})
    errors = [_test_set_error(name, f"{name}/{a}", f"{name}/{b}", influences) for name in datasets]
    return float(np.linalg.norm(errors)) / len(datasets) if datasets else np.nan
