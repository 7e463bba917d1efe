"""Ranks over datasets, against the worked example of Demšar (2006) and scikit-posthocs."""

import numpy as np
import pytest
from scikit_posthocs import posthoc_nemenyi_friedman
from scipy import stats

from bakeoff.analysis.ranks import (
    average_ranks,
    critical_difference,
    friedman,
    friedman_statistic,
    groups,
    profiles_table,
    rank_groups_table,
    rank_pairs_table,
    ranks_table,
)
from bakeoff.analysis.score_matrices import ScoreMatrix
from bakeoff.analysis.tables import TABLES
from bakeoff.study.metrics import METRICS

# Table 6: AUC of C4.5, with parameter m, with parameter cf, with both, on 14 datasets. In "voting" the paper ranks
# 0.975 and 0.975 as 2 and 3, by decimals that it does not print.
AUC = np.array(
    [
        (0.763, 0.768, 0.771, 0.798),
        (0.599, 0.591, 0.590, 0.569),
        (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657),
        (0.882, 0.888, 0.886, 0.898),
        (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685),
        (0.583, 0.583, 0.563, 0.625),
        (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000),
        (0.940, 0.962, 0.965, 0.962),
        (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975),
        (0.957, 0.978, 0.946, 0.970),
    ]
)
NAMES = ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]
ACCURACY = METRICS["accuracy"]


def matrices_of(scores: np.ndarray, names: list[str] = NAMES) -> list[ScoreMatrix]:
    """Scores [datasets, configurations] of one seed."""
    return [
        ScoreMatrix(f"data{index}", [f"data{index}/{name}" for name in names], [0], row[:, None])
        for index, row in enumerate(scores)
    ]


def test_demsars_example() -> None:
    ranks = average_ranks(AUC, higher_is_better=True)
    assert ranks.mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    found = friedman(ranks)
    assert found.statistic == pytest.approx(9.28, abs=5e-3)
    assert found.f_statistic == pytest.approx(3.69, abs=5e-3)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    # The paper: the critical value of F(3, 39) is 2.85, so the null hypothesis is rejected.
    assert found.p_value == pytest.approx(stats.f.sf(3.69, 3, 39), abs=0.01)
    assert found.warning == ""


