"""How far off a tuned score is because other points of the same spaces would have chosen other values.

Each tuning study (`tuning: {studies: 3}`) chooses a trial of its own. The variance of their test scores is that of one
tuning: the runs have the values of one. It holds the chance of a trial's few tuning seeds, too, so it is rather too
large than too small.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bakeoff.analysis.variance_of_means import Uncertainty
from bakeoff.results.predictions import Floats
from bakeoff.results.summary_tables import by_experiment

NOTHING = (0.0, 1.0)  # variance and degrees of freedom of a score in which nothing was tuned


def tuned_scores(tuning_spread: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """The key of an experiment → variance of its test score over tuning studies, and its degrees of freedom.

    `tuning_spread` is the table of that name. Without two tuning studies that chose a trial, nothing is known.
    """
    if tuning_spread.empty:
        return {}
    scores = {cell.key: rows["test"].dropna().to_numpy(float) for cell, rows in by_experiment(tuning_spread)}
    return {key: variance_of(found) for key, found in scores.items() if len(found) > 1}


def variance_of(scores: Floats) -> tuple[float, float]:
    """The variance of test scores [N] of the trials that tuning studies chose, and its degrees of freedom."""
    return float(np.var(scores, ddof=1)), len(scores) - 1.0


def of_experiments(keys: Sequence[str], tuned: Mapping[str, tuple[float, float]]) -> Uncertainty:
    """That of scores of experiments [E] by their keys."""
    found = np.array([tuned.get(key, NOTHING) for key in keys]).reshape(-1, 2)
    return Uncertainty(found[:, 0], found[:, 1])
