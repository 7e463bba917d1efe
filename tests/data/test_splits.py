import numpy as np
import pytest

from bakeoff.data.splits import at_most, exactly_per_class, stratified_split
from bakeoff.errors import BakeoffError

CLASSES = ["a", "b", "c"]
LABELS = np.repeat([0, 1, 2], [50, 30, 20])


def tags(count: int = 5000, labels: int = 20, seed: int = 0) -> np.ndarray:
    """Labels uint8 [count, labels], common and rare ones, correlated, with rows that have none."""
    random = np.random.default_rng(seed)
    frequency = np.linspace(0.004, 0.3, labels)
    base = (random.random((count, labels)) < frequency).astype(np.uint8)
    base[:, 1] |= base[:, 0]  # label 1 always comes with label 0
    return base


def test_multi_label_split_keeps_the_share_of_every_label():
    labels = tags()
    kept, taken = stratified_split(labels, 0.2, 0, [str(k) for k in range(20)])
    assert sorted([*kept, *taken]) == list(range(5000))
    assert len(taken) == pytest.approx(1000, abs=10)
    assert np.abs(labels[taken].sum(0) - 0.2 * labels.sum(0)).max() <= 2
    without = (labels.sum(1) == 0).mean()
    assert (labels[taken].sum(1) == 0).mean() == pytest.approx(without, abs=0.01)
    again = stratified_split(labels, 0.2, 0, [])[1]
    other = stratified_split(labels, 0.2, 1, [])[1]
    assert (again == taken).all() and not np.array_equal(other, taken)


def test_a_random_split_is_worse_than_the_stratified_one():
    labels = tags(1000)
    expected = 0.2 * labels.sum(0)
    _, taken = stratified_split(labels, 0.2, 0, [])
    by_chance = [
        np.abs(labels[np.random.default_rng(seed).permutation(1000)[:200]].sum(0) - expected).mean()
        for seed in range(20)
    ]
    assert np.abs(labels[taken].sum(0) - expected).mean() < 0.3 * min(by_chance)


def test_ignored_labels_are_not_positive():
    labels = np.zeros((100, 2), np.uint8)
    labels[:50, 0], labels[50:, 0] = 1, 255
    _, taken = stratified_split(labels, 0.2, 0, ["a", "b"])
    assert (labels[taken, 0] == 1).sum() == 10


def test_a_rare_label_stays_in_the_training_split():
    labels = np.zeros((40, 2), np.uint8)
    labels[:, 0], labels[3, 1] = 1, 1
    for seed in range(10):
        assert 3 in stratified_split(labels, 0.25, seed, ["a", "b"])[0]


def test_exactly_so_many_of_each_class():
    rows = exactly_per_class(LABELS, 20, 0, CLASSES)
    assert np.bincount(LABELS[rows]).tolist() == [20, 20, 20]
    assert (np.diff(rows) > 0).all()
    assert (exactly_per_class(LABELS, 20, 0, CLASSES) == rows).all()
    assert not np.array_equal(exactly_per_class(LABELS, 20, 1, CLASSES), rows)
    with pytest.raises(BakeoffError, match=r"^21 images of each class are asked for; 'c' has 20"):
        exactly_per_class(LABELS, 21, 0, CLASSES)


@pytest.mark.parametrize(
    ("limit", "counts"), [(10, [5, 3, 2]), (3, [1, 1, 1]), (99, [49, 30, 20]), (500, [50, 30, 20])]
)
def test_limit_is_in_proportion(limit, counts):
    rows = at_most(LABELS, limit, 0, len(CLASSES))
    assert np.abs(np.bincount(LABELS[rows]) - counts).max() <= (limit == 99)
    assert len(rows) == min(limit, 100) == len(set(rows))


def test_limit_keeps_every_class():
    labels = np.repeat(np.arange(200), np.r_[1000, [2] * 199])
    for limit in (200, 48):
        rows = at_most(labels, limit, 0, 200)
        assert np.bincount(labels[rows]).tolist() == [1] * 200


@pytest.mark.parametrize("limit", [20, 37, 200, 4000])
def test_limit_keeps_every_label(limit):
    labels = tags()
    rows = at_most(labels, limit, 0, labels.shape[1])
    assert len(rows) == limit == len(set(rows))
    assert labels[rows].any(0).all()
    if limit >= 200:
        assert np.abs(labels[rows].mean(0) - labels.mean(0)).max() < 0.02