@pytest.mark.parametrize(("count", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_values_are_those_of_demsars_table_5(count: int, quantile: float) -> None:
    assert critical_difference(count, 20) == pytest.approx(quantile * np.sqrt(count * (count + 1) / 120), rel=3e-4)


def test_without_ties_the_statistic_is_scipys() -> None:
    scores = np.random.default_rng(0).random((12, 5))
    assert friedman_statistic(average_ranks(scores, True)) == pytest.approx(
        stats.friedmanchisquare(*scores.T).statistic
    )


def test_pairs_are_scikit_posthocs_and_differ_where_the_critical_distance_says_so() -> None:
    scores = np.random.default_rng(4).random((15, 6)) + np.linspace(0, 0.8, 6)
    names = [f"c{index}" for index in range(6)]
    table = rank_pairs_table(matrices_of(scores, names), ACCURACY).set_index(["a", "b"])
    expected = posthoc_nemenyi_friedman(scores)
    distance = critical_difference(6, 15)
    for first, second in table.index:
        row = table.loc[(first, second)]
        assert row["p_value"] == pytest.approx(expected.loc[int(first[1]), int(second[1])])
        assert row["distinguishable"] == (abs(row["difference"]) >= distance)
    assert 0 < table["distinguishable"].sum() < len(table)


def test_two_datasets_have_no_power_whatever_they_show() -> None:
    found = friedman(np.array([[1.0, 2], [1, 2]]))
    assert found.p_value == pytest.approx(0.5, abs=0.03)
    assert found.warning == "no_power" and found.datasets_needed == 4
    assert critical_difference(2, 4) <= 1 < critical_difference(2, 3)
    assert friedman(np.tile([1.0, 2], (4, 1))).warning == "few_datasets"


def test_the_test_errs_in_five_of_a_hundred_studies_of_few_datasets() -> None:
    """Which neither the χ² nor the F distribution does with three datasets."""
    draw = np.random.default_rng(0)
    p_values = np.array([friedman(average_ranks(draw.random((3, 3)), True)).p_value for _ in range(300)])
    assert (p_values <= 0.05).mean() <= 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / 300)


def test_groups_are_the_longest_runs_within_the_distance() -> None:
    assert groups(np.array([1.0, 3.0, 1.5, 2.4, 5.0]), 1.0) == [[0, 2], [2, 3], [3, 1]]
    assert groups(np.array([1.0, 1.2, 1.4, 3.0]), 0.5) == [[0, 1, 2]]
    assert groups(np.array([1.0, 3.0]), 1.0) == []


def test_tables_leave_out_what_is_not_on_every_dataset() -> None:
    scores = np.array([[0.9, 0.8, 0.7], [0.6, 0.7, np.nan], [0.9, 0.95, 0.5]])
    matrices = matrices_of(scores, ["a", "b", "c"])
    table = ranks_table(matrices, ACCURACY).set_index(["configuration", "dataset"])["rank"]
    assert table["a"].to_dict() == pytest.approx({"data0": 1, "data1": 2, "data2": 2, "": 5 / 3})
    assert set(table.index.get_level_values(0)) == {"a", "b"}
    assert list(rank_groups_table(matrices, ACCURACY)["configuration"]) == ["b", "a"]
    lower = ranks_table(matrices, METRICS["loss"]).set_index(["configuration", "dataset"])["rank"]
    assert lower[("a", "data0")] == 2


@pytest.mark.parametrize("count", [0, 1])
def test_one_dataset_has_no_ranks(count: int) -> None:
    matrices = matrices_of(np.array([[0.9, 0.8]])[:count], ["a", "b"])
    inputs = {"matrices": matrices, "metric": ACCURACY, "failed": {}}
    for name in ("ranks", "rank_test", "rank_pairs", "rank_groups", "profiles"):
        table = TABLES[name]
        empty = table.in_order(table.make(inputs))
        assert len(empty) == 0 and list(empty.columns) == table.column_names


def test_profiles_count_datasets_within_a_factor_of_the_best_and_runs_above_a_score() -> None:
    matrices = [
        ScoreMatrix("x", ["x/a", "x/b"], [0, 1], np.array([[0.8, 0.8], [0.4, 0.4]])),
        ScoreMatrix("y", ["y/a", "y/b"], [0, 1], np.array([[0.5, 0.7], [0.9, np.nan]])),
    ]
    table = profiles_table(matrices, ACCURACY, {}).set_index(["kind", "configuration"])

    def steps(kind: str, name: str) -> list[tuple[float, float]]:
        part = table.loc[[(kind, name)]]
        return list(zip(part["tau"].round(6), part["share"].round(6), strict=True))

    assert steps("ratio", "a") == [(1, 0.5), (1.5, 1)]  # 0.9 / 0.6 on y
    assert steps("ratio", "b") == [(1, 0.5), (2, 1)]
    assert steps("score", "a") == [(0.5, 1), (0.7, 0.75), (0.8, 0.5)]
    assert steps("score", "b") == [(0.4, 1), (0.9, 0.5)]
    failed = profiles_table(matrices, ACCURACY, {"x/a": 2}).set_index(["kind", "configuration"])
    assert list(failed.loc[[("score", "a")], "share"]) == [0.75, 0.5, 0.25]  # half of its runs on x reach nothing
    loss = profiles_table(matrices, METRICS["loss"], {}).set_index(["kind", "configuration"])
    assert list(loss.loc[[("score", "a")], "share"]) == [0.25, 0.5, 1]
    assert list(loss.loc[[("ratio", "a")], "tau"]) == [1, 2]
