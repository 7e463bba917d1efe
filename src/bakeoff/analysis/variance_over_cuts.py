"""How far off a mean score, or difference, may be on other cuts of the data into training and test images.

The cuts of a dataset are drawn from the same images, so their training sets overlap and their scores are alike: the
variance of K cuts' scores says too little of the data's own. Nadeau & Bengio (2003, "Inference for the generalization
error") correct it: s² · (1/K + test images / other images) in place of s² / K. It has K - 1 degrees of freedom, and is
moderated over the pairs of a dataset as the variance over seeds is.

A cut has test images of its own, so cuts stand where test images stand on a single cut, and are crossed with seeds
likewise (variance_of_means.py). Images that count more for training than for testing are beyond the correction.
"""

from dataclasses import dataclass

import numpy as np

from bakeoff.analysis.intervals import Indices, spread
from bakeoff.analysis.variance_of_means import ImageVariance, over_seeds
from bakeoff.results.predictions import Bools, Floats


@dataclass(frozen=True)
class CutScores:
    """Scores [E, K, S] of experiments on K cuts of a dataset, NaN where there is no completed run.

    `overlap` is the number of test images by that of all others, NaN where it is not known.
    """

    scores: Floats
    overlap: float

    @property
    def over_cuts(self) -> Floats:
        """The mean [E, S] over the cuts, NaN where one of them is missing."""
        return np.asarray(self.scores.mean(axis=1))


def variance_of_pairs(cuts: CutScores, a: Indices, b: Indices, seeds: Bools) -> ImageVariance:
    """The variance over cuts of the mean differences of P pairs of experiments, over the seeds of each [P, S].

    `a` and `b` [P] are the pairs' places among the experiments.
    """
    differences = cuts.scores[a] - cuts.scores[b]
    experiments = sum(bool(np.isfinite(scores).any()) for scores in cuts.scores)
    return variance_over_cuts(differences, cuts.overlap, seeds, experiments)


def variance_of_score(scores: Floats, overlap: float) -> ImageVariance:
    """The same for the mean score of one experiment, from its scores [K, S]."""
    complete = np.isfinite(scores.sum(axis=0, keepdims=True))
    return variance_over_cuts(scores[None], overlap, complete, 1.0)


def variance_over_cuts(values: Floats, overlap: float, seeds: Bools, experiments: float) -> ImageVariance:
    """The variance over cuts of the means of P scores or differences [P, K, S], over the seeds of each [P, S].

    `experiments` is how many there are on the dataset: from four on, variances are moderated.
    """
    cuts = values.shape[1]
    known = np.where(seeds[:, None], values, np.nan)
    count = seeds.sum(axis=1)
    total = np.where(seeds[:, None], values, 0.0).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_cuts = total / count[:, None]  # [P, K]
        residual = known - of_cuts[:, :, None] - known.mean(axis=1, keepdims=True) + of_cuts.mean(axis=1)[:, None, None]
        interaction = np.nansum(residual**2, axis=(1, 2)) / ((cuts - 1) * (count - 1)) / (cuts * count)
    found = over_seeds(spread(of_cuts), np.full(len(values), experiments), np.zeros(len(values), np.int64))
    corrected = found.variance * (1 + cuts * overlap)
    return ImageVariance(corrected, np.where(count > 1, interaction, np.nan), found.freedom)
