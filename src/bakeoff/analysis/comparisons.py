"""Every two experiments of a study compared over their seeds.

**The family.** There is one per study: every pair of experiments on the same dataset and, where there are several
datasets, every pair of configurations (architecture, optimizer, recipe) by their mean over the datasets, seed by seed.
P-values are corrected for all pairs that are tested, listed or not. Listing fewer would not make the family smaller:
the experiment that the others are compared with was found to be the best on the same scores. In a study without any
difference, the chance of even one "better" or "worse" is at most 5 %. The tests and the rule stand in paired.py.

A verdict is about other images of the kind or about these test images alone, as it says; ranks.py is about other
datasets.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bakeoff.analysis.intervals import TWO_SIDED, Indices, spread
from bakeoff.analysis.paired import (
    LEVEL,
    Pairs,
    Verdict,
    effect_size,
    judge,
    probability_of_better,
    seeds_needed,
    smallest_p,
)
from bakeoff.analysis.races import NEEDED, StudyRace, with_race_verdicts
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.analysis.test_set_error import RunInfluences, aligned
from bakeoff.analysis.variance_of_means import (
    ImageVariance,
    Uncertainty,
    averaged,
    half_width,
    image_variance,
    joined,
    summed,
)
from bakeoff.analysis.variance_of_tuning import of_experiments
from bakeoff.analysis.variance_over_cuts import variance_of_pairs
from bakeoff.results.aggregation import CONFIDENCE
from bakeoff.results.predictions import Bools, Floats
from bakeoff.results.significant_digits import rounded
from bakeoff.study.metrics import Metric

ALL_PAIRS = 12  # experiments on a dataset up to which every pair is listed: 66 rows
MORE_SEEDS_MAY_TELL = (Verdict.NOT_DISTINGUISHABLE, Verdict.BETTER_ON_THESE_IMAGES, Verdict.WORSE_ON_THESE_IMAGES)


def comparisons_table(
    matrices: list[ScoreMatrix],
    metric: Metric,
    influences: Mapping[str, RunInfluences],
    races: Mapping[str, StudyRace],
    tuned: Mapping[str, tuple[float, float]],
) -> pd.DataFrame:
    """One row per pair: `a` stands later in the study than `b`, differences are a - b.

    Up to 12 experiments on a dataset, all pairs are listed. With more, these are the experiments that follow each other
    (`neighbours`) and the pairs with the best (`with_best`). `verdict` and `probability` are about better,
    `difference` and `effect_size` about higher.

    `influences` are those of the test images on the score of each run, by experiment: what is known of other images.
    `tuned` are variances over tuning studies and their degrees of freedom, by experiment.
    In `races`, verdicts are theirs, and configurations are not compared over datasets.
    """
    matrices = [matrix for matrix in matrices if not races or matrix.dataset != ALL_DATASETS]
    differences, listed, tables = zip(*(_pairs(matrix, metric) for matrix in matrices), strict=True)
    if not sum(map(len, differences)):
        return pd.DataFrame()
    counts = [len(part) for part in differences]
    experiments = [(~np.isnan(matrix.scores)).any(axis=1).sum() for matrix in matrices]
    images = [_image_variance(matrix, matrices, influences) for matrix in matrices]
    pairs = Pairs(
        groups=np.repeat(np.arange(len(matrices)), counts),
        experiments=np.repeat(np.array(experiments, float), counts),
        images=joined(images),
        tuning=_tuning_variance(matrices, tuned) if tuned else None,
        on_cuts=np.repeat([matrix.cuts is not None for matrix in matrices], counts),
    )
    table = pd.concat(tables, ignore_index=True)
    rows = np.flatnonzero(np.concatenate(listed))
    return with_race_verdicts(table.join(compare_seeds(np.concatenate(differences), metric, pairs, rows)), races)


def compare_seeds(
    differences: Floats, metric: Metric, pairs: Pairs | None = None, rows: Indices | slice = slice(None)
) -> pd.DataFrame:
    """The comparison over seeds of P pairs, from differences of scores a - b [P, S], NaN where either has none.

    P-values are corrected for all pairs. The table has those of `rows`, or all, with the columns of the table
    "comparisons" from `seeds` to `images_high`.
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    oriented = sign * differences
    pairs = pairs or Pairs.alone(len(differences))
    judged = judge(oriented, pairs, rows=rows)
    found, images = judged.spread, pairs.images[rows] if pairs.images else None
    unknown = np.full(len(found.mean), np.nan)
    low, high = (found.low, found.high) if metric.higher_is_better else (-found.high, -found.low)
    if pairs.tuning is not None:
        low, high = (sign * found.mean + end * half_width(judged.here) for end in (-1, 1))
    probability, probability_low, probability_high = probability_of_better(oriented[rows])
    smallest = smallest_p(found.count)
    unclear = np.array([verdict in MORE_SEEDS_MAY_TELL for verdict in judged.verdicts])
    stays = np.nan_to_num(images.net) if images else np.zeros(len(found.mean))
    stays = stays + pairs.tuning[rows].variance if pairs.tuning else stays
    needed = seeds_needed(judged, pairs.experiments[rows], stays)
    overall = half_width(judged.both)
    test_set_error = np.sqrt(images.images) if images else unknown
    few = pairs.on_cuts[rows] if images and pairs.on_cuts is not None else np.zeros(len(unknown), bool)
    of_cuts = stdtrit(images.freedom, (1 + CONFIDENCE) / 2) if images else unknown
    quantile = np.where(few, of_cuts, TWO_SIDED)
    table = pd.DataFrame({
        "seeds": found.count,
        "unpaired": differences.shape[1] - found.count,
        "difference": sign * found.mean,
        "overall_low": sign * found.mean - overall,
        "overall_high": sign * found.mean + overall,
        "low": low,
        "high": high,
        "std": found.deviation,
        "effect_size": sign * effect_size(found),
        "probability": probability,
        "probability_low": probability_low,
        "probability_high": probability_high,
        "comparisons": judged.count,
        "p_overall": judged.p_both,
        "p_overall_holm": judged.p_both_holm,
        "p_value": judged.p_values,
        "p_holm": judged.p_holm,
        "p_sign_flip": np.where((smallest <= LEVEL) & ~np.isnan(judged.p_values), judged.p_sign_flip, np.nan),
        "smallest_p_sign_flip": smallest,
        "verdict": [str(verdict) for verdict in judged.verdicts],
        **{name: np.where(unclear, each, np.nan) for name, each in zip(NEEDED, needed, strict=True)},
        "test_set_error": test_set_error,
        "images_low": sign * found.mean - quantile * test_set_error,
        "images_high": sign * found.mean + quantile * test_set_error,
    })  # fmt: skip
    return table.astype(dict.fromkeys(NEEDED, "Int64"))


