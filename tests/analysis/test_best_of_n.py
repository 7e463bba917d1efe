"""The expected score of the best of n trials, against all subsets."""

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from bakeoff.analysis.best_of_n import expected_best


@pytest.mark.parametrize("tried", range(1, 9))
def test_it_equals_the_mean_over_all_subsets(tried: int) -> None:
    random = np.random.default_rng(tried)
    validation = np.round(random.random(tried), 1)  # some are equal
    test = random.random(tried)
    order = sorted(range(tried), key=lambda trial: -validation[trial])
    for n in range(1, tried + 1):
        chosen = [min(subset) for subset in combinations(range(tried), n)]  # the best rank in each subset
        for scores in (validation, test):
            ranked = [float(scores[trial]) for trial in order]
            assert expected_best(ranked, n) == pytest.approx(fmean(ranked[rank] for rank in chosen), abs=1e-12)
