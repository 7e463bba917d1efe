"""Two experiments compared over the seeds that both have: verdicts on paired differences.

Everything here works on differences [P, S] of P pairs over S seeds, NaN where either has no score, and knows nothing
of studies.

**The rule.** A pair differs *on these images* if the t-test of its mean difference over seeds, Holm-corrected (1979)
over all pairs of the family, gives 5 % or less. Its variance is moderated where there are four experiments or more. A
pair differs, without more words, if the same holds with the variance of other test images added
(variance_of_means.py). So it says whether the first is better:

- *better*: on other images of the kind and with other seeds;
- *better on these images*: with other seeds. How hard these test images are for either may be all there is to it.

Where hyper-parameters were tuned several times, both hold for other tuning, too; where once, they are about the chosen
values.

Each claim keeps the share of families with any wrong verdict (the family-wise error) at 5 % if differences are about
normal. The sign-flip permutation test (Fisher 1935; Ernst 2004) assumes no distribution. It is shown beside the
verdict: five seeds, the default, cannot reach 5 % by permutations (2/2⁵ = 0.0625).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr

from bakeoff.analysis.intervals import Indices, Spread, by_count, spread, wilson_interval
from bakeoff.analysis.variance_of_means import ImageVariance, Uncertainty, over_both, over_seeds, prior_freedom, summed
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.results.predictions import Floats
from bakeoff.study.race_rules import FEWEST_SEEDS

LEVEL = 1 - CONFIDENCE
POWER = 0.8
MOST_SEEDS = 1_000  # a need for more is no advice
MOST_EXACT = 13  # seeds up to which all sign flips are tried
FLIPS = 9_999  # random ones, tried with more seeds
FLIPPING_SEED = 0
SAME = 1e-12  # scores that differ by no more than this are equal but for rounding


class Verdict(StrEnum):
    """What seeds and test images say about the first of a pair against the second."""

    BETTER = "better"
    WORSE = "worse"
    BETTER_ON_THESE_IMAGES = "better_on_these_images"
    WORSE_ON_THESE_IMAGES = "worse_on_these_images"
    NOT_DISTINGUISHABLE = "not_distinguishable"
    TOO_FEW_SEEDS = "too_few_seeds"  # fewer than FEWEST_SEEDS have both
    IDENTICAL = "identical"  # the same score with every seed
    CONSTANT_DIFFERENCE = "constant_difference"  # the same with every seed and not zero: no spread to judge it by


IS_BETTER = (Verdict.BETTER, Verdict.BETTER_ON_THESE_IMAGES)
IS_WORSE = (Verdict.WORSE, Verdict.WORSE_ON_THESE_IMAGES)
OPPOSITE = dict(zip((*IS_BETTER, *IS_WORSE), (*IS_WORSE, *IS_BETTER), strict=True))  # of the second against the first


@dataclass(frozen=True)
class Judgement:
    """Pairs judged by the rule above. P-values are NaN where nothing is tested.

    `count` pairs were tested in all. `seeds` is the uncertainty of the mean differences with other seeds, on these
    images; `here` that with other tuning, too; `both` that on other images in addition. `level` is the p-value that a
    pair which is not "better" or "worse" would have to reach: Holm's level for the smallest p-value that was not
    rejected.
    """

    count: int
    spread: Spread
    seeds: Uncertainty
    here: Uncertainty
    both: Uncertainty
    p_values: Floats
    p_holm: Floats
    p_both: Floats
    p_both_holm: Floats
    p_sign_flip: Floats
    level: Floats
    verdicts: list[Verdict]


@dataclass(frozen=True)
class Pairs:
    """What is known of P pairs beside their differences.

    `groups` [P] numbers the datasets that they are on, `experiments` [P] says how many experiments there are. `images`
    is the variance over test images, None where it is not known; `tuning` that over tuning studies, likewise. `on_cuts`
    [P] says where the variance over images is that over cuts of the data.
    """

    groups: Indices
    experiments: Floats
    images: ImageVariance | None = None
    tuning: Uncertainty | None = None
    on_cuts: NDArray[np.bool_] | None = None

    @classmethod
    def alone(cls, count: int) -> "Pairs":
        """Pairs that share nothing: each is judged by its own variance."""
        return cls(np.arange(count), np.full(count, 2.0))


def judge(
    differences: Floats, pairs: Pairs | None = None, families: int = 1, rows: Indices | slice = slice(None)
) -> Judgement:
    """Verdicts on differences [P, S], positive where the first of a pair is better.

    The pairs form `families` of equal size, one after the other. P-values are corrected for all pairs of a family; the
    judgement has those of `rows`, or all.
    """
    pairs = pairs or Pairs.alone(len(differences))
    found = spread(differences)
    seeds = over_seeds(found, pairs.experiments, pairs.groups)
    unknown = np.full(len(differences), np.nan)
    here, both = seeds, over_both(seeds, pairs.images, pairs.on_cuts) if pairs.images else Uncertainty(unknown, unknown)
    if pairs.tuning is not None:
        here, both = (summed([uncertainty, pairs.tuning]) for uncertainty in (here, both))
    p_values, p_both = (t_test(found, uncertainty) for uncertainty in (here, both))
    p_holm, levels = (values.reshape(-1) for values in holm(p_values.reshape(families, -1)))
    p_both_holm, levels_both = (values.reshape(-1) for values in holm(p_both.reshape(families, -1)))
    first = found.mean > 0
    cases = {
        Verdict.TOO_FEW_SEEDS: found.count < FEWEST_SEEDS,
        Verdict.IDENTICAL: _is_constant(found) & (np.abs(found.mean) <= SAME),
        Verdict.CONSTANT_DIFFERENCE: np.isnan(p_values),
        Verdict.NOT_DISTINGUISHABLE: p_holm > LEVEL,
        Verdict.BETTER: first & (p_both_holm <= LEVEL),
        Verdict.BETTER_ON_THESE_IMAGES: first,
        Verdict.WORSE: p_both_holm <= LEVEL,
    }
    names = np.select([case[rows] for case in cases.values()], list(cases), Verdict.WORSE_ON_THESE_IMAGES)
    return Judgement(
        count=int((~np.isnan(p_values)).sum()),
        spread=found[rows],
        seeds=seeds[rows],
        here=here[rows],
        both=both[rows],
        p_values=p_values[rows],
        p_holm=p_holm[rows],
        p_both=p_both[rows],
        p_both_holm=p_both_holm[rows],
        p_sign_flip=sign_flip_test(differences[rows]),
        level=np.where(np.isnan(levels_both), levels, levels_both)[rows],
        verdicts=list(map(Verdict, names)),
    )


def t_test(found: Spread, uncertainty: Uncertainty) -> Floats:
    """Two-sided p-values [P] of mean differences; NaN with too few seeds, or where nothing is uncertain."""
    testable = (found.count >= FEWEST_SEEDS) & (uncertainty.error > SAME + 1e-9 * np.abs(found.mean))
    p_values = np.full(len(found.mean), np.nan)
    statistic = np.abs(found.mean[testable]) / uncertainty.error[testable]
    p_values[testable] = 2 * stdtr(uncertainty.freedom[testable], -statistic)
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
    """P(A > B) of each row of differences [P, S], ties counted half, and its 95 % interval (Wilson 1927).

    Bouthillier et al. (2021), "Accounting for variance in machine learning benchmarks", call a probability above 0.75
    meaningful. Their bootstrap interval is far too narrow for a handful of seeds: for P = 0.8 and 5 seeds it covers the
    truth in 60 % of cases, Wilson's in 95 %.
    """
    count = (~np.isnan(differences)).sum(axis=1)
    wins = (differences > SAME).sum(axis=1) + (np.abs(differences) <= SAME).sum(axis=1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = wins / count
    return share, *wilson_interval(share, count)


def effect_size(found: Spread) -> Floats:
    """Hedges' g of paired differences [P]: their mean / deviation, corrected for its bias in small samples.

    Cohen's d_z (Lakens 2013, "Calculating and reporting effect sizes") times Γ(f/2) / (√(f/2) · Γ((f-1)/2)) with
    f = n - 1 (Hedges 1981). NaN without spread or with fewer than 3 differences, where the correction is not defined.
    """
    freedom = np.where((found.count >= FEWEST_SEEDS) & ~_is_constant(found), found.count - 1.0, np.nan)
    correction = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return correction * found.mean / found.deviation


def seeds_needed(judged: Judgement, experiments: Floats, stays: Floats) -> tuple[Floats, Floats, Floats]:
    """Seeds [P] with which a pair would reach its `level` in 80 % of studies; and at the least and at the most.

    The first takes the observed difference and spread for the true ones, which a few seeds only guess at. The other two
    take a difference that is one standard error larger, and one that is smaller: that covers two cases of three.
    `stays` [P] is the variance that no number of seeds takes away: over images, where it is known, and over tuning
    studies. Each is at least one seed more than there are, and NaN if a thousand would not do or nothing is tested.
    """
    found, seeds = judged.spread, judged.seeds
    error = np.where(np.isnan(judged.both.error), judged.here.error, judged.both.error)
    rows = np.flatnonzero(~np.isnan(judged.level))
    guesses = np.full((3, len(found.mean)), np.nan)
    for guess, further in zip(guesses, (0, 1, -1), strict=True):
        difference = np.maximum(np.abs(found.mean) + further * error, 0.0)
        guess[rows] = _fewest_seeds(
            difference[rows], (seeds.variance * found.count)[rows], stays[rows], found.count[rows],
            experiments[rows], judged.level[rows],
        )  # fmt: skip
    return guesses[0], guesses[1], guesses[2]


def _fewest_seeds(
    difference: Floats, variance: Floats, stays: Floats, count: Indices, experiments: Floats, level: Floats
) -> Floats:
    """The smallest numbers [P] with enough power, more than `count`, by bisection of all pairs at once."""

    def enough(seeds: Floats) -> NDArray[np.bool_]:
        over = variance / seeds
        freedom = seeds - 1 + prior_freedom(seeds, experiments)
        total = over + stays
        with np.errstate(invalid="ignore", divide="ignore"):  # scores that are all the same
            return power(difference / np.sqrt(total), freedom * (total / over) ** 2, level) >= POWER

    few = count.astype(float)
    many = np.maximum(few + 1, MOST_SEEDS)
    possible = enough(many)
    for _ in range(int(MOST_SEEDS).bit_length()):
        middle = np.ceil((few + many) / 2)
        found = enough(middle)
        few, many = np.where(found, few, middle), np.where(found, middle, many)
    return np.where(possible, many, np.nan)


def power(shift: Floats, freedom: Floats, level: Floats) -> Floats:
    """The chance [P] that a two-sided t-test finds a difference of `shift` standard errors, on its side.

    It follows from the noncentral t-distribution (Cohen 1988). statsmodels' TTestPower uses it too, but gives NaN in
    places.
    """
    from scipy.stats import nct, t  # a second to import: figures and reports do without

    return nct.sf(t.isf(level / 2, freedom), freedom, shift)


def _is_constant(found: Spread) -> NDArray[np.bool_]:
    """Whether differences are the same with every seed, apart from rounding."""
    with np.errstate(invalid="ignore"):
        return ~(found.deviation > SAME + 1e-9 * np.abs(found.mean))
