"""The two sources of variance, against their formulas written out pair by pair."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from bakeoff.analysis.intervals import spread
from bakeoff.analysis.test_set_error import influences
from bakeoff.analysis.variance_of_means import (
    averaged,
    half_width,
    image_variance,
    image_variance_of_score,
    over_both,
    over_seeds,
)
from made_predictions import class_predictions


def moderated(pairs: list[np.ndarray], experiments: int) -> list[tuple[float, float]]:
    """Squared standard error and degrees of freedom of each pair's differences, one by one."""
    variances = [np.var(pair, ddof=1) for pair in pairs]
    found = []
    for pair, variance in zip(pairs, variances, strict=True):
        n = len(pair)
        prior = 0 if experiments < 4 else 2 if n < 5 else 4
        pulled = (prior * np.mean(variances) + (n - 1) * variance) / (prior + n - 1)
        found.append((max(variance, pulled) / n, prior + n - 1))
    return found


def crossed(difference: np.ndarray) -> tuple[float, float]:
    """Variance over images and interaction of the mean of [n, N]: the mean squares of a two-way table."""
    table = pd.DataFrame(difference).stack().rename("value").rename_axis(["seed", "image"]).reset_index()
    mean = table["value"].mean()
    by_seed = table.groupby("seed")["value"].transform("mean")
    by_image = table.groupby("image")["value"].transform("mean")
    n, images = difference.shape
    of_images = ((by_image - mean) ** 2).sum() / n / (images - 1) / images
    residual = ((table["value"] - by_seed - by_image + mean) ** 2).sum() / ((n - 1) * (images - 1))
    return of_images, residual / (n * images)


@pytest.mark.parametrize(("experiments", "seeds"), [(2, 5), (3, 3), (4, 3), (4, 5), (8, 10)])
def test_variances_over_seeds_are_moderated_from_four_experiments_on(experiments: int, seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(size=(experiments, seeds)) * np.arange(1, experiments + 1)[:, None]
    rows = [scores[a] - scores[b] for a, b in itertools.combinations(range(experiments), 2)]
    if experiments == 8:
        rows[3] = rows[3][:4]  # a pair that has fewer seeds
    padded = np.full((len(rows), seeds), np.nan)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    # A second dataset, of which the first takes nothing.
    other = np.random.default_rng(1).normal(0, 100, (1, seeds))
    groups, counts = np.array([0] * len(rows) + [1]), np.array([float(experiments)] * len(rows) + [2.0])
    found = over_seeds(spread(np.concatenate([padded, other])), counts, groups)
    expected = [*moderated(rows, experiments), (np.var(other, ddof=1) / seeds, seeds - 1)]
    assert np.stack([found.variance, found.freedom], axis=1) == pytest.approx(np.array(expected))


def test_both_sources_are_those_of_a_two_way_table() -> None:
    """Seeds that some experiments lack do not count, and no pair takes another's."""
    draw = np.random.default_rng(0)
    correct = draw.random((4, 6, 50)) < draw.random((4, 1, 50))
    known = np.ones((4, 6), bool)
    known[1, 2] = known[3, 5] = known[3, 0] = False
    found_influences = (correct - correct.mean(axis=2, keepdims=True)) / 50
    found_influences[~known] = np.nan
    a, b = np.array(list(itertools.combinations(range(4), 2))).T
    found = image_variance(found_influences, a, b, known[a] & known[b])
    scores = np.where(known, correct.mean(axis=2), np.nan)
    seeds = over_seeds(spread(scores[a] - scores[b]), np.full(len(a), 2.0), np.arange(len(a)))
    both = over_both(seeds, found)
    for pair, (one, other) in enumerate(zip(a, b, strict=True)):
        difference = (correct[one].astype(float) - correct[other])[known[one] & known[other]]
        of_images, interaction = crossed(difference)
        assert (found.images[pair], found.interaction[pair]) == pytest.approx((of_images, interaction))
        n = len(difference)
        of_seeds = difference.mean(axis=1).var(ddof=1) / n
        total = max(of_seeds + of_images - interaction, of_seeds, of_images)
        freedom = total**2 / (of_seeds**2 / (n - 1) + of_images**2 / 49)
        assert (both.variance[pair], both.freedom[pair]) == pytest.approx((total, freedom))
        assert half_width(both)[pair] == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(total))


def test_the_mean_over_datasets_adds_independent_images() -> None:
    draw = np.random.default_rng(0)
    parts = []
    for images in (30, 80):
        made = draw.normal(size=(2, 4, images))
        parts.append(
            image_variance(made - made.mean(axis=2, keepdims=True), np.array([1]), np.array([0]), np.ones((1, 4), bool))
        )
    together = averaged(parts)
    assert together.images == pytest.approx((parts[0].images + parts[1].images) / 4)
    assert together.interaction == pytest.approx((parts[0].interaction + parts[1].interaction) / 4)
    assert 29 < together.freedom[0] < 29 + 79


def test_one_image_or_one_seed_leaves_other_images_open() -> None:
    one_image = image_variance(np.zeros((2, 3, 1)), np.array([1]), np.array([0]), np.ones((1, 3), bool))
    one_seed = image_variance(np.ones((2, 1, 9)), np.array([1]), np.array([0]), np.ones((1, 1), bool))
    seeds = over_seeds(spread(np.array([[0.1, 0.2, 0.4]])), np.array([2.0]), np.array([0]))
    for found in (one_image, one_seed):
        both = over_both(seeds, found)
        assert np.isnan([both.variance, both.freedom, half_width(both)]).all()
    same = over_both(
        over_seeds(spread(np.ones((1, 3))), np.array([2.0]), np.array([0])), image_variance_of_score(np.zeros((3, 9)))
    )
    assert np.isnan(half_width(same)).all()  # all right with every seed: nothing says how far off that is


def test_scores_on_other_images_and_with_other_seeds_are_in_the_interval() -> None:
    """Macro-F1 of whole simulated test sets and trainings: 95 of 100 intervals hold what infinite ones give."""
    truth = np.mean([influence_and_score(10_000 + study)[0] for study in range(60)])
    held = []
    for study in range(60):
        _, low, high = influence_and_score(study)
        held.append(low <= truth <= high)
    assert np.mean(held) >= 0.87  # of 60


def influence_and_score(seed: int) -> tuple[float, float, float]:
    predictions = class_predictions(runs=5, images=150, classes=4, seed=seed)
    influence = influences(predictions)["macro_f1"]
    scores = np.array([f1_score(predictions.labels, predicted, average="macro") for predicted in predictions.predicted])
    seeds = over_seeds(spread(scores[None]), np.array([1.0]), np.array([0]))
    half = half_width(over_both(seeds, image_variance_of_score(influence)))[0]
    return scores.mean(), scores.mean() - half, scores.mean() + half
