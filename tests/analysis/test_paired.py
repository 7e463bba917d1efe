"""The tests behind "better" and "worse": against scipy and statsmodels, and in studies where nothing differs."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.paired import (
    IS_BETTER,
    IS_WORSE,
    Pairs,
    Verdict,
    effect_size,
    holm,
    judge,
    probability_of_better,
    seeds_needed,
    sign_flip_test,
    smallest_p,
)
from bakeoff.analysis.variance_of_means import ImageVariance

STUDIES = 10_000
NULL_SCORES = {
    "normal": lambda draw, shape: draw.normal(size=shape),
    "a seed's luck is shared": lambda draw, shape: (
        draw.normal(size=shape) + draw.normal(size=(*shape[:-2], 1, shape[-1]))
    ),
    "unequal deviations": lambda draw, shape: draw.normal(size=shape) * np.linspace(0.1, 3, shape[-2])[:, None],
    "accuracy on 360 images": lambda draw, shape: draw.binomial(360, 0.98, size=shape) / 360,
    "accuracy on 10,000 images": lambda draw, shape: draw.binomial(10_000, 0.98, size=shape) / 10_000,
    "skewed": lambda draw, shape: -draw.exponential(size=shape),
    "heavy tails": lambda draw, shape: draw.standard_t(2, size=shape),
}


@pytest.mark.parametrize("scores", NULL_SCORES)
@pytest.mark.parametrize("experiments", [2, 5])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_studies_without_a_difference_seldom_say_better(seeds: int, experiments: int, scores: str) -> None:
    """At most 5 % of studies have any verdict of a difference, among all their pairs.

    The bound adds what 10,000 simulations are uncertain of: of two experiments with normal scores it is 5 % exactly.
    """
    values = NULL_SCORES[scores](np.random.default_rng(seeds), (STUDIES, experiments, seeds))
    later, earlier = np.triu_indices(experiments, 1)
    differences = (values[:, later] - values[:, earlier]).reshape(-1, seeds)
    count = len(later)
    pairs = Pairs(np.repeat(np.arange(STUDIES), count), np.full(STUDIES * count, float(experiments)))
    verdicts = np.array(judge(differences, pairs, families=STUDIES).verdicts).reshape(STUDIES, -1)
    wrong = np.isin(verdicts, (*IS_BETTER, *IS_WORSE))
    assert wrong.any(axis=1).mean() <= 0.05 + stats.norm.isf(0.01) * np.sqrt(0.05 * 0.95 / STUDIES)
    assert np.isin(verdicts, IS_BETTER).any(axis=1).mean() <= 0.05


@pytest.mark.parametrize("seeds", [5, 10])
def test_a_clear_difference_is_found(seeds: int) -> None:
    draw = np.random.default_rng(0)
    clear = draw.normal(5 if seeds == 5 else 2, 1, (STUDIES, seeds))
    none = draw.normal(0, 1, (STUDIES, 5, seeds))
    family = np.concatenate([clear[:, None], none], axis=1).reshape(-1, seeds)
    verdicts = np.array(judge(family, families=STUDIES).verdicts).reshape(STUDIES, -1)[:, 0]
    assert np.isin(verdicts, IS_BETTER).mean() > 0.8
    assert np.isin(verdicts, IS_WORSE).mean() == 0


def test_p_values_are_those_of_scipy_and_statsmodels() -> None:
    differences = np.random.default_rng(3).normal(0.3, 1, (7, 6))
    differences[2, [1, 5]] = np.nan
    p_values = judge(differences).p_values
    expected = [stats.ttest_1samp(row[~np.isnan(row)], 0).pvalue for row in differences]
    assert p_values == pytest.approx(expected, rel=1e-9)
    corrected, level = holm(p_values[None])
    assert corrected[0] == pytest.approx(multipletests(expected, method="holm")[1], rel=1e-9)
    assert level[0] == pytest.approx(0.05 / 7)
    judged = judge(differences)
    assert judged.count == 7 and judged.p_holm == pytest.approx(corrected[0])


def test_holm_steps_down_within_families_and_skips_what_is_not_tested() -> None:
    p_values = np.array([[0.001, 0.04, np.nan, 0.02], [0.6, 0.5, 0.01, np.nan]])
    corrected, level = holm(p_values)
    assert corrected[0] == pytest.approx([0.003, 0.04, np.nan, 0.04], nan_ok=True)
    assert corrected[1] == pytest.approx([1.0, 1.0, 0.03, np.nan], nan_ok=True)
    assert level[1] == pytest.approx([0.025, 0.025, 0.025, np.nan], nan_ok=True)


@pytest.mark.parametrize("seeds", [4, 7, 11])
def test_exact_sign_flips_are_scipys(seeds: int) -> None:
    differences = np.random.default_rng(seeds).normal(0.5, 1, (5, seeds))
    differences[0, 0] = differences[1, 1] = 0
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", axis=1, vectorized=True, n_resamples=np.inf
    ).pvalue
    assert sign_flip_test(differences) == pytest.approx(expected)
    missing = np.insert(differences, 2, np.nan, axis=1)
    assert sign_flip_test(missing) == pytest.approx(expected)


@pytest.mark.parametrize("known", [3, 4, 5, 8])
def test_many_seeds_of_which_few_are_known_are_flipped_exactly(known: int) -> None:
    """Twenty seeds, most of them not yet trained: the few are judged as if there were no others."""
    differences = np.full((2, 20), np.nan)
    differences[:, ::2][:, :known] = 0.01 + 0.0004 * np.random.default_rng(0).normal(size=(2, known))
    few = differences[:, ::2][:, :known]
    assert sign_flip_test(differences).tolist() == sign_flip_test(few).tolist() == [2 ** (1 - known)] * 2
    assert judge(differences).verdicts == judge(few).verdicts == [Verdict.BETTER_ON_THESE_IMAGES] * 2


def test_drawn_sign_flips_are_close_to_all_of_them() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, (4, 16))
    exact = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", axis=1, vectorized=True, n_resamples=np.inf, batch=4096
    ).pvalue
    assert sign_flip_test(differences) == pytest.approx(exact, abs=0.015)


def test_sign_flips_of_five_seeds_cannot_reach_five_per_cent() -> None:
    assert smallest_p(np.array([1, 3, 5, 6])) == pytest.approx([1, 0.25, 0.0625, 0.03125])
    assert sign_flip_test(np.array([[1.0, 2, 3, 4, 5]])) == pytest.approx([0.0625])


def test_probability_and_its_interval_are_wilsons() -> None:
    differences = np.array([[3.0, 1, -1, 2, 2, 4, -2, np.nan], [1, 2, 3, np.nan, np.nan, np.nan, np.nan, np.nan]])
    probability, low, high = probability_of_better(differences)
    for row, (wins, count) in enumerate([(5, 7), (3, 3)]):
        expected = stats.binomtest(wins, count).proportion_ci(method="wilson")
        assert (probability[row], low[row], high[row]) == pytest.approx((wins / count, expected.low, expected.high))
    tie = probability_of_better(np.array([[1.0, 0.0, -1.0, 1.0]]))
    assert tie[0] == pytest.approx(0.625) and tie[1] < 0.625 < tie[2]
    assert np.isnan(probability_of_better(np.full((1, 3), np.nan))).all()


def test_the_effect_size_is_unbiased() -> None:
    draws = np.random.default_rng(0).normal(0.8, 1, (200_000, 5))
    found = effect_size(spread(draws))
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    plain = draws.mean(axis=1) / draws.std(axis=1, ddof=1)
    assert plain.mean() > 0.95  # what it corrects


def test_seeds_needed_are_those_of_statsmodels() -> None:
    differences = np.random.default_rng(5).normal(0.8, 1, (40, 6))
    judged = judge(differences, families=20)
    effects = np.abs(judged.spread.mean) / judged.spread.deviation
    needed, least, most = seeds_needed(judged, np.full(40, 2.0), np.zeros(40))
    for effect, alpha, seeds in zip(effects, judged.level, needed, strict=True):
        power = {n: TTestPower().power(effect, n, alpha, alternative="two-sided") for n in (seeds - 1, seeds)}
        if np.isnan(seeds):
            assert TTestPower().power(effect, 1_000, alpha) < 0.8
        else:
            assert power[seeds] >= 0.8
            assert power[seeds - 1] < 0.8 or seeds == 7
    assert (least <= needed)[~np.isnan(needed)].all() and (most >= needed)[~np.isnan(most)].all()
    assert np.isnan(most).sum() > np.isnan(needed).sum()


def test_no_number_of_seeds_makes_up_for_few_test_images() -> None:
    differences = np.random.default_rng(0).normal(0.05, 0.1, (1, 6))
    judged = judge(differences)
    enough = seeds_needed(judged, np.array([2.0]), np.zeros(1))[0]
    never = seeds_needed(judged, np.array([2.0]), differences.mean(axis=1) ** 2)[0]
    assert enough[0] < 1_000 and np.isnan(never[0])


def test_verdicts_without_a_test_say_why() -> None:
    nan = np.nan
    judged = judge(
        np.array([[1, 2, nan, nan, nan], [0, 0, 0, 0, 0], [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3], [nan] * 5, [1, -1, 1, 0, 2]])
    )
    assert judged.verdicts == [
        Verdict.TOO_FEW_SEEDS,
        Verdict.IDENTICAL,
        Verdict.CONSTANT_DIFFERENCE,
        Verdict.TOO_FEW_SEEDS,
        Verdict.NOT_DISTINGUISHABLE,
    ]
    assert np.isnan(judged.p_holm[:4]).all() and judged.count == 1
    assert np.isnan(seeds_needed(judged, np.full(5, 2.0), np.zeros(5))[0][:4]).all()


def test_without_images_a_verdict_is_about_these_images() -> None:
    differences = np.array([[1.0, 1.1, 0.9, 1.0, 0.8]])
    assert judge(differences).verdicts == [Verdict.BETTER_ON_THESE_IMAGES]
    assert judge(-differences).verdicts == [Verdict.WORSE_ON_THESE_IMAGES]
    few = Pairs(np.array([0]), np.array([2.0]), ImageVariance(np.array([1e-6]), np.array([0.0]), np.array([99.0])))
    assert judge(differences, few).verdicts == [Verdict.BETTER]
    assert judge(-differences, few).verdicts == [Verdict.WORSE]


def test_a_difference_without_spread_is_judged_by_that_of_the_other_pairs() -> None:
    """Of four experiments two differ by the same with every seed: the other pairs say how far off that may be."""
    scores = np.random.default_rng(0).normal(0, 0.01, (4, 5))
    scores[1] = scores[0] + 1
    later, earlier = np.array([(a, b) for a in range(4) for b in range(a)]).T
    pairs = Pairs(np.zeros(6, int), np.full(6, 4.0))
    assert judge(scores[later] - scores[earlier], pairs).verdicts[0] == Verdict.BETTER_ON_THESE_IMAGES
    assert judge((scores[1] - scores[0])[None]).verdicts == [Verdict.CONSTANT_DIFFERENCE]
