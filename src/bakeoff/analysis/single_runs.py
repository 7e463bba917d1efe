"""Two trained models compared over the test images: what one run each can say.

It is about these two sets of weights, not about the choices that made them (Dietterich 1998, "Approximate statistical
tests for comparing supervised classification learning algorithms"): another seed may say another thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bakeoff.analysis.comparisons import TWO_SIDED
from bakeoff.analysis.paired import holm
from bakeoff.results.predictions import Bools, Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SingleRun:
    """One run on N test images: its score, their influences on it [N], and for multi-class data which it has right."""

    seed: int
    score: float
    influence: Floats | None
    correct: Bools | None


def single_runs_table(
    pairs: Sequence[tuple[str, str]], runs: Mapping[str, SingleRun], comparisons: int
) -> "pd.DataFrame":
    """One row per pair of experiments, `runs` being those of one seed: McNemar's exact test, and the difference of
    their scores with its 95 % interval over test images (the infinitesimal jackknife's, test_set_error.py).

    `only_a` and `only_b` count the images that one alone has right. `p_holm` corrects for `comparisons`, of which the
    listed ones are the interesting; for multi-label data there is no McNemar.
    """
    import pandas as pd

    rows = [_row(a, b, runs[a], runs[b]) for a, b in pairs if a in runs and b in runs]
    columns = ["a", "b", "seed", "difference", "low", "high", "only_a", "only_b", "p_value"]
    table = pd.DataFrame(rows, columns=columns).astype({"only_a": "Int64", "only_b": "Int64"})
    values = table["p_value"].to_numpy(float)
    # Pairs that are not listed count as tests that found nothing.
    unlisted = max(0, comparisons - len(values))
    table["p_holm"] = holm(np.concatenate([values, np.ones(unlisted)])[None])[0][0, : len(values)]
    return table


def mcnemar(first: Bools, second: Bools) -> tuple[int, int, float]:
    """Images [N] that the first alone has right, the second alone, and McNemar's exact two-sided p-value."""
    from scipy.stats import binomtest

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
