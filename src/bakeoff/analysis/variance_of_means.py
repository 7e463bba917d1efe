"""How far off a mean difference of two experiments may be: over seeds, over test images, and over both.

**Seeds.** The variance of a pair's differences over a handful of seeds is itself uncertain. From four experiments on a
dataset on, it is moderated: pulled up towards the mean variance of all the dataset's pairs, never down (after Smyth
2004, "Linear models and empirical Bayes methods"). The mean counts as `prior_freedom` more degrees of freedom.

**Both.** Seeds and test images are crossed: every seed meets every image. The variance of the mean is that over seeds,
plus that over images, minus their interaction, which both hold (Cameron, Gelbach & Miller 2011, "Robust inference with
multiway clustering"; the crossed random-effects model gives the same moments). It is at least the larger of the two.
Degrees of freedom are Satterthwaite's (1946).

**Tuning.** Where hyper-parameters were tuned several times over, what other tuning would have chosen is a third,
independent source (variance_of_tuning.py), which is added to either.

Images enter through their influences on the metric (see test_set_error.py), so that this holds for a metric that is no
mean over images, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from bakeoff.analysis.intervals import Indices, Spread
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.results.predictions import Bools, Floats

FEWEST_EXPERIMENTS = 4  # on a dataset, from which on variances are moderated: with fewer, verdicts would err more often


@dataclass(frozen=True)
class Uncertainty:
    """The squared standard error of P means and its degrees of freedom, each [P]; NaN where it is not defined."""

    variance: Floats
    freedom: Floats

    @property
    def error(self) -> Floats:
        """The standard error [P]."""
        return np.sqrt(self.variance)

    def __getitem__(self, rows: Indices | slice) -> "Uncertainty":
        return Uncertainty(self.variance[rows], self.freedom[rows])


@dataclass(frozen=True)
class ImageVariance:
    """The variance of P means over test images and the interaction with seeds that is in it, each [P].

    NaN where fewer than two seeds, or one image, do not tell them apart.
    """

    images: Floats
    interaction: Floats
    freedom: Floats

    @property
    def net(self) -> Floats:
        """What no number of seeds takes away [P]."""
        return np.maximum(self.images - self.interaction, 0.0)

    def __getitem__(self, rows: Indices | slice) -> "ImageVariance":
        return ImageVariance(self.images[rows], self.interaction[rows], self.freedom[rows])


UNKNOWN = ImageVariance(*np.full((3, 1), np.nan))  # of one mean


def joined(parts: Sequence[ImageVariance]) -> ImageVariance:
    """Those of several groups of means, one after the other."""
    columns = zip(*((part.images, part.interaction, part.freedom) for part in parts), strict=True)
    return ImageVariance(*(np.concatenate(column) for column in columns))


def half_width(uncertainty: Uncertainty) -> Floats:
    """Half of the 95 % interval of means [P]; NaN where nothing says how far off they may be."""
    error = np.where(uncertainty.error > 0, uncertainty.error, np.nan)
    return stdtrit(uncertainty.freedom, (1 + CONFIDENCE) / 2) * error


def prior_freedom(count: Floats, experiments: Floats) -> Floats:
    """How many degrees of freedom the mean variance of a dataset's pairs counts as, for n seeds and k experiments."""
    return np.where(experiments < FEWEST_EXPERIMENTS, 0.0, np.where(count < 5, 2.0, 4.0))


def over_seeds(found: Spread, experiments: Floats, groups: Indices) -> Uncertainty:
    """The uncertainty of mean differences over seeds.

    `found` are P pairs' differences; `groups` [P] numbers the datasets that they are on, and `experiments` [P] says how
    many experiments there are.
    """
    squares, degrees = found.deviation**2, found.count - 1.0
    known = ~np.isnan(squares)
    size = int(groups.max(initial=-1)) + 1
    counts = np.bincount(groups[known], minlength=size)
    means = np.bincount(groups[known], squares[known], minlength=size) / np.maximum(counts, 1)
    prior = prior_freedom(found.count, experiments)
    with np.errstate(invalid="ignore", divide="ignore"):
        moderated = (prior * means[groups] + degrees * squares) / (prior + degrees)
        variance = np.maximum(squares, moderated) / found.count
    return Uncertainty(variance, np.where(known, degrees + prior, np.nan))


