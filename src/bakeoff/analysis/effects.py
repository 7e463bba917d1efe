"""What each choice does to the score: the effect of every level of an axis, averaged over the other choices.

The effect of an architecture is how far its test score lies from the mean of all architectures, with the same dataset,
optimizer, recipe and seed, averaged over all such settings. Only settings that have every level count: elsewhere, what
differs would be more than the one choice. Where no setting does, as in a ladder of experiments, an axis has no effects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.score_matrices import ALL_DATASETS, ScoreMatrix
from bakeoff.analysis.test_set_error import RunInfluences, aligned
from bakeoff.analysis.variance_of_means import (
    ImageVariance,
    Uncertainty,
    averaged,
    half_width,
    image_variance_of_score,
    joined,
    over_both,
)
from bakeoff.analysis.variance_over_cuts import variance_of_score
from bakeoff.results.predictions import Bools, Floats
from bakeoff.results.significant_digits import rounded
from bakeoff.study.matrix import FACETS, Experiment

AXES = FACETS[1:]  # scores on different data do not compare, so a dataset has no effect
Setting = Mapping[str, Experiment]  # level → the experiment that has it, all else equal


def effects_table(matrices: Sequence[ScoreMatrix], influences: Mapping[str, RunInfluences]) -> pd.DataFrame:
    """One row per axis and level, in the order of the study; effects of an axis add up to zero.

    Seeds count that every experiment of the axis's settings completed. `influences` are those of the test images on the
    score of each run, by experiment: what is known of other images.
    """
    datasets = [matrix for matrix in matrices if matrix.dataset != ALL_DATASETS]
    scores = {
        Experiment(*name.split("/")): values
        for matrix in datasets
        for name, values in matrix.by_name.items()
        if not np.isnan(values).all()
    }
    seeds = datasets[0].seeds if datasets else []
    cuts = {matrix.dataset: matrix for matrix in datasets if matrix.cuts is not None}
    return pd.DataFrame([row for axis in AXES for row in _effects(axis, scores, seeds, influences, cuts)])


def _effects(
    axis: str,
    scores: Mapping[Experiment, Floats],
    seeds: Sequence[int],
    influences: Mapping[str, RunInfluences],
    cuts: Mapping[str, ScoreMatrix],
) -> list[dict[str, object]]:
    levels = list(dict.fromkeys(getattr(cell, axis) for cell in scores))
    settings = _complete_settings(axis, levels, scores)
    if len(levels) < 2 or not settings:
        return []
    found = np.array([[scores[setting[level]] for level in levels] for setting in settings])  # [settings, levels, S]
    completed = ~np.isnan(found).any(axis=(0, 1))
    if not completed.any():
        return []
    by_seed = (found - found.mean(axis=1, keepdims=True)).mean(axis=0)[:, completed]
    over_seeds = spread(by_seed)
    variance = Uncertainty(over_seeds.deviation**2 / over_seeds.count, over_seeds.count - 1.0)
    images = _image_variance(levels, settings, seeds, completed, influences, cuts)
    on_cuts = np.full(len(levels), all(setting[levels[0]].dataset in cuts for setting in settings))
    half = half_width(over_both(variance, images, on_cuts))
    return [
        {
            "axis": axis,
            "level": level,
            "settings": len(settings),
            "seeds": int(completed.sum()),
            "effect": over_seeds.mean[row],
            "overall_low": over_seeds.mean[row] - half[row],
            "overall_high": over_seeds.mean[row] + half[row],
            "low": over_seeds.low[row],
            "high": over_seeds.high[row],
            "by_seed": " ".join(f"{rounded(float(value)):.6g}" for value in by_seed[row]),
        }
        for row, level in enumerate(levels)
    ]


def _complete_settings(axis: str, levels: Sequence[str], cells: Mapping[Experiment, Floats]) -> list[Setting]:
    """The settings of the other axes that have an experiment for every level."""
    settings: dict[Experiment, dict[str, Experiment]] = {}
    for cell in cells:
        settings.setdefault(replace(cell, **{axis: ""}), {})[getattr(cell, axis)] = cell
    return [setting for setting in settings.values() if len(setting) == len(levels)]


def _image_variance(
    levels: Sequence[str],
    settings: Sequence[Setting],
    seeds: Sequence[int],
    completed: Bools,
    influences: Mapping[str, RunInfluences],
    cuts: Mapping[str, ScoreMatrix],
) -> ImageVariance:
    """The variance of the effects of L levels over test images, which are others for every dataset.

    `cuts` are the scores on datasets that are split repeatedly, where it is that over their cuts.
    """
    datasets = list(dict.fromkeys(setting[levels[0]].dataset for setting in settings))
    parts = []
    for dataset in datasets:
        here = [setting for setting in settings if setting[levels[0]].dataset == dataset]
        names = [setting[level].key for setting in here for level in levels]
        weight = len(here) * len(datasets) / len(settings)  # where settings are spread unevenly over datasets
        if dataset in cuts:
            on_cuts = cuts[dataset].cuts_of(names)
            effects = weight * _effects_of(on_cuts.scores[:, :, completed], len(here), len(levels))
            parts.append(joined([variance_of_score(effect, on_cuts.overlap) for effect in effects]))
            continue
        each = aligned(names, seeds, influences)[:, completed]
        effects = weight * _effects_of(each, len(here), len(levels))
        parts.append(joined([image_variance_of_score(effect) for effect in effects]))
    return averaged(parts)


def _effects_of(each: Floats, settings: int, levels: int) -> Floats:
    """The effects of the levels [L, S, N] from influences of settings times levels [settings * L, S, N], or [L, K, S]
    from their scores on cuts."""
    by_level = each.reshape(settings, levels, *each.shape[1:])
    return np.asarray(by_level.mean(axis=0, dtype=float) - by_level.mean(axis=(0, 1), dtype=float))
