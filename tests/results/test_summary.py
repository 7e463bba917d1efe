"""The tables that everything after training reads."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from scipy import stats

from bakeoff.errors import BakeoffError
from bakeoff.results.aggregation import experiments_table
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import read_history, read_tables
from bakeoff.study.study import runs
from synthetic_runs import history_of, layout_in, result_of, scores, study_of, write_run, write_runs


def test_intervals_are_those_of_scipy(tmp_path: Path) -> None:
    study = study_of(seeds=5)
    layout = layout_in(tmp_path, study)
    accuracies = {run: 0.8 + 0.13 * np.random.default_rng(index).random() for index, run in enumerate(runs(study))}
    for run, accuracy in accuracies.items():
        write_run(layout, run, result_of(study, run, accuracy))
    summarize(study, layout)
    tables = read_tables(layout)
    written = tables.experiments.set_index(["architecture", "optimizer"])
    table = experiments_table(tables.runs).set_index(["architecture", "optimizer"])
    for (architecture, optimizer), row in table.iterrows():
        values = [
            value for run, value in accuracies.items() if (run.architecture, run.optimizer) == (architecture, optimizer)
        ]
        low, high = stats.t.interval(0.95, df=4, loc=np.mean(values), scale=stats.sem(values))
        assert row["test_accuracy_mean"] == pytest.approx(np.mean(values), abs=1e-12)
        assert row["test_accuracy_std"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
        assert (row["test_accuracy_low"], row["test_accuracy_high"]) == pytest.approx((low, high), abs=1e-12)
        assert row["test_macro_f1_mean"] == pytest.approx(np.mean(values) - 0.01, abs=1e-12)
        for name in ("mean", "std", "low", "high"):  # ten digits are written
            assert written.loc[(architecture, optimizer), f"test_accuracy_{name}"] == float(
                f"{row[f'test_accuracy_{name}']:.9e}"
            )


def test_only_completed_runs_are_averaged_and_the_others_counted(tmp_path: Path) -> None:
    study = study_of(seeds=6)
    layout = layout_in(tmp_path, study)
    first = [run for run in runs(study) if (run.architecture, run.optimizer) == ("linear", "sgd")]
    write_run(layout, first[0], result_of(study, first[0], 0.8))
    write_run(layout, first[1], result_of(study, first[1], 0.6))
    write_run(layout, first[2], result_of(study, first[2], 0.1, "diverged"), history_of(1))
    write_run(layout, first[3], result_of(study, first[3], 0.1, "diverged"), history_of(0))
    write_run(layout, first[4], result_of(study, first[4], 0.1, "out_of_memory"), history_of(0))
    summarize(study, layout)
    tables = read_tables(layout)
    row = tables.experiments.iloc[0]
    assert [row[name] for name in ("planned", "completed", "diverged", "out_of_memory", "missing")] == [6, 2, 2, 1, 1]
    assert row["test_accuracy_mean"] == pytest.approx(0.7)
    assert row["train_accuracy_mean"] == pytest.approx(0.7)
    assert row["training_seconds_total"] == pytest.approx(5 * 2.5)
    assert row["parameters"] == 650
    empty = tables.experiments.iloc[1]
    assert empty["missing"] == 6 and np.isnan(empty["test_accuracy_mean"]) and np.isnan(empty["parameters"])
    assert list(tables.runs["status"][:6]) == ["completed"] * 2 + ["diverged"] * 2 + ["out_of_memory", "missing"]
    assert tables.runs["message"][2] == "the loss was nan in epoch 2"
    assert read_history(layout, ["train_loss"]).groupby("seed").size().to_dict() == {0: 4, 1: 4, 2: 1}


def test_rows_stand_in_the_studys_order_and_names_stay_names(tmp_path: Path) -> None:
    mlp = {"model": "mlp"}
    study = study_of(
        architectures={"zeta": mlp, "007": mlp, "NA": mlp, "1e3": mlp}, optimizers={"null": {"name": "SGD"}}
    )
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    summarize(study, layout)
    tables = read_tables(layout)
    assert list(tables.experiments["architecture"]) == ["zeta", "007", "NA", "1e3"]
    assert set(tables.runs["optimizer"]) == {"null"}
    assert list(tables.runs["seed"]) == [0, 1, 2] * 4
    assert list(dict.fromkeys(read_history(layout, [])["architecture"])) == ["zeta", "007", "NA", "1e3"]


def test_one_seed_has_a_mean_and_no_interval(tmp_path: Path) -> None:
    study = study_of(seeds=1)
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    summarize(study, layout)
    text = (layout.summary / "experiments.csv").read_text().splitlines()
    row = dict(zip(text[0].split(","), text[1].split(","), strict=True))
    assert float(row["test_accuracy_mean"]) == pytest.approx(0.9)
    assert row["test_accuracy_std"] == row["test_accuracy_low"] == row["test_accuracy_high"] == ""


def test_a_study_without_runs_has_tables_of_missing_runs(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    summarize(study, layout)
    tables = read_tables(layout)
    assert len(tables.runs) == 12 and set(tables.runs["status"]) == {"missing"}
    assert list(tables.experiments["missing"]) == [3, 3, 3, 3]
    history = read_history(layout, ["validation_accuracy"])
    assert len(history) == 0 and "validation_accuracy" in history


def test_a_result_of_an_older_specification_is_missing(tmp_path: Path) -> None:
    old, new = (
        study_of(),
        study_of(optimizers={"sgd": {"name": "SGD", "lr": 0.2}, "adam": {"name": "Adam", "lr": 2e-3}}),
    )
    layout = layout_in(tmp_path, old)
    write_runs(old, layout)
    summarize(new, layout)
    tables = read_tables(layout)
    status = tables.runs.groupby("optimizer")["status"].unique()
    assert list(status["sgd"]) == ["missing"] and list(status["adam"]) == ["completed"]
    assert set(tables.runs.loc[tables.runs["optimizer"] == "sgd", "message"]) == {
        "the result here belongs to an older specification of the run"
    }
    assert set(read_history(layout, [])["optimizer"]) == {"adam"}


def test_a_specification_with_infinity_is_not_stale(tmp_path: Path) -> None:
    from bakeoff.files import write_json

    study = study_of(optimizers={"sgd": {"name": "SGD", "limit": float("inf")}})
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    for run in runs(study):
        write_json(layout.run(run).result, result_of(study, run))
    summarize(study, layout)
    assert set(read_tables(layout).runs["status"]) == {"completed"}


def test_histories_with_and_without_test_columns_stand_in_one_table(tmp_path: Path) -> None:
    recipes = {"tracked": {"epochs": 4, "track_test": True}, "plain": {"epochs": 4}}
    study = study_of(recipes=recipes, seeds=2)
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        tracked = run.recipe == "tracked"
        extra = {"test_max": scores(0.99)} if tracked else {}
        write_run(layout, run, result_of(study, run, **extra), history_of(4 if tracked else 2, test=tracked))
    summarize(study, layout)
    table = parquet.read_table(layout.summary / "history.parquet").to_pandas()
    order = list(zip(table["recipe"], table["seed"], table["epoch"], strict=True))
    assert order[:9] == [("tracked", seed, epoch) for seed in (0, 1) for epoch in (1, 2, 3, 4)] + [("plain", 0, 1)]
    assert len(table) == 4 * (2 * 4 + 2 * 2)
    by_recipe = table.groupby("recipe", observed=True)["test_accuracy"].count()
    assert by_recipe.to_dict() == {"tracked": 32, "plain": 0}
    assert table["validation_accuracy"].iloc[1] == pytest.approx(0.9 - 0.5 / 2)
    experiments = read_tables(layout).experiments.set_index("recipe")["test_max_accuracy_mean"]
    assert experiments["tracked"].tolist() == pytest.approx([0.99] * 4) and experiments["plain"].isna().all()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[]", "holds no mapping"),
        (b'{"spec": {}}', "has no 'metrics'"),
        (b'{"spec": {}, "metrics": {}, "cost": {}, "provenance": {}, "status": "fine"}', "allowed: completed"),
    ],
)
def test_a_corrupt_result_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, problem: str) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    broken = layout.run(runs(study)[4]).result
    broken.write_bytes(content)
    with pytest.raises(BakeoffError) as error:
        summarize(study, layout, complete=True)
    assert str(broken) in str(error.value) and problem in str(error.value)
    assert not layout.summary.exists()
    summarize(study, layout)  # by hand, it counts as missing
    row = pd.read_csv(layout.summary / "runs.csv").loc[4]
    assert row["status"] == "missing" and problem in row["message"]


def test_a_run_without_a_result_is_named_where_all_are_needed(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    absent = runs(study)[4]
    layout.run(absent).result.unlink()
    with pytest.raises(
        BakeoffError, match=f"1 of 12 runs have no result that can be used; {absent.key}: there is none"
    ):
        summarize(study, layout, complete=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [("best_epoch", 2.5), ("best_epoch", "three"), ("test", {"accuracy": "high"}), ("test", 3), ("test", {})],
)
def test_a_result_with_senseless_numbers_is_an_error(tmp_path: Path, key: str, value: object) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    run = runs(study)[0]
    write_run(layout, run, result_of(study, run, **{key: value}))
    with pytest.raises(BakeoffError, match=f"{layout.run(run).result}.*{key}"):
        summarize(study, layout, complete=True)


@pytest.mark.parametrize(
    "content",
    ["", "epoch,epoch\n1,1\n", history_of().replace("0.1", "fast"), history_of() + "5,0.1\n", history_of() + "\n\n"],
)
def test_a_corrupt_history_is_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    broken = layout.run(runs(study)[7]).history
    broken.write_text(content)
    with pytest.raises(BakeoffError) as error:
        summarize(study, layout)
    assert str(broken) in str(error.value)


def test_a_result_without_a_history_is_an_error(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    layout.run(runs(study)[0]).history.unlink()
    with pytest.raises(BakeoffError, match=r"history\.csv"):
        summarize(study, layout)


def test_histories_may_lack_the_last_newline_and_use_that_of_windows(tmp_path: Path) -> None:
    study = study_of(seeds=2)
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        text = history_of().rstrip("\n") if run.seed else history_of().replace("\n", "\r\n")
        paths = layout.run(run)
        write_run(layout, run, result_of(study, run))
        paths.history.write_bytes(text.encode())
    summarize(study, layout)
    history = read_history(layout, ["seconds"])
    assert len(history) == 8 * 4 and set(history["seconds"]) == {0.5}


def test_losses_that_are_not_finite_survive(tmp_path: Path) -> None:
    study = study_of(seeds=1)
    layout = layout_in(tmp_path, study)
    run = runs(study)[0]
    result = result_of(study, run, status="diverged")
    result["metrics"]["train"]["loss"] = None
    lines = history_of(2).splitlines()
    fields = lines[2].split(",")
    fields[2] = "nan"
    write_run(layout, run, result, "\n".join([*lines[:2], ",".join(fields)]) + "\n")
    summarize(study, layout)
    assert np.isnan(read_tables(layout).runs["train_loss"][0])
    assert read_history(layout, ["train_loss"])["train_loss"].isna().tolist() == [False, True]


def test_tables_that_are_not_there_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    layout = layout_in(tmp_path, study_of())
    with pytest.raises(BakeoffError, match=r"runs\.csv.*bakeoff summarize"):
        read_tables(layout)
    with pytest.raises(BakeoffError, match=r"history\.parquet.*bakeoff summarize"):
        read_history(layout, [])


def test_results_are_compared_as_json_holds_them(tmp_path: Path) -> None:
    study = study_of(datasets={"digits": {"source": "digits", "resize": (6, 8)}})
    layout = layout_in(tmp_path, study)
    run = runs(study)[0]
    write_run(layout, run, json.loads(json.dumps(result_of(study, run))))
    summarize(study, layout)
    assert read_tables(layout).runs["status"][0] == "completed"