def _pairs(matrix: ScoreMatrix, metric: Metric) -> tuple[Floats, Bools, pd.DataFrame]:
    """Of all P pairs of a matrix: differences [P, S], whether each is listed [P], names and means of the listed."""
    earlier, later = np.triu_indices(len(matrix.names), 1)
    means = spread(matrix.scores).mean
    # As they are written, so that the best here is the best of a report.
    written = np.array([rounded(mean) for mean in means])
    oriented = written if metric.higher_is_better else -written
    best = -1 if np.isnan(oriented).all() else np.nanargmax(oriented)
    neighbours, with_best = later - earlier == 1, (later == best) | (earlier == best)
    listed = neighbours | with_best | (len(matrix.names) <= ALL_PAIRS)
    names = np.array(matrix.names, dtype=object)
    table = pd.DataFrame({
        "dataset": matrix.dataset,
        "a": names[later[listed]],
        "b": names[earlier[listed]],
        "neighbours": neighbours[listed],
        "with_best": with_best[listed],
        "mean_a": means[later[listed]],
        "mean_b": means[earlier[listed]],
    })  # fmt: skip
    return matrix.scores[later] - matrix.scores[earlier], listed, table


def _image_variance(
    matrix: ScoreMatrix, matrices: list[ScoreMatrix], influences: Mapping[str, RunInfluences]
) -> ImageVariance:
    """The variance over test images of all pairs of a matrix; of several datasets, of their mean.

    On a dataset that is split repeatedly it is that over its cuts, whose test images are others.
    """
    earlier, later = np.triu_indices(len(matrix.names), 1)
    known = ~np.isnan(matrix.scores)
    seeds = known[later] & known[earlier]

    def on(dataset: ScoreMatrix, names: list[str]) -> ImageVariance:
        if dataset.cuts is not None:
            return variance_of_pairs(dataset.cuts_of(names), later, earlier, seeds)
        return image_variance(aligned(names, matrix.seeds, influences), later, earlier, seeds)

    if matrix.dataset != ALL_DATASETS:
        return on(matrix, matrix.names)
    own = (other for other in matrices if other.dataset != ALL_DATASETS)
    return averaged([on(other, [f"{other.dataset}/{name}" for name in matrix.names]) for other in own])


def _tuning_variance(matrices: list[ScoreMatrix], tuned: Mapping[str, tuple[float, float]]) -> Uncertainty:
    """What other tuning would change in the differences of all pairs of all matrices."""
    parts = [_of_pairs(_of_names(matrix, matrices, tuned), len(matrix.names)) for matrix in matrices]
    variance, freedom = (np.concatenate([getattr(part, name) for part in parts]) for name in ("variance", "freedom"))
    return Uncertainty(variance, freedom)


def _of_names(
    matrix: ScoreMatrix, matrices: list[ScoreMatrix], tuned: Mapping[str, tuple[float, float]]
) -> Uncertainty:
    """That of the scores of a matrix's experiments; of several datasets, of their mean."""
    if matrix.dataset != ALL_DATASETS:
        return of_experiments(matrix.names, tuned)
    datasets = [other.dataset for other in matrices if other.dataset != ALL_DATASETS]
    each = [of_experiments([f"{dataset}/{name}" for name in matrix.names], tuned) for dataset in datasets]
    return summed([Uncertainty(part.variance / len(datasets) ** 2, part.freedom) for part in each])


def _of_pairs(scores: Uncertainty, count: int) -> Uncertainty:
    earlier, later = np.triu_indices(count, 1)
    return summed([scores[later], scores[earlier]])
