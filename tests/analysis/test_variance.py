"""Shares of variance, against statsmodels' analysis of variance."""

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from bakeoff.analysis.variance import variance_table


def made_runs(**levels: int) -> pd.DataFrame:
    """A run for each combination; the axes without levels have one."""
    axes = {name: range(levels.get(name, 1)) for name in ("dataset", "architecture", "optimizer", "recipe", "seed")}
    runs = pd.DataFrame(list(itertools.product(*axes.values())), columns=list(axes))
    draw = np.random.default_rng(0)
    runs["test_accuracy"] = 0.1 * runs["architecture"] + 0.05 * runs["architecture"] * runs["optimizer"]
    runs["test_accuracy"] += draw.normal(0, 0.02, len(runs))
    return runs.assign(status="completed", **{name: runs[name].map("n{}".format) for name in axes if name != "seed"})


@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_sums_of_squares_are_statsmodels_of_type_two(kept: float) -> None:
    runs = made_runs(architecture=3, optimizer=3, recipe=2, seed=5).sample(frac=kept, random_state=0)
    names = ["architecture", "optimizer", "recipe", "seed"]
    formula = "+".join(
        [f"C({name})" for name in names] + [f"C({a}):C({b})" for a, b in itertools.combinations(names, 2)]
    )
    expected = anova_lm(ols(f"test_accuracy ~ {formula}", runs).fit(), typ=2)
    table = variance_table(runs, "test_accuracy").set_index("term")
    for term, row in expected.iterrows():
        name = "residual" if term == "Residual" else str(term).replace("C(", "").replace(")", "")
        assert table.loc[name, "sum_of_squares"] == pytest.approx(row["sum_sq"], rel=1e-6), name
        assert table.loc[name, "degrees_of_freedom"] == row["df"], name
    assert table["balanced"].all() == (kept == 1)
    parts = table.drop(index="total")
    assert parts["share"].sum() == pytest.approx(1)
    assert ("shared" in table.index) == (kept < 1)


def test_the_choice_that_matters_has_the_largest_share() -> None:
    table = variance_table(made_runs(architecture=4, optimizer=2, seed=5), "test_accuracy").set_index("term")
    assert table["share"].drop(index="total").idxmax() == "architecture"
    assert table.loc["seed", "share"] < 0.05


def test_empty_cells_take_degrees_of_freedom_and_break_nothing() -> None:
    runs = made_runs(architecture=3, optimizer=3, seed=4)
    runs = runs[~((runs["architecture"] == "n2") & (runs["optimizer"] != "n0"))]
    table = variance_table(runs, "test_accuracy").set_index("term")
    assert table.loc["architecture:optimizer", "degrees_of_freedom"] == 2  # not 4: two cells are empty
    assert table["degrees_of_freedom"].drop(index="total").sum() == len(runs) - 1
    assert not table["balanced"].any()


def test_a_choice_that_diverged_everywhere_leaves_the_matrix_unbalanced() -> None:
    runs = made_runs(architecture=3, optimizer=2, seed=4)
    runs.loc[runs["architecture"] == "n2", ["status", "test_accuracy"]] = ["diverged", np.nan]
    table = variance_table(runs, "test_accuracy").set_index("term")
    assert not table["balanced"].any()
    assert table.loc["architecture", "degrees_of_freedom"] == 1
    assert table["share"].drop(index="total").sum() == pytest.approx(1)


def test_what_cannot_be_explained_has_no_shares() -> None:
    constant = made_runs(architecture=2, seed=3).assign(test_accuracy=0.5)
    assert variance_table(constant, "test_accuracy")["share"].isna().all()
    assert len(variance_table(made_runs(), "test_accuracy")) == 0
    assert len(variance_table(constant.assign(status="diverged"), "test_accuracy")) == 0
    seeds = variance_table(made_runs(seed=4), "test_accuracy").set_index("term")["share"]
    assert seeds.to_dict() == pytest.approx({"seed": 1, "residual": 0, "total": 1})


def test_balanced_studies_of_any_size_need_no_least_squares() -> None:
    """Which would take minutes and gigabytes of 5,000 combinations."""
    table = variance_table(made_runs(architecture=1_000, optimizer=2, seed=5), "test_accuracy").set_index("term")
    assert table["balanced"].all() and table["share"].drop(index="total").sum() == pytest.approx(1)
    assert table.loc["architecture:seed", "degrees_of_freedom"] == 999 * 4


def test_large_unbalanced_studies_leave_the_largest_pairs_to_the_residual() -> None:
    runs = made_runs(architecture=350, optimizer=2, seed=5).iloc[1:]
    table = variance_table(runs, "test_accuracy").set_index("term")
    assert "architecture:optimizer" in table.index and "architecture:seed" not in table.index
    assert table["degrees_of_freedom"].drop(index="total").sum() == len(runs) - 1
