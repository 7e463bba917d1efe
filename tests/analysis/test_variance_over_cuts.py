"""Several cuts of a dataset: hand-written formulas, and how often verdicts and intervals err."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bakeoff.analysis.comparisons import comparisons_table
from bakeoff.analysis.score_matrices import score_matrices
from bakeoff.analysis.scores import intervals_table
from bakeoff.analysis.test_set_error import ScoreError
from bakeoff.analysis.variance import variance_table
from bakeoff.analysis.variance_over_cuts import variance_of_score
from bakeoff.study.metrics import METRICS
from cuts import WAYS, Way, simulate

ACCURACY = METRICS["accuracy"]
OVERLAP = 0.25  # a fifth of the images are test images


def made_runs(scores: np.ndarray, dataset: str = "d") -> pd.DataFrame:
    """Runs, by whole datasets, of accuracies [architectures, cuts, seeds]; NaN diverged."""
    rows = [
        (dataset, f"a{architecture}", "o", "r", seed, split + 1, f"{dataset}-split{split + 1}")
        for architecture, split, seed in np.ndindex(scores.shape)
    ]
    names = ["dataset", "architecture", "optimizer", "recipe", "seed", "split", "cut"]
    values = scores.reshape(-1)
    status = np.where(np.isnan(values), "diverged", "completed")
    return pd.DataFrame(rows, columns=names).assign(test_accuracy=values, status=status)


def crossed(difference: np.ndarray) -> tuple[float, float]:
    """The squared standard error of the mean of [K, S], and its degrees of freedom, by the textbook."""
    cuts, seeds = difference.shape
    of_seeds = difference.mean(axis=0).var(ddof=1) / seeds
    of_cuts = difference.mean(axis=1).var(ddof=1) * (1 / cuts + OVERLAP)
    residual = difference - difference.mean(axis=0) - difference.mean(axis=1)[:, None] + difference.mean()
    interaction = (residual**2).sum() / (cuts - 1) / (seeds - 1) / cuts / seeds
    variance = max(of_seeds + of_cuts - interaction, of_seeds, of_cuts)
    freedom = variance**2 / (of_seeds**2 / (seeds - 1) + of_cuts**2 / (cuts - 1))
    both, alone = t.ppf(0.975, freedom) * np.sqrt(variance), t.ppf(0.975, cuts - 1) * np.sqrt(of_cuts)
    return (variance, freedom) if both > alone else (of_cuts, cuts - 1)


def test_a_pair_is_judged_by_the_variance_over_seeds_and_cuts() -> None:
    scores = np.random.default_rng(0).normal(0.9, 0.01, (2, 4, 6))
    scores[1] += np.linspace(0.01, 0.05, 4)[:, None]
    row = comparisons_table(
        score_matrices(made_runs(scores), "test_accuracy", {"d": OVERLAP}), ACCURACY, {}, {}, {}
    ).iloc[0]
    difference = scores[1] - scores[0]
    variance, freedom = crossed(difference)
    half = t.ppf(0.975, freedom) * np.sqrt(variance)
    assert row["seeds"] == 6 and row["dataset"] == "d"
    assert row["difference"] == pytest.approx(difference.mean())
    assert [row["overall_low"], row["overall_high"]] == pytest.approx(
        [difference.mean() - half, difference.mean() + half]
    )
    assert row["p_overall"] == pytest.approx(2 * t.sf(abs(difference.mean()) / np.sqrt(variance), freedom))
    alone = t.ppf(0.975, 5) * difference.mean(axis=0).std(ddof=1) / np.sqrt(6)
    assert row["low"] == pytest.approx(difference.mean() - alone)
    of_cuts = difference.mean(axis=1).std(ddof=1) * np.sqrt(1 / 4 + OVERLAP)
    assert row["images_high"] == pytest.approx(difference.mean() + t.ppf(0.975, 3) * of_cuts)


def test_a_score_has_the_same_interval_and_its_deviation_is_over_runs() -> None:
    scores = np.random.default_rng(1).normal(0.9, 0.01, (1, 3, 5))
    errors = {"d/a0/o/r": {"accuracy": ScoreError(0.02, variance_of_score(scores[0], OVERLAP), on_cuts=True)}}
    row = intervals_table(made_runs(scores), {"accuracy": "test_accuracy"}, errors, "test_accuracy", {}).iloc[0]
    variance, freedom = crossed(scores[0])
    assert row["overall_high"] - row["mean"] == pytest.approx(t.ppf(0.975, freedom) * np.sqrt(variance))
    of_seeds = scores[0].mean(axis=0)
    assert row["high"] - row["mean"] == pytest.approx(t.ppf(0.975, 4) * of_seeds.std(ddof=1) / np.sqrt(5))
    assert row["std"] == pytest.approx(scores.std(ddof=1)) and row["completed"] == 15


def test_with_one_seed_the_interval_is_over_cuts_and_there_is_no_verdict() -> None:
    scores = np.random.default_rng(1).normal(0.9, 0.01, (2, 5, 1))
    errors = {"d/a0/o/r": {"accuracy": ScoreError(0.02, variance_of_score(scores[0], OVERLAP), on_cuts=True)}}
    row = intervals_table(made_runs(scores), {"accuracy": "test_accuracy"}, errors, "test_accuracy", {}).iloc[0]
    half = t.ppf(0.975, 4) * scores[0, :, 0].std(ddof=1) * np.sqrt(1 / 5 + OVERLAP)
    assert row["overall_high"] - row["mean"] == pytest.approx(half)
    matrices = score_matrices(made_runs(scores), "test_accuracy", {"d": OVERLAP})
    pair = comparisons_table(matrices, ACCURACY, {}, {}, {}).iloc[0]
    half = t.ppf(0.975, 4) * (scores[1] - scores[0])[:, 0].std(ddof=1) * np.sqrt(1 / 5 + OVERLAP)
    assert pair["overall_high"] - pair["difference"] == pytest.approx(half)
    assert pair["verdict"] == "too_few_seeds"


def test_seeds_that_some_cut_lacks_are_left_out_of_differences() -> None:
    scores = np.random.default_rng(2).normal(0.9, 0.01, (2, 3, 6))
    whole = score_matrices(made_runs(scores[:, :, :5]), "test_accuracy", {"d": OVERLAP})
    scores[0, 2, 5] = np.nan
    lacking = score_matrices(made_runs(scores), "test_accuracy", {"d": OVERLAP})
    one, other = (comparisons_table(each, ACCURACY, {}, {}, {}).iloc[0] for each in (whole, lacking))
    assert other["seeds"] == 5 and other["unpaired"] == 1
    assert other["overall_low"] == pytest.approx(one["overall_low"])


def test_several_datasets_count_alike_however_often_they_are_split() -> None:
    draw = np.random.default_rng(3)
    once = made_runs(draw.normal(0.9, 0.01, (2, 1, 5)), "once").assign(split=0, cut="once")
    thrice = made_runs(draw.normal(0.9, 0.01, (2, 3, 5)), "thrice")
    runs = pd.concat([once, thrice], ignore_index=True)
    matrices = score_matrices(runs, "test_accuracy", {"thrice": OVERLAP})
    assert [matrix.dataset for matrix in matrices] == ["once", "thrice", ""]
    assert matrices[0].cuts is None and matrices[1].cuts is not None
    expected = (matrices[0].scores + matrices[1].cuts.scores.mean(axis=1)) / 2
    assert matrices[2].scores == pytest.approx(expected)
    assert list(comparisons_table(matrices, ACCURACY, {}, {}, {})["dataset"]) == ["once", "thrice", ""]


def test_the_split_is_a_source_of_variance() -> None:
    scores = np.random.default_rng(4).normal(0, 1e-6, (2, 3, 4)) + np.array([0.0, 0.1, 0.3])[:, None]
    table = variance_table(made_runs(scores), "test_accuracy").set_index("term")
    assert table.loc["split", "share"] == pytest.approx(1, abs=1e-6)
    assert table.loc["split", "degrees_of_freedom"] == 2
    assert {"architecture:split", "split:seed"} < set(table.index)


@pytest.mark.parametrize(("way", "experiments"), [(WAYS[1], 2), (WAYS[2], 4), (WAYS[3], 2), (WAYS[4], 2)])
def test_equally_good_experiments_are_seldom_called_better(way: Way, experiments: int) -> None:
    studies = 300
    cell = simulate(way, 5, experiments, studies)
    assert cell.wrong <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)
    assert cell.covered >= 0.92