def over_both(seeds: Uncertainty, images: ImageVariance, on_cuts: Bools | None = None) -> Uncertainty:
    """The uncertainty of means on other images and with other seeds; NaN where either is unknown.

    `on_cuts` [P] says where images are those of several cuts of the data (variance_over_cuts.py). There it is that over
    cuts alone where its interval is the wider: with two or three cuts, verdicts would else err too often, in studies
    whose cuts are alike by chance. With one seed nothing else is known, and what other seeds do is in it, but for what
    a seed has in common on all cuts.
    """
    larger = np.maximum(seeds.variance, images.images)
    variance = np.maximum(seeds.variance + images.images - images.interaction, larger)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = seeds.variance**2 / seeds.freedom + images.images**2 / images.freedom
        both, alone = Uncertainty(variance, variance**2 / parts), Uncertainty(images.images, images.freedom)
    if on_cuts is None:
        return both
    wider = on_cuts & ~(half_width(both) >= half_width(alone))
    return Uncertainty(np.where(wider, alone.variance, both.variance), np.where(wider, alone.freedom, both.freedom))


def summed(parts: Sequence[Uncertainty]) -> Uncertainty:
    """The uncertainty of sums or differences of independent means; degrees of freedom are Satterthwaite's."""
    variance = np.sum([part.variance for part in parts], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.sum([np.where(part.variance > 0, part.variance**2 / part.freedom, 0) for part in parts], axis=0)
        freedom = np.where(shares > 0, variance**2 / shares, parts[0].freedom)
    return Uncertainty(variance, np.where(np.isnan(variance), np.nan, freedom))


def image_variance(influences: Floats, a: Indices, b: Indices, seeds: Bools) -> ImageVariance:
    """The variance over images of the mean differences of P pairs of experiments, over the seeds of each [P, S].

    `influences` [E, S, N] are those of N test images on the score of each experiment and seed, anything where there is
    no run; `a` and `b` [P] are the pairs' places among the experiments.
    """
    images, interaction = np.full((2, len(a)), np.nan)
    masks, which = np.unique(seeds, axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        rows = np.flatnonzero(which.reshape(-1) == number)
        if mask.sum() < 2:
            continue
        members, places = np.unique(np.concatenate([a[rows], b[rows]]), return_inverse=True)
        here = influences[np.ix_(members, np.flatnonzero(mask))].astype(float)  # [e, n, N]
        first, second = places.reshape(2, -1)
        images[rows], interaction[rows] = _variances(
            _squared_distances(here.mean(axis=1), first, second),
            np.sum([_squared_distances(seed, first, second) for seed in here.swapaxes(0, 1)], axis=0),
            *here.shape[1:],
        )
    return ImageVariance(images, interaction, np.full(len(a), influences.shape[2] - 1.0))


def image_variance_of_score(influences: Floats) -> ImageVariance:
    """The same for the mean score of one experiment, from the influences [S, N] on each of its runs."""
    seeds, images = influences.shape
    mean, each = (influences.mean(axis=0) ** 2).sum(), (influences**2).sum()
    found = _variances(np.array([mean]), np.array([each]), seeds, images)
    return ImageVariance(*found, np.array([images - 1.0]))


def averaged(parts: Sequence[ImageVariance]) -> ImageVariance:
    """The variance over images of means over datasets, whose test images have nothing to do with each other."""
    count = len(parts)
    images = np.stack([part.images for part in parts]) / count**2
    interaction = sum(part.interaction for part in parts) / count**2
    freedom = np.stack([part.freedom for part in parts])
    with np.errstate(invalid="ignore", divide="ignore"):
        together = images.sum(axis=0) ** 2 / (images**2 / freedom).sum(axis=0)
    return ImageVariance(images.sum(axis=0), np.asarray(interaction), together)


def _squared_distances(vectors: Floats, first: Indices, second: Indices) -> Floats:
    """|u - v|² [P] of pairs among vectors [e, N]."""
    products = vectors @ vectors.T
    lengths = np.diagonal(products)
    return np.maximum(lengths[first] + lengths[second] - 2 * products[first, second], 0.0)


def _variances(of_mean: Floats, of_seeds: Floats, seeds: int, images: int) -> tuple[Floats, Floats]:
    """Variance over images and interaction [P], from squared influences summed over images: of the mean over seeds [P],
    and of all seeds [P]."""
    if images < 2:
        return np.full_like(of_mean, np.nan), np.full_like(of_mean, np.nan)
    of_images = of_mean * images / (images - 1)
    if seeds < 2:
        return of_images, np.full_like(of_mean, np.nan)
    residual = np.maximum(of_seeds - seeds * of_mean, 0.0) * images
    return of_images, residual / ((seeds - 1) * (images - 1) * seeds)
