"""What tuning does to verdicts, through benchmarks/tuned_verdicts.py with 60 studies a cell; and how it enters them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bakeoff.analysis.comparisons import comparisons_table
from bakeoff.analysis.score_matrices import score_matrices
from bakeoff.analysis.variance_of_tuning import tuned_scores
from bakeoff.study.metrics import METRICS
from tuned_verdicts import SHAPES, simulate

STUDIES = 60
BOUND = 0.05 + 2 * np.sqrt(0.05 * 0.95 / STUDIES)


@pytest.mark.parametrize("shape", ["flat", "steep", "small validation"])
def test_optimizers_that_are_equal_once_tuned_are_seldom_called_better(shape: str) -> None:
    assert simulate(SHAPES[shape], 2, 1, STUDIES).about_values <= BOUND
    assert simulate(SHAPES[shape], 2, 3, STUDIES).about_optimizers <= BOUND


def test_one_tuning_says_nothing_about_optimizers() -> None:
    """Why the report says what verdicts are about: read otherwise, most of them would be wrong."""
    assert simulate(SHAPES["very steep"], 2, 1, STUDIES).about_optimizers > 0.5


def runs_of(scores: np.ndarray, datasets: tuple[str, ...] = ("d",)) -> pd.DataFrame:
    """Runs of two optimizers with accuracies [datasets, 2, seeds]."""
    rows = [
        (dataset, "a", f"o{optimizer}", "r", seed, "completed", scores[number, optimizer, seed])
        for number, dataset in enumerate(datasets)
        for optimizer in range(2)
        for seed in range(scores.shape[2])
    ]
    return pd.DataFrame(
        rows, columns=["dataset", "architecture", "optimizer", "recipe", "seed", "status", "test_accuracy"]
    )


def compared(runs: pd.DataFrame, tuned: dict[str, tuple[float, float]]) -> pd.DataFrame:
    return comparisons_table(score_matrices(runs, "test_accuracy"), METRICS["accuracy"], {}, {}, tuned)


def test_the_variance_over_tuning_studies_is_added_to_that_over_seeds() -> None:
    scores = np.random.default_rng(0).normal(0.9, 0.01, (1, 2, 5))
    chosen = {0: (0.88, 0.90, 0.95), 1: (0.91, 0.92, 0.90)}
    spread = pd.DataFrame(
        [
            ("d", "a", f"o{optimizer}", "r", number, test)
            for optimizer, found in chosen.items()
            for number, test in enumerate(found)
        ],
        columns=["dataset", "architecture", "optimizer", "recipe", "tuning_study", "test"],
    )
    row = compared(runs_of(scores), tuned_scores(spread)).iloc[0]
    parts = [
        (np.var(scores[0, 1] - scores[0, 0], ddof=1) / 5, 4),
        *((np.var(found, ddof=1), 2) for found in chosen.values()),
    ]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    difference = scores[0, 1].mean() - scores[0, 0].mean()
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(difference) / np.sqrt(total), freedom))
    assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, freedom, difference, np.sqrt(total)))


def test_a_difference_that_tuning_again_may_turn_round_is_no_verdict() -> None:
    scores = np.stack([[[0.90, 0.901, 0.899, 0.9005, 0.9], [0.92, 0.921, 0.9195, 0.92, 0.9205]]])
    assert compared(runs_of(scores), {}).iloc[0]["verdict"] == "better_on_these_images"
    tuned = {"d/a/o0/r": (0.02**2, 2.0), "d/a/o1/r": (0.02**2, 2.0)}
    assert compared(runs_of(scores), tuned).iloc[0]["verdict"] == "not_distinguishable"
    assert compared(runs_of(scores), {"d/a/o0/r": (0.0, 2.0)}).iloc[0]["verdict"] == "better_on_these_images"


def test_over_datasets_it_is_that_of_the_mean() -> None:
    scores = np.random.default_rng(0).normal(0.9, 0.01, (2, 2, 5))
    tuned = {f"{dataset}/a/o0/r": (0.02**2, 2.0) for dataset in "xy"}
    row = compared(runs_of(scores, ("x", "y")), tuned).set_index("dataset").loc[""]
    differences = (scores[:, 1] - scores[:, 0]).mean(axis=0)
    total = np.var(differences, ddof=1) / 5 + 0.02**2 / 2
    assert row["p_value"] == pytest.approx(
        2 * stats.t.sf(abs(differences.mean()) / np.sqrt(total), total**2 / ((total - 0.0002) ** 2 / 4 + 0.0002**2 / 4))
    )
