"""A race: experiments on a dataset are compared after 5, 8, 12 and 20 seeds, and train on only while they may be best.

Everything that could tilt it is fixed before the first run: the looks, the share `weight` of the permitted error that
each may use, the difference that does not matter, and k, the number of experiments. Two promises hold, each in 95 % of
races if differences are about normal, whenever the race ends and however often somebody looks:

- **no verdict is wrong.** At a look, Holm's correction (1979) over all k(k-1)/2 pairs at 5 % · weight, where m counts
  the pairs without a verdict so far. A verdict stays.
- **the best is not left out**, and what is said of the distance from the best is true. An experiment leaves when
  another is ahead by more than c, the one-sided critical difference at 5 % · weight / (k-1). It follows that all
  intervals "ahead of the best of the others" hold together (Hsu 1984, "Constrained simultaneous confidence intervals
  for multiple comparisons with the best").

Both are sums of errors over looks, so that nothing needs to be known of how the looks depend on each other. Several
datasets are races of their own, and share the 5 %.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from bakeoff.analysis.intervals import Indices, spread
from bakeoff.analysis.paired import LEVEL, t_test
from bakeoff.analysis.variance_of_means import (
    ImageVariance,
    Uncertainty,
    image_variance,
    over_both,
    over_seeds,
    prior_freedom,
)
from bakeoff.results.predictions import Bools, Floats

MISSING = "missing"  # the status of a run without a result
COMPLETED = "completed"
BEHIND = "behind"  # why an experiment leaves; else the status of its run without a score


class End(StrEnum):
    """Why a race is over."""

    BEST = "best"  # one is left, and every other is behind or has no score
    WITHIN_INDIFFERENCE = "within_indifference"  # none can be better than the leader by more than does not matter
    MORE_IMAGES = "more_images"  # no further seeds would decide, only more test images
    OPEN = "open"  # the last look has passed
    ALONE = "alone"  # there is nothing to compare the one that is left with
    NONE = "none"  # no experiment has a score with every seed


@dataclass(frozen=True)
class Rule:
    """What is fixed before the first run; `indifference` is in units of scores, `level` the error of this race."""

    looks: tuple[int, ...]
    weights: tuple[float, ...]
    indifference: float = 0.0
    on_other_images: bool = True
    level: float = LEVEL


@dataclass(frozen=True)
class Runs:
    """The runs of E experiments: scores [E, S], higher being better, NaN where there is none; the status of each run
    [E, S]; and the influences of N test images on the scores [E, S, N], None where they are not known."""

    scores: Floats
    status: NDArray[np.object_]
    influences: Floats | None = None


@dataclass(frozen=True)
class Standing:
    """How a race stands after a look at E experiments and P pairs of them.

    `seeds` [E] were looked at. `left` [E] says why an experiment left, at this look or before, and is empty for those
    in the race; `beaten_by` [E] is the place of the one that was ahead, or -1. `verdicts` [P] are 1 where the first of
    a pair is better, -1 where the second is, 0 where that is not known; `p_values` [P] are corrected for pairs and
    looks, of the look with the verdict or else the last. `low` and `high` [E] are how far an experiment is ahead of the
    best of the others, NaN where the look did not compare it. `leader` is a place, -1 for none.
    """

    seeds: Indices
    left: tuple[str, ...]
    beaten_by: Indices
    verdicts: Indices
    p_values: Floats
    mean: Floats
    low: Floats
    high: Floats
    leader: int
    end: str

    @property
    def active(self) -> Bools:
        """Who is in the race [E]."""
        return np.array([not why for why in self.left])


def race(rule: Rule, runs: Runs) -> Iterator[Standing]:
    """The standing after each look for which every run has a result, until the race is over."""
    count = len(runs.scores)
    pairs = count * (count - 1) // 2
    unknown = np.full(count, np.nan)
    standing = Standing(
        np.zeros(count, int), ("",) * count, np.full(count, -1), np.zeros(pairs, int), np.full(pairs, np.nan),
        unknown, unknown, unknown, -1, "",
    )  # fmt: skip
    for number, seeds in enumerate(rule.looks):
        asked = runs.status[standing.active, :seeds]
        if asked.shape[1] < seeds or (asked == MISSING).any():
            return
        standing = look(rule, number, standing, runs)
        yield standing
        if standing.end:
            return


def look(rule: Rule, number: int, before: Standing, runs: Runs) -> Standing:
    """One look, the first being 0, at the experiments that are still in the race."""
    n = rule.looks[number]
    seeds = np.where(before.active, n, before.seeds)
    left = list(before.left)
    for place in np.flatnonzero(before.active):
        left[place] = next((why for why in runs.status[place, :n] if why != COMPLETED), "")
    compared = np.array([not why for why in left])
    scores = np.where(np.arange(runs.scores.shape[1]) < seeds[:, None], runs.scores, np.nan)
    mean = np.where(compared, _means(scores, compared), before.mean)

    a, b = np.triu_indices(len(scores), 1)
    on = np.flatnonzero(compared[a] & compared[b])
    found = spread(scores[a] - scores[b]) if len(a) else spread(np.empty((0, 1)))
    experiments = float((~np.isnan(scores)).any(axis=1).sum())
    over = over_seeds(found, np.full(len(a), experiments), np.zeros(len(a), int))[on]
    images = _images(runs, a[on], b[on], n) if rule.on_other_images else None
    total = over_both(over, images) if images else over
    p = t_test(found[on], total)

    level = rule.level * rule.weights[number]
    verdicts, p_values = _with_verdicts(before, on, p, found.mean, level)
    ahead = _matrix(len(scores), a[on], b[on], found.mean[on], antisymmetric=True)
    one_sided = level / max(1, len(scores) - 1)
    critical = np.where(np.isnan(p), np.inf, stdtrit(total.freedom, 1 - one_sided) * total.error)
    margin = _matrix(len(scores), a[on], b[on], critical)
    lead = np.nan_to_num(ahead - margin, nan=-np.inf)  # [i, j]: i is better than j by at least so much
    beaten = (lead > 0).any(axis=0)
    by = np.where(beaten, lead.argmax(axis=0), before.beaten_by)
    for place in np.flatnonzero(beaten):
        left[place] = BEHIND
    low, high = _ahead_of_the_best(ahead, margin, compared, beaten)

    rest = compared & ~beaten
    leader = int(np.where(rest, mean, -np.inf).argmax()) if rest.any() else -1
    end = _alone(rest, beaten | (np.array(before.left, object) == BEHIND))
    if not end and rule.indifference > 0 and -low[leader] <= rule.indifference:
        end = End.WITHIN_INDIFFERENCE
    if not end and number == len(rule.looks) - 1:
        end = End.OPEN
    if not end and images:
        mine = np.flatnonzero((rest[a[on]] & rest[b[on]]) & ((a[on] == leader) | (b[on] == leader)))
        if _needs_images(rule, found.mean[on][mine], over[mine], images[mine], n, experiments, one_sided):
            end = End.MORE_IMAGES
    return Standing(seeds, tuple(left), by, verdicts, p_values, mean, low, high, leader, end)


def _means(scores: Floats, compared: Bools) -> Floats:
    found = np.full(len(scores), np.nan)
    found[compared] = spread(scores[compared]).mean if compared.any() else []
    return found


def _images(runs: Runs, a: Indices, b: Indices, seeds: int) -> ImageVariance:
    """What other test images would do to the differences of pairs; NaN where nothing is known of that."""
    if runs.influences is None or not len(a):
        return ImageVariance(*np.full((3, len(a)), np.nan))
    return image_variance(runs.influences[:, :seeds], a, b, np.ones((len(a), seeds), bool))


def _with_verdicts(before: Standing, on: Indices, p: Floats, mean: Floats, level: float) -> tuple[Indices, Floats]:
    """The verdicts and corrected p-values with those of this look: Holm's steps over all pairs without a verdict."""
    verdicts, corrected = before.verdicts.copy(), before.p_values.copy()
    for step in np.argsort(p):  # NaN comes last
        pair = on[step]
        if np.isnan(p[step]) or verdicts[pair]:
            continue
        undecided = int((verdicts == 0).sum())
        corrected[pair] = min(1.0, p[step] * undecided * LEVEL / level)
        if p[step] > level / undecided:
            later = on[(verdicts[on] == 0) & ~np.isnan(p)]
            corrected[later] = np.minimum(1.0, p[(verdicts[on] == 0) & ~np.isnan(p)] * undecided * LEVEL / level)
            break
        verdicts[pair] = int(np.sign(mean[pair]))
    return verdicts, corrected


