"""Epochs and seconds to a target, areas, costs of scores, Pareto fronts."""

import numpy as np
import pandas as pd
import pytest

from bakeoff.analysis.speed import pareto_front, speed_table
from bakeoff.analysis.tables import TABLES
from bakeoff.study.metrics import METRICS

ACCURACY = METRICS["accuracy"]
CURVES = {  # (architecture, seed) → validation accuracy by epoch
    ("fast", 0): [0.5, 0.8, 0.9],
    ("fast", 1): [0.6, 0.9, 0.8],
    ("slow", 0): [0.2, 0.4, 0.6],
    ("slow", 1): [0.2, 0.5, 0.7],
}


def made(scale: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and their epochs, two seconds an epoch of the fast model and one of the slow."""
    runs, epochs = [], []
    for (architecture, seed), curve in CURVES.items():
        key = {"dataset": "d", "architecture": architecture, "optimizer": "o", "recipe": "r", "seed": seed}
        seconds = 2.0 if architecture == "fast" else 1.0
        cost = {"training_seconds": seconds * len(curve), "parameters": 2e6 if architecture == "fast" else 1e6}
        runs.append({**key, "status": "completed", "test_accuracy": scale * curve[-1], "macs": 5, **cost})
        for epoch, value in enumerate(curve, 1):
            epochs.append({**key, "epoch": epoch, "validation_accuracy": scale * value, "seconds": seconds})
    return pd.DataFrame(runs), pd.DataFrame(epochs).sample(frac=1, random_state=0)


def test_the_target_is_the_weakest_experiments_best() -> None:
    table = speed_table(*made(), ACCURACY).set_index("architecture")
    assert list(table["target"]) == pytest.approx([0.65, 0.65])
    assert table.loc["fast", ["runs", "reached", "epochs_to_target", "seconds_to_target"]].tolist() == [2, 2, 2, 4]
    # One of two runs reaches it: half is no majority, and the median has no end.
    assert table.loc["slow", "reached"] == 1 and np.isnan(table.loc["slow", "epochs_to_target"])


def test_a_given_target_may_be_reached_by_none() -> None:
    table = speed_table(*made(), ACCURACY, target=0.95).set_index("architecture")
    assert list(table["reached"]) == [0, 0] and table["seconds_to_target"].isna().all()
    assert list(speed_table(*made(), ACCURACY, target=0.6)["epochs_to_target"]) == [1.5, 3]


def test_areas_and_ratios_are_those_of_their_definitions() -> None:
    table = speed_table(*made(), ACCURACY).set_index("architecture")
    areas = [np.trapezoid(CURVES["fast", seed]) / 2 for seed in (0, 1)]
    assert table.loc["fast", "area_under_curve"] == pytest.approx(np.mean(areas))
    assert table.loc["fast", "score_per_second"] == pytest.approx(0.85 / 6)
    assert table.loc["fast", "score_per_million_parameters"] == pytest.approx(0.85 / 2)
    assert table["best_for_parameters"].tolist() == [True, True]
    assert table["best_for_macs"].tolist() == [True, False]


def test_runs_that_diverged_do_not_reach_the_target() -> None:
    runs, epochs = made()
    lost = runs[runs["architecture"] == "fast"].assign(status=["diverged", "out_of_memory"])
    lost["seed"] += 2
    table = speed_table(pd.concat([runs, lost]), epochs, ACCURACY).set_index("architecture")
    assert table.loc["fast", ["runs", "reached"]].tolist() == [4, 2]
    assert np.isnan(table.loc["fast", "epochs_to_target"])  # half of them never do
    assert table.loc["fast", "area_under_curve"] == speed_table(runs, epochs, ACCURACY)["area_under_curve"].iloc[0]


def test_a_run_that_stopped_early_keeps_its_last_score() -> None:
    runs, epochs = made()
    stopped = epochs[~((epochs["architecture"] == "fast") & (epochs["epoch"] == 3))]
    area = speed_table(runs, stopped, ACCURACY).set_index("architecture").loc["fast", "area_under_curve"]
    curves = [[0.5, 0.8, 0.8], [0.6, 0.9, 0.9]]
    assert area == pytest.approx(np.mean([np.trapezoid(curve) / 2 for curve in curves]))


def test_where_lower_is_better_everything_turns_round() -> None:
    runs, epochs = made(scale=-1)
    renamed = {"test_accuracy": "test_loss", "validation_accuracy": "validation_loss"}
    table = speed_table(runs.rename(columns=renamed), epochs.rename(columns=renamed), METRICS["loss"])
    same = speed_table(*made(), ACCURACY)
    assert table["target"].tolist() == pytest.approx((-same["target"]).tolist())
    for column in ("reached", "epochs_to_target", "best_for_macs", "best_for_parameters"):
        assert table[column].tolist() == pytest.approx(same[column].tolist(), nan_ok=True)
    assert table["score_per_second"].isna().all()


def test_nothing_completed_is_an_empty_table() -> None:
    runs, epochs = made()
    table = speed_table(runs.assign(status="diverged"), epochs.head(0), ACCURACY)
    assert len(table) == 0 and list(TABLES["speed"].in_order(table)) == TABLES["speed"].column_names


def test_a_pareto_front_has_no_point_that_another_beats() -> None:
    draw = np.random.default_rng(0)
    score, cost = draw.integers(0, 8, 40).astype(float), draw.integers(0, 8, 40).astype(float)
    score[3] = cost[5] = np.nan
    found = pareto_front(score, cost)
    for point in range(40):
        beaten = any(
            score[other] >= score[point]
            and cost[other] <= cost[point]
            and (score[other] > score[point] or cost[other] < cost[point])
            for other in range(40)
        )
        assert found[point] == (not beaten and not np.isnan([score[point], cost[point]]).any())
