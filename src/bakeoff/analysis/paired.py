"""Two experiments compared over the seeds that both have: tests of paired differences.

Everything here works on differences [P, S] of P pairs over S seeds, NaN where either has no score, and knows nothing
of studies.

**The rule.** A pair is *better* or *worse* if two tests agree that its mean difference is not zero:

1. the paired t-test, Holm-corrected (1979) over all pairs of the family, at 5 %;
2. the sign-flip permutation test (Fisher 1935; Ernst 2004), uncorrected, at 5 %. Where so few seeds cannot reach that,
   it takes the smallest value that they can, which means that every seed points the same way.

The first controls the share of families with any wrong verdict (the family-wise error) at 5 % if differences are about
normal. Five seeds, the default, cannot reach 5 % by permutations (2/2⁵ = 0.0625), so the t-test has to decide. The
second test guards against a verdict that rests on a few extraordinary seeds, or on scores that are steps because the
test set is small. Both must agree, so the rule errs no more often than the t-test.

Verdicts are about these test images: all seeds share them, so more seeds only make a difference on them surer.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr

from bakeoff.analysis.intervals import Indices, Spread, by_count, spread
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.results.predictions import Floats

LEVEL = 1 - CONFIDENCE
POWER = 0.8
FEWEST_SEEDS = 3  # two differences say next to nothing about their spread
MOST_SEEDS = 1_000  # a need for more is no advice
MOST_EXACT = 13  # seeds up to which all sign flips are tried
FLIPS = 9_999  # random ones, tried with more seeds
FLIPPING_SEED = 0
SAME = 1e-12  # scores that differ by no more than this are equal but for rounding


class Verdict(StrEnum):
    """What the seeds say about the first of a pair against the second."""

    BETTER = "better"
    WORSE = "worse"
    NOT_DISTINGUISHABLE = "not_distinguishable"
    TOO_FEW_SEEDS = "too_few_seeds"  # fewer than FEWEST_SEEDS have both
    IDENTICAL = "identical"  # the same score with every seed
    CONSTANT_DIFFERENCE = "constant_difference"  # the same with every seed and not zero: no spread to judge it by


@dataclass(frozen=True)
class Judgement:
    """Pairs judged by the rule above. `p_values` are the t-test's; NaN where nothing is tested.

    `count` pairs were tested in all. `level` is the p-value that a pair which is not distinguishable would have to
    reach: Holm's level for the smallest p-value that was not rejected.
    """

    count: int
    spread: Spread
    p_values: Floats
    p_holm: Floats
    p_sign_flip: Floats
    level: Floats
    verdicts: list[Verdict]


def judge(differences: Floats, families: int = 1, rows: Indices | slice = slice(None)) -> Judgement:
    """Verdicts on differences [P, S], positive where the first of a pair is better.

    The pairs form `families` of equal size, one after the other. P-values are corrected for all pairs of a family; the
    judgement has those of `rows`, or all.
    """
    everything = paired_t_test(spread(differences))
    corrected, levels = (values.reshape(-1) for values in holm(everything.reshape(families, -1)))
    found = spread(differences[rows])
    p_holm, p_sign_flip = corrected[rows], sign_flip_test(differences[rows])
    significant = (p_holm <= LEVEL) & (p_sign_flip <= np.maximum(LEVEL, smallest_p(found.count)) + SAME)
    constant = _is_constant(found)
    cases = {
        Verdict.TOO_FEW_SEEDS: found.count < FEWEST_SEEDS,
        Verdict.IDENTICAL: constant & (np.abs(found.mean) <= SAME),
        Verdict.CONSTANT_DIFFERENCE: constant,
        Verdict.NOT_DISTINGUISHABLE: ~significant,
        Verdict.BETTER: found.mean > 0,
    }
    verdicts = [Verdict(name) for name in np.select(list(cases.values()), list(cases), Verdict.WORSE)]
    tested = int((~np.isnan(everything)).sum())
    return Judgement(tested, found, everything[rows], p_holm, p_sign_flip, levels[rows], verdicts)


def paired_t_test(found: Spread) -> Floats:
    """Two-sided p-values [P] of Student's paired t-test of differences; NaN with too few seeds or without spread."""
    testable = (found.count >= FEWEST_SEEDS) & ~_is_constant(found)
    statistic = found.mean[testable] / (found.deviation[testable] / np.sqrt(found.count[testable]))
    p_values = np.full(len(found.mean), np.nan)
    p_values[testable] = 2 * stdtr(found.count[testable] - 1, -np.abs(statistic))
    return p_values


def holm(p_values: Floats) -> tuple[Floats, Floats]:
    """Holm-corrected (1979) p-values of families [F, P], and the level that the first not rejected had to reach.

    NaN, where nothing is tested, does not count. statsmodels' multipletests gives the same numbers, but takes one
    family at a time and 0.1 s for each, for it collects garbage: too slow to simulate how often the rule errs.
    """
    order = np.argsort(p_values, axis=1)  # NaN comes last
    tests = (~np.isnan(p_values)).sum(axis=1, keepdims=True)
    factors = np.maximum(1, tests - np.arange(p_values.shape[1]))
    stepped = np.maximum.accumulate(np.take_along_axis(p_values, order, axis=1) * factors, axis=1)
    corrected = np.empty_like(p_values)
    np.put_along_axis(corrected, order, np.minimum(1.0, stepped), axis=1)
    left = tests - (corrected <= LEVEL).sum(axis=1, keepdims=True)
    return corrected, np.where(np.isnan(p_values), np.nan, LEVEL / np.maximum(1, left))


def smallest_p(count: Indices) -> Floats:
    """The smallest two-sided p-value of a sign-flip test of n differences: 2 / 2ⁿ, if all have the same sign."""
    return np.minimum(1.0, 2.0 ** (1 - count.astype(float)))


