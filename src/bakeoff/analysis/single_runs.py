"""Two trained models compared over the test images: what one run of each can say.

The comparison is about these two sets of weights, not about the choices that made them (Dietterich 1998, "Approximate
statistical tests for comparing supervised classification learning algorithms"): another seed may say otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import TWO_SIDED
from bakeoff.analysis.paired import holm
from bakeoff.analysis.score_matrices import ALL_DATASETS
from bakeoff.results.predictions import Bools, Floats


@dataclass(frozen=True)
class SingleRun:
    """One run on N test images: its score, their influences on it [N], and for multi-class data which it has right."""

    seed: int
    score: float
    influence: Floats | None
    correct: Bools | None


def single_runs_table(comparisons: pd.DataFrame, single_runs: Mapping[str, SingleRun]) -> pd.DataFrame:
    """One row per listed pair of experiments on a dataset that both have a single run, which are of the same seed."""
    listed = comparisons[comparisons["dataset"] != ALL_DATASETS]
    pairs = [
        (a, b, single_runs[a], single_runs[b])
        for a, b in zip(listed["a"], listed["b"], strict=True)
        if a in single_runs and b in single_runs
    ]
    on_datasets = Counter(key.partition("/")[0] for key in single_runs).values()
    return compare_runs(pairs, sum(count * (count - 1) // 2 for count in on_datasets))


def compare_runs(pairs: Sequence[tuple[str, str, SingleRun, SingleRun]], comparisons: int) -> pd.DataFrame:
    """One row per pair, by the names of a and b: McNemar's exact test, and the difference of their scores with its 95 %
    interval over test images (by the infinitesimal jackknife, see test_set_error.py).

    `p_holm` corrects for `comparisons` pairs, listed or not. For multi-label data there is no McNemar's test.
    """
    rows = [_row(*pair) for pair in pairs]
    columns = ["a", "b", "seed", "difference", "low", "high", "only_a", "only_b", "p_value"]
    table = pd.DataFrame(rows, columns=columns).astype({"only_a": "Int64", "only_b": "Int64"})
    # Pairs that are not listed count as tests that found nothing.
    unlisted = np.ones(max(0, comparisons - len(table)))
    corrected, _ = holm(np.concatenate([table["p_value"].to_numpy(float), unlisted])[None])
    return table.assign(p_holm=corrected[0, : len(table)])


def mcnemar(first: Bools, second: Bools) -> tuple[int, int, float]:
    """Images [N] that the first alone has right, the second alone, and McNemar's exact two-sided p-value."""
    from scipy.stats import binomtest  # a second to import: figures and reports do without

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_first + only_second
    return only_first, only_second, float(binomtest(only_first, differing).pvalue) if differing else 1.0


def _row(a: str, b: str, first: SingleRun, second: SingleRun) -> list[object]:
    difference = first.score - second.score
    error = np.nan
    if first.influence is not None and second.influence is not None:
        error = float(np.linalg.norm(first.influence - second.influence))
    row: list[object] = [a, b, first.seed, difference, difference - TWO_SIDED * error, difference + TWO_SIDED * error]
    if first.correct is None or second.correct is None:
        return [*row, None, None, np.nan]
    return [*row, *mcnemar(first.correct, second.correct)]
