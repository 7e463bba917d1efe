"""The tables about tuning, from results of trials."""

from pathlib import Path
from typing import Any

import pytest

from bakeoff.analysis.statistics import read_statistics, write_statistics
from bakeoff.analysis.tables.of_tuning import TUNING_TABLES
from bakeoff.results.result import Result
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import read_tables, records
from bakeoff.results.trials_table import read_trials
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study
from synthetic_runs import layout_in
from tuned_study import ADAM_CELL, CELL, finished_tuning, tuned_study, write_trials


@pytest.fixture
def tuned(tmp_path: Path) -> tuple[Study, Layout]:
    return finished_tuning(tmp_path)


def rows_of(layout: Layout, name: str, cell: Experiment = CELL) -> list[dict[str, Any]]:
    return [row for row in records(read_statistics(layout, name)) if row["optimizer"] == cell.optimizer]


def test_trials_stand_in_their_own_table_alone(tuned: tuple[Study, Layout]) -> None:
    _, layout = tuned
    assert [row["rank"] for row in rows_of(layout, "tuning_trials")] == [3, 1, 4, 2]
    assert [row["chosen"] for row in rows_of(layout, "tuning_trials")] == [False, True, False, False]
    intervals = [row for row in rows_of(layout, "intervals") if row["metric"] == "accuracy"]
    assert [(row["planned"], row["completed"], row["mean"]) for row in intervals] == [(3, 3, 0.85)]


def test_the_curve_is_the_mean_of_the_best_over_all_subsets(tuned: tuple[Study, Layout]) -> None:
    """The diverged trial counts as the worst that completed: 0.9, 0.5, 0.4, 0.4."""
    _, layout = tuned
    found = rows_of(layout, "tuning_curve")
    assert [row["trials"] for row in found] == [1, 2, 3, 4]
    assert [row["validation"] for row in found] == pytest.approx([0.55, (3 * 0.9 + 2 * 0.5 + 0.4) / 6, 0.8, 0.9])
    assert [row["seconds"] for row in found] == [2.5, 5.0, 7.5, 10.0]


def test_the_ranking_turns_where_the_curves_cross(tuned: tuple[Study, Layout]) -> None:
    _, layout = tuned
    found = [row for row in records(read_statistics(layout, "tuning_leaders")) if row["cost"] == "trials"]
    assert [(row["leader"], row["from"], row["to"]) for row in found] == [(ADAM_CELL.key, 1, 2), (CELL.key, 3, 4)]


def test_what_tuning_brings_is_paired_by_seed(tuned: tuple[Study, Layout]) -> None:
    _, layout = tuned
    (row,) = rows_of(layout, "tuning_gain")
    assert (row["runs"], row["default"], row["tuned"]) == (3, pytest.approx(0.81), pytest.approx(0.85))
    # 0.04, 0.03, 0.05: mean 0.04, deviation 0.01, t(0.975, 2) = 4.303
    assert (row["low"], row["high"]) == pytest.approx(
        (0.04 - 4.3027 * 0.01 / 3**0.5, 0.04 + 4.3027 * 0.01 / 3**0.5), rel=1e-4
    )


def test_the_sensitivity_is_how_much_a_trial_falls_short(tuned: tuple[Study, Layout]) -> None:
    _, layout = tuned
    (row,) = rows_of(layout, "tuning_sensitivity")
    assert (row["trials"], row["without_score"], row["best"]) == (4, 1, 0.9)
    assert row["shortfall"] == pytest.approx((0 + 0.4 + 0.5 + 0.5) / 4)


def test_functions_make_the_columns_of_their_records(tuned: tuple[Study, Layout]) -> None:
    study, layout = tuned
    runs = read_tables(layout).runs
    inputs: dict[str, Any] = {"study": study, "trials": read_trials(study, layout), "runs": runs}
    inputs |= {"metric": study.leading_metric, "score": "test_accuracy"}
    for table in TUNING_TABLES:
        made = table.make(inputs)
        inputs[table.name] = made
        if table.name != "tuning_spread":  # there is one tuning study
            assert len(made) > 0 and sorted(made.columns) == sorted(table.column_names), table.name


def test_the_result_of_a_run_has_the_chosen_values(tuned: tuple[Study, Layout]) -> None:
    _, layout = tuned
    result = Result.model_validate_json(layout.run(CELL.run(0)).result.read_bytes())
    chosen = {row["hyperparameter"]: row["chosen"] for row in rows_of(layout, "tuning_values")}
    assert {
        f"optimizers.sgd.{key}": str(value) for key, value in result.spec["optimizer"].items() if key != "name"
    } == chosen


def test_several_tuning_studies_have_a_spread(tmp_path: Path) -> None:
    tuning = {"trials": 2, "epochs": 2, "studies": 2}
    study = tuned_study(experiments=[{"architectures": "linear", "optimizers": "sgd"}], tuning=tuning)
    layout = layout_in(tmp_path, study)
    write_trials(study, layout, {"trial00": 0.5, "trial01": 0.6, "study2-trial01": 0.4})
    summarize(study, layout)
    write_statistics(study, layout)
    found = rows_of(layout, "tuning_spread")
    assert [(row["tuning_study"], row["trial"], row["validation"]) for row in found] == [
        (1, "trial01", 0.6),
        (2, "trial00", 0.5),
    ]
