"""Pairs of experiments of a whole study."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.multitest import multipletests

from bakeoff.analysis import comparisons
from bakeoff.analysis.score_matrices import score_matrices
from bakeoff.analysis.single_runs import SingleRun, mcnemar, single_runs_table
from bakeoff.analysis.test_set_error import RunInfluences
from bakeoff.study.metrics import METRICS, Metric

ACCURACY = METRICS["accuracy"]


def made_runs(scores: np.ndarray, datasets: tuple[str, ...] = ("d",)) -> pd.DataFrame:
    """Runs of accuracies [datasets, architectures, seeds]; NaN diverged."""
    cells = itertools.product(datasets, range(scores.shape[1]), range(scores.shape[2]))
    runs = pd.DataFrame(
        [(dataset, f"a{architecture}", "o", "r", seed) for dataset, architecture, seed in cells],
        columns=["dataset", "architecture", "optimizer", "recipe", "seed"],
    )
    values = scores.reshape(-1)
    return runs.assign(test_accuracy=values, status=np.where(np.isnan(values), "diverged", "completed"))


def comparisons_table(runs: pd.DataFrame, metric: Metric, influences: dict[str, RunInfluences]) -> pd.DataFrame:
    return comparisons.comparisons_table(score_matrices(runs, f"test_{metric.name}"), metric, influences, {}, {})


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.9, 0.01, shape)


def test_every_pair_is_the_paired_test_of_scipy_corrected_for_all() -> None:
    scores = draws(1, 4, 6)
    scores[0, 2] += 0.05
    scores[0, 1, 3] = np.nan
    table = comparisons_table(made_runs(scores), ACCURACY, {})
    pairs = [(later, earlier) for earlier, later in itertools.combinations(range(4), 2)]
    squares = np.nanvar([scores[0, later] - scores[0, earlier] for later, earlier in pairs], axis=1, ddof=1)
    p_values = []
    for (later, earlier), (_, row) in zip(pairs, table.iterrows(), strict=True):
        assert (row["a"], row["b"]) == (f"d/a{later}/o/r", f"d/a{earlier}/o/r")
        both = ~np.isnan(scores[0, later] + scores[0, earlier])
        first, second = scores[0, later, both], scores[0, earlier, both]
        test = stats.ttest_rel(first, second)
        interval = test.confidence_interval()
        freedom, square = len(first) - 1, np.var(first - second, ddof=1)
        square = max(square, (4 * squares.mean() + freedom * square) / (4 + freedom))  # moderated
        p_value = 2 * stats.t.sf(abs(np.mean(first - second)) / np.sqrt(square / len(first)), freedom + 4)
        assert row["p_value"] == pytest.approx(p_value)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["difference"] == pytest.approx(np.mean(first - second))
        assert (row["seeds"], row["unpaired"]) == (both.sum(), 6 - both.sum())
        assert np.isnan(row["p_sign_flip"]) == (both.sum() < 6)
        p_values.append(p_value)
    assert table["p_holm"].to_numpy() == pytest.approx(multipletests(p_values, method="holm")[1])
    assert (table["comparisons"] == 6).all()
    involved = table["a"].str.contains("a2") | table["b"].str.contains("a2")
    assert set(table.loc[involved, "verdict"]) <= {"better_on_these_images", "worse_on_these_images"}
    unclear = table["verdict"] == "not_distinguishable"
    assert table.loc[unclear, "seeds_needed"].notna().any()
    assert table[["overall_low", "p_overall", "test_set_error"]].isna().all(axis=None)  # no predictions, no images


def test_where_lower_is_better_the_verdict_turns_and_the_difference_does_not() -> None:
    scores = draws(1, 2, 6)
    scores[0, 1] += 0.1
    higher = comparisons_table(made_runs(scores), ACCURACY, {}).iloc[0]
    runs = made_runs(scores).rename(columns={"test_accuracy": "test_loss"})
    lower = comparisons_table(runs, METRICS["loss"], {}).iloc[0]
    assert (higher["verdict"], lower["verdict"]) == ("better_on_these_images", "worse_on_these_images")
    assert (higher["probability"], lower["probability"]) == (1, 0)
    for column in ("difference", "low", "high", "std", "effect_size", "p_holm", "mean_a"):
        assert lower[column] == pytest.approx(higher[column])


def test_many_experiments_are_listed_by_neighbours_and_with_the_best_and_corrected_for_all_pairs() -> None:
    scores = draws(1, 30, 5)
    scores[0, 17] += 0.02
    table = comparisons_table(made_runs(scores), ACCURACY, {})
    assert len(table) == 29 + 29 - 2
    assert table["neighbours"].sum() == 29 and table["with_best"].sum() == 29
    assert table.loc[table["with_best"], ["a", "b"]].isin(["d/a17/o/r"]).any(axis=1).all()
    later, earlier = np.tril_indices(30, -1)
    differences = scores[0, later] - scores[0, earlier]
    squares = differences.var(axis=1, ddof=1)
    squares = np.maximum(squares, (squares.mean() + squares) / 2)  # five seeds: as many degrees of freedom as the prior
    p_values = 2 * stats.t.sf(np.abs(differences.mean(axis=1)) / np.sqrt(squares / 5), 8)
    expected = dict(zip(zip(later, earlier, strict=True), multipletests(p_values, method="holm")[1], strict=True))
    for _, row in table.iterrows():
        numbers = [int(row[side].split("/")[1][1:]) for side in "ab"]
        assert row["p_holm"] == pytest.approx(expected[tuple(numbers)])
        assert row["comparisons"] == 30 * 29 / 2


def test_several_datasets_are_compared_each_and_by_their_mean_in_one_family() -> None:
    scores = draws(3, 2, 5)
    scores[1, 0, 2] = np.nan
    runs = made_runs(scores, ("x", "y", "z"))
    table = comparisons_table(runs, ACCURACY, {}).set_index("dataset")
    assert list(table.index) == ["x", "y", "z", ""] and (table["comparisons"] == 4).all()
    means = scores.mean(axis=0)
    known = ~np.isnan(means[0])
    test = stats.ttest_rel(means[1, known], means[0, known])
    assert table.loc["", ["a", "b"]].tolist() == ["a1/o/r", "a0/o/r"]
    assert table.loc["", "p_value"] == pytest.approx(test.pvalue) and table.loc["", "seeds"] == 4
    assert [matrix.dataset for matrix in score_matrices(runs, "test_accuracy")] == ["x", "y", "z", ""]


def test_a_configuration_that_is_not_on_every_dataset_has_no_mean() -> None:
    runs = made_runs(draws(2, 3, 4), ("x", "y"))
    runs = runs[~((runs["dataset"] == "y") & (runs["architecture"] == "a1"))]
    table = comparisons_table(runs, ACCURACY, {})
    overall = table[table["dataset"] == ""].set_index(["a", "b"])
    assert overall.loc[("a1/o/r", "a0/o/r"), "verdict"] == "too_few_seeds"
    assert overall.loc[("a2/o/r", "a0/o/r"), "seeds"] == 4


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_have_no_p_value(seeds: int) -> None:
    row = comparisons_table(made_runs(draws(1, 2, seeds)), ACCURACY, {}).iloc[0]
    assert row["verdict"] == "too_few_seeds"
    assert row[["p_value", "p_holm", "p_sign_flip", "seeds_needed", "effect_size"]].isna().all()
    assert np.isnan(row["low"]) == (seeds == 1)
    assert row["smallest_p_sign_flip"] == 2.0 ** (1 - seeds)


def test_all_diverged_or_a_single_experiment_are_no_error() -> None:
    assert len(comparisons_table(made_runs(draws(1, 1, 5)), ACCURACY, {})) == 0
    table = comparisons_table(made_runs(np.full((2, 2, 3), np.nan), ("x", "y")), ACCURACY, {})
    assert set(table["verdict"]) == {"too_few_seeds"} and (table["seeds"] == 0).all()
    assert table["difference"].isna().all() and not table["with_best"].any()
    constant = comparisons_table(made_runs(np.full((1, 3, 4), 0.5)), ACCURACY, {})
    assert set(constant["verdict"]) == {"identical"}


def made_images(chances: tuple[float, ...], dataset: str = "d") -> tuple[np.ndarray, dict[str, RunInfluences]]:
    """Scores [experiments, 3 seeds] of predictions that are right with these chances, and their influences."""
    draw = np.random.default_rng(0)
    correct = np.stack([draw.random((3, 400)) < chance for chance in chances])
    scores = correct.mean(axis=2)
    values = (correct - scores[:, :, None]) / 400
    return scores, {f"{dataset}/a{number}/o/r": RunInfluences((0, 1, 2), each) for number, each in enumerate(values)}


def test_intervals_over_images_and_over_both() -> None:
    scores, influences = made_images((0.8, 0.9))
    row = comparisons_table(made_runs(scores[None]), ACCURACY, influences).iloc[0]
    by_image = 400 * (influences["d/a1/o/r"].values - influences["d/a0/o/r"].values).mean(axis=0)
    error = stats.sem(by_image)
    assert row["difference"] == pytest.approx((scores[1] - scores[0]).mean())
    assert row["test_set_error"] == pytest.approx(error)
    interval = stats.norm.interval(0.95, row["difference"], error)
    assert (row["images_low"], row["images_high"]) == pytest.approx(interval)
    assert row["overall_low"] < row["images_low"]
    assert row["verdict"] == "better" and row["p_overall"] < 0.05


def test_the_same_holds_for_the_mean_over_datasets() -> None:
    (x, of_x), (y, of_y) = made_images((0.8, 0.9), "x"), made_images((0.85, 0.9), "y")
    table = comparisons_table(made_runs(np.stack([x, y]), ("x", "y")), ACCURACY, of_x | of_y).set_index("dataset")
    assert table.loc["", "test_set_error"] == pytest.approx(np.linalg.norm(table.loc[["x", "y"], "test_set_error"]) / 2)
    assert table.loc["", "overall_high"] > table.loc["", "images_high"]


def test_mcnemar_is_statsmodels() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.random(300) < 0.9, draw.random(300) < 0.8
    table = [[(first & second).sum(), (first & ~second).sum()], [(second & ~first).sum(), (~first & ~second).sum()]]
    only_first, only_second, p_value = mcnemar(first, second)
    assert (only_first, only_second) == (table[0][1], table[1][0])
    assert p_value == pytest.approx(reference(table, exact=True).pvalue)
    assert mcnemar(first, first) == (0, 0, 1.0)


def test_single_runs_are_corrected_for_pairs_that_are_not_listed() -> None:
    draw = np.random.default_rng(0)
    runs = {}
    for name, chance in (("x/a", 0.9), ("x/b", 0.8), ("x/c", 0.8), ("x/e", 0.8), ("x/f", 0.8)):
        correct = draw.random(500) < chance
        runs[name] = SingleRun(3, correct.mean(), (correct - correct.mean()) / 500, correct)
    listed = [("x", "x/b", "x/a"), ("x", "x/c", "x/b"), ("x", "x/d", "x/a"), ("", "b", "a")]
    compared = pd.DataFrame(listed, columns=["dataset", "a", "b"])
    table = single_runs_table(compared, runs)
    assert list(table["a"]) == ["x/b", "x/c"] and set(table["seed"]) == {3}
    assert table["p_holm"][0] == pytest.approx(min(1, 10 * table["p_value"][0]))
    row = table.iloc[0]
    assert row["low"] < row["difference"] < row["high"] < 0
    labels = single_runs_table(compared, {name: SingleRun(0, 0.5, None, None) for name in ("x/a", "x/b")})
    assert len(labels) == 1 and labels[["p_value", "p_holm", "low", "only_a"]].isna().all(axis=None)
