"""Means, deviations and intervals over seeds, against scipy and against simulated truth."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.analysis.intervals import bootstrap_t_interval, spread

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
    assert np.isnan(bootstrap_t_interval(np.array([[*np.linspace(0, 1, 10), np.nan], [0.3] * 11]))[0]).tolist() == [
        False,
        True,
    ]
    assert np.isnan(bootstrap_t_interval(np.random.default_rng(0).normal(size=(1, 9)))).all()


@pytest.mark.parametrize("seeds", [5, 10, 20])
def test_t_intervals_cover_the_truth_in_95_of_100_studies(seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(0.9, 0.02, (5 * SIMULATIONS, seeds))
    found = spread(scores)
    coverage = ((found.low <= 0.9) & (found.high >= 0.9)).mean()
    assert coverage == pytest.approx(0.95, abs=0.015)


def test_bootstrap_t_intervals_cover_skewed_scores_better_than_t_intervals() -> None:
    scores = np.random.default_rng(0).exponential(size=(500, 12))
    low, high = bootstrap_t_interval(scores)
    found = spread(scores)
    covered, by_t = (((lows <= 1) & (highs >= 1)).mean() for lows, highs in ((low, high), (found.low, found.high)))
    assert covered == pytest.approx(0.95, abs=0.03)
    assert covered > by_t


def test_bootstrap_t_intervals_are_those_of_the_scores_that_are_there() -> None:
    scores = np.random.default_rng(1).exponential(size=(1, 12))
    padded = np.insert(scores, [0, 3], np.nan, axis=1)
    assert np.array_equal(bootstrap_t_interval(padded), bootstrap_t_interval(scores))
    draws = np.random.default_rng(5).choice(scores[0], (100_000, 12))
    statistic = (draws.mean(axis=1) - scores.mean()) / stats.sem(draws, axis=1)
    ends = scores.mean() - np.quantile(statistic, [0.975, 0.025]) * stats.sem(scores[0])
    assert np.concatenate(bootstrap_t_interval(scores)) == pytest.approx(ends, rel=0.05)
