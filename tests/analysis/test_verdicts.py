"""How often verdicts err, through benchmarks/verdicts.py: four of its cells with 200 studies each."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.analysis.paired import Pairs, Verdict, judge
from bakeoff.analysis.variance_of_means import image_variance, joined
from verdicts import SHAPES, simulate

STUDIES = 200
BOUND = 0.05 + 2 * np.sqrt(0.05 * 0.95 / STUDIES)


@pytest.mark.parametrize(
    ("shape", "seeds", "experiments"), [("images", 5, 8), ("images", 3, 2), ("ties", 5, 4), ("heavy", 10, 8)]
)
def test_equally_good_experiments_are_seldom_called_better(shape: str, seeds: int, experiments: int) -> None:
    cell = simulate(SHAPES[shape], seeds, experiments, STUDIES)
    assert cell.better <= BOUND
    assert not cell.on_these_images > BOUND
    assert np.isnan(cell.coverage) or 0.92 <= cell.coverage <= 1


def test_a_difference_on_these_images_alone_is_said_to_be_one() -> None:
    """Methods that find other images hard differ on these with every seed: the verdict says no more than that."""
    images, studies = 360, 60
    draw = np.random.default_rng(0)
    found = {verdict: 0 for verdict in Verdict}
    for _ in range(studies):
        hard = 2 * draw.normal(size=(2, 1, images)) + 0.3 * draw.normal(size=(2, 20, images))
        correct = hard > -2.5
        scores = correct.mean(axis=2)
        of_images = image_variance(
            (correct - scores[:, :, None]) / images, np.array([1]), np.array([0]), np.ones((1, 20), bool)
        )
        judged = judge((scores[1] - scores[0])[None], Pairs(np.array([0]), np.array([2.0]), joined([of_images])))
        found[judged.verdicts[0]] += 1
    assert found[Verdict.BETTER] + found[Verdict.WORSE] <= 6
    assert found[Verdict.BETTER_ON_THESE_IMAGES] + found[Verdict.WORSE_ON_THESE_IMAGES] >= 45


@pytest.mark.parametrize(("seeds", "experiments"), [(5, 8), (10, 4)])
def test_power_is_that_of_the_moderated_t_test(seeds: int, experiments: int) -> None:
    """Against the formula written out for each study: the same pairs are found, no fewer."""
    draw = np.random.default_rng(0)
    b, a = np.triu_indices(experiments, 1)
    for _ in range(50):
        scores = draw.normal(size=(experiments, seeds))
        scores[0] += 3
        differences = scores[a] - scores[b]
        judged = judge(differences, Pairs(np.zeros(len(a), int), np.full(len(a), float(experiments))))
        squares = differences.var(axis=1, ddof=1)
        pulled = np.maximum(squares, (4 * squares.mean() + (seeds - 1) * squares) / (seeds + 3))
        p_values = 2 * stats.t.sf(np.abs(differences.mean(axis=1)) / np.sqrt(pulled / seeds), seeds + 3)
        assert judged.p_values == pytest.approx(p_values)
        decided = np.zeros(len(a), bool)
        for rank, pair in enumerate(np.argsort(p_values)):
            if p_values[pair] > 0.05 / (len(a) - rank):
                break
            decided[pair] = True
        assert [verdict != Verdict.NOT_DISTINGUISHABLE for verdict in judged.verdicts] == decided.tolist()