def sign_flip_test(differences: Floats) -> Floats:
    """Two-sided p-values [P] of the permutation test that flips the signs of differences [P, S], NaN being none.

    It is the share of flips whose mean is as far from zero as the one found. Up to 13 seeds, all 2ˢ flips are tried;
    with more, 9,999 random ones beside the one found (Phipson & Smyth 2010). scipy's permutation_test does not
    recognise equal sums of accuracies that differ by rounding, and is fifty times slower.
    """
    p_values = np.empty(len(differences))
    for rows, known in by_count(differences):
        p_values[rows] = _sign_flips(known)
    return p_values


def _sign_flips(differences: Floats) -> Floats:
    """The p-values of rows [P, S] in which every seed has a difference."""
    seeds = differences.shape[1]
    exact = seeds <= MOST_EXACT
    if exact:
        signs = 1.0 - 2.0 * (np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1)
    else:
        signs = np.random.default_rng(FLIPPING_SEED).choice([-1.0, 1.0], size=(FLIPS, seeds))
    p_values = np.empty(len(differences))
    step = max(1, 10_000_000 // len(signs))
    for start in range(0, len(differences), step):
        part = differences[start : start + step]
        reached = np.abs(part.sum(axis=1)) - SAME * seeds
        extreme = (np.abs(part @ signs.T) >= reached[:, None]).sum(axis=1)
        p_values[start : start + step] = extreme / len(signs) if exact else (extreme + 1) / (FLIPS + 1)
    return p_values


def probability_of_better(differences: Floats) -> tuple[Floats, Floats, Floats]:
    """P(A > B) of each row of differences [P, S], ties counted half, and its 95 % percentile bootstrap interval.

    Bouthillier et al. (2021), "Accounting for variance in machine learning benchmarks", call a probability above 0.75
    meaningful. The bootstrap over pairs is not drawn but computed: a resample's wins, ties and losses are multinomial.
    If every seed is a win, the interval is the point 1: the bootstrap cannot know of losses that it never saw.
    """
    counted = [kind.sum(axis=1) for kind in (~np.isnan(differences), differences > SAME, differences < -SAME)]
    outcomes, rows = np.unique(np.stack(counted, axis=1), axis=0, return_inverse=True)
    estimates = np.array([_probability(*map(int, outcome)) for outcome in outcomes]).reshape(-1, 3)[rows.reshape(-1)]
    return estimates[:, 0], estimates[:, 1], estimates[:, 2]


def effect_size(found: Spread) -> Floats:
    """Hedges' g of paired differences [P]: their mean / deviation, corrected for its bias in small samples.

    Cohen's d_z (Lakens 2013, "Calculating and reporting effect sizes") times Γ(f/2) / (√(f/2) · Γ((f-1)/2)) with
    f = n - 1 (Hedges 1981). NaN without spread or with fewer than 3 differences, where the correction is not defined.
    """
    freedom = np.where((found.count >= FEWEST_SEEDS) & ~_is_constant(found), found.count - 1.0, np.nan)
    correction = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return correction * found.mean / found.deviation


def seeds_needed(found: Spread, level: Floats) -> Floats:
    """Seeds [P] with which the paired t-test would reach `level` [P] in 80 % of studies.

    This takes the observed mean and standard deviation of the differences for the true ones, which a few seeds only
    guess at: read it as "about". It is at least one seed more than there are, and NaN if a thousand would not do or
    nothing is tested.
    """
    needed = np.full(len(found.mean), np.nan)
    rows = np.flatnonzero((found.count >= FEWEST_SEEDS) & ~_is_constant(found) & ~np.isnan(level))
    effect = np.abs(found.mean[rows]) / found.deviation[rows]
    # The smallest number in (few, many] with enough power, by bisection of all pairs at once.
    few = found.count[rows].astype(float)
    many = np.maximum(few + 1, MOST_SEEDS)
    possible = power(effect, many, level[rows]) >= POWER
    for _ in range(int(MOST_SEEDS).bit_length()):
        middle = np.ceil((few + many) / 2)
        enough = power(effect, middle, level[rows]) >= POWER
        few, many = np.where(enough, few, middle), np.where(enough, middle, many)
    needed[rows] = np.where(possible, many, np.nan)
    return needed


def power(effect: Floats, seeds: Floats, level: Floats) -> Floats:
    """The chance [P] that a two-sided paired t-test finds a difference of `effect` standard deviations, on its side.

    It follows from the noncentral t-distribution (Cohen 1988). statsmodels' TTestPower uses it too, but gives NaN in
    places.
    """
    from scipy.stats import nct, t  # a second to import: figures and reports do without

    return nct.sf(t.isf(level / 2, seeds - 1), seeds - 1, effect * np.sqrt(seeds))


def _is_constant(found: Spread) -> NDArray[np.bool_]:
    """Whether differences are the same with every seed, apart from rounding."""
    with np.errstate(invalid="ignore"):
        return ~(found.deviation > SAME + 1e-9 * np.abs(found.mean))


def _probability(count: int, wins: int, losses: int) -> tuple[float, float, float]:
    """P(A > B) and its interval, from counts of wins and losses; NaN without pairs."""
    if count == 0:
        return np.nan, np.nan, np.nan
    ties = count - wins - losses
    # Coefficient k: the probability of k half wins among `count` draws.
    distribution = np.polynomial.polynomial.polypow([losses / count, ties / count, wins / count], count)
    cumulative = np.cumsum(np.pad(distribution, (0, 2 * count + 1 - len(distribution))))
    low, high = (np.searchsorted(cumulative, share - 1e-12) for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return (wins + ties / 2) / count, low / (2 * count), high / (2 * count)