def _matrix(count: int, a: Indices, b: Indices, values: Floats, antisymmetric: bool = False) -> Floats:
    """Values of pairs [P] as [E, E]; NaN where there is no pair."""
    found = np.full((count, count), np.nan)
    found[a, b], found[b, a] = values, -values if antisymmetric else values
    return found


def _ahead_of_the_best(ahead: Floats, margin: Floats, compared: Bools, beaten: Bools) -> tuple[Floats, Floats]:
    """How far each experiment is ahead of the best of the others, at least and at most [E]: zero is in between, or an
    end. NaN where it is not compared."""
    alone = ~compared | (compared.sum() < 2)
    most = np.where(np.isnan(ahead), np.inf, ahead + margin).min(axis=1, initial=np.inf)
    rivals = ~np.isnan(ahead) & ~beaten  # among them is the best
    least = np.where(rivals, ahead - margin, np.inf).min(axis=1, initial=np.inf)
    return np.where(alone, np.nan, np.minimum(least, 0)), np.where(alone, np.nan, np.maximum(most, 0))


def _alone(rest: Bools, worse: Bools) -> str:
    """Why a race is over in which fewer than two experiments are left."""
    if rest.sum() > 1:
        return ""
    if not rest.any():
        return End.NONE
    return End.BEST if worse.any() else End.ALONE


def _needs_images(
    rule: Rule, mean: Floats, over: Uncertainty, images: ImageVariance, n: int, experiments: float, level: float
) -> bool:
    """Whether no pair of the leader would be decided at the last look, and the test images are why.

    Differences are taken for larger than found by one standard error over seeds. At the last look, the seeds' variance
    is what is known now by their number, and the images' share of it is gone, so that only their own variance is left.
    """
    last = rule.looks[-1]
    seeds = over.variance * n / last
    freedom = last - 1 + prior_freedom(np.full(len(mean), float(last)), np.full(len(mean), experiments))
    both = over_both(Uncertainty(seeds, freedom), ImageVariance(images.net, np.zeros(len(mean)), images.freedom))
    critical = stdtrit(both.freedom, 1 - level * rule.weights[-1] / _weight_at(rule, n)) * both.error
    undecided = np.abs(mean) + over.error < critical
    within = rule.indifference > 0 and bool((critical - np.abs(mean) <= rule.indifference).all())
    return bool((undecided & (images.net >= seeds)).all()) and not within


def _weight_at(rule: Rule, n: int) -> float:
    return rule.weights[rule.looks.index(n)]


def first(standings: Sequence[Standing], place: int) -> Standing | None:
    """The standing at the look at which an experiment left; None while it is in the race."""
    return next((standing for standing in standings if standing.left[place]), None)
