"""Means, deviations and intervals over seeds, against scipy and against simulated truth."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.analysis.intervals import bca_interval, spread

SIMULATIONS = 2_000


def test_the_t_interval_is_scipys_and_missing_scores_do_not_count() -> None:
    scores = np.random.default_rng(0).normal(0.9, 0.01, (3, 6))
    scores[1, [0, 4]] = np.nan
    found = spread(scores)
    for row, values in enumerate(scores):
        known = values[~np.isnan(values)]
        low, high = stats.t.interval(0.95, len(known) - 1, known.mean(), stats.sem(known))
        expected = (len(known), known.mean(), known.std(ddof=1), np.median(known), low, high)
        actual = [part[row] for part in vars(found).values()]
        assert actual == pytest.approx(expected, rel=1e-12)


def test_few_or_equal_scores_have_no_interval() -> None:
    equal = 0.9972222222222222  # its mean over five is not quite itself
    found = spread(np.array([[np.nan] * 5, [0.5] + [np.nan] * 4, [equal] * 5]))
    assert np.isnan(found.mean[0]) and list(found.mean[1:]) == [0.5, equal]
    assert np.isnan(found.deviation[:2]).all() and found.deviation[2] == 0
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(bca_interval(np.array([[0.1, 0.2, np.nan], [0.3, 0.3, 0.3]]))).all()


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_t_intervals_cover_the_truth_in_95_of_100_studies(seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(0.9, 0.02, (5 * SIMULATIONS, seeds))
    found = spread(scores)
    coverage = ((found.low <= 0.9) & (found.high >= 0.9)).mean()
    assert coverage == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("seeds", "documented"), [(3, 0.72), (5, 0.84), (10, 0.90), (20, 0.93)])
def test_bca_intervals_cover_what_their_docstring_says(seeds: int, documented: float) -> None:
    low, high = bca_interval(np.random.default_rng(seeds).normal(0.9, 0.02, (SIMULATIONS, seeds)))
    coverage = ((low <= 0.9) & (high >= 0.9)).mean()
    assert coverage == pytest.approx(documented, abs=0.02)
    assert f"{documented:.0%}".rstrip("%") + " %" in str(bca_interval.__doc__).replace("\n", " ")


def test_bca_intervals_of_rows_with_missing_scores_are_those_of_the_scores_that_are_there() -> None:
    scores = np.random.default_rng(1).exponential(size=(1, 8))
    padded = np.insert(scores, [0, 3], np.nan, axis=1)
    expected = stats.bootstrap((scores[0],), np.mean, n_resamples=2_000, method="BCa", rng=0).confidence_interval
    low, high = bca_interval(padded)
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), rel=0.02)
