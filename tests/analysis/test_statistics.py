"""The tables of whole studies, good and bad."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.analysis.statistics import read_statistics, write_statistics
from bakeoff.analysis.tables import TABLES, statistics_files
from bakeoff.errors import BakeoffError
from bakeoff.results.summary import summarize
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from synthetic_runs import layout_in, result_of, study_of, write_card, write_predictions, write_run

NAMES = ["a_b", "50 %", "<i>&amp;", "Кот, кошка", '🐈 "x"', "NA"]


def made(folder: Path, study: Study, statuses: dict[int, str] | None = None, classes: int = 3) -> Layout:
    """A study whose runs are there: those of some seeds diverged, or are missing (status "")."""
    layout = layout_in(folder, study)
    draw = np.random.default_rng(0)
    for run in runs(study):
        status = (statuses or {}).get(run.seed, "completed")
        if status:
            accuracy = 0.9 + 0.05 * (run.architecture == "deep") + draw.normal(0, 0.01)
            write_run(layout, run, result_of(study, run, accuracy, status))
            if status == "completed":
                write_predictions(layout, run, classes=classes)
    summarize(study, layout)
    return layout


def test_every_table_is_there_and_the_same_each_time(tmp_path: Path) -> None:
    study = study_of(seeds=5)
    layout = made(tmp_path, study)
    write_statistics(study, layout)
    first = {name: path.read_bytes() for name, path in statistics_files(layout).items()}
    assert set(first) == set(TABLES)
    write_statistics(study, layout)
    assert {name: path.read_bytes() for name, path in statistics_files(layout).items()} == first
    rows = {name: len(read_statistics(layout, name)) for name in TABLES}
    assert rows["comparisons"] == rows["single_runs"] == 6
    assert rows["intervals"] == 4 * 4 and rows["classes"] == 4 * 3
    assert rows["speed"] == rows["selection"] == rows["calibration"] == 4
    assert rows["ranks"] == rows["precision_recall"] == 0
    verdicts = read_statistics(layout, "comparisons").set_index(["a", "b"])["verdict"]
    assert verdicts["digits/deep/sgd/plain", "digits/linear/sgd/plain"] == "better_on_these_images"


def test_several_datasets_have_ranks(tmp_path: Path) -> None:
    study = study_of(datasets={name: {"source": "digits"} for name in ("001", "NA", "c")})
    layout = made(tmp_path, study)
    write_statistics(study, layout)
    test = read_statistics(layout, "rank_test").iloc[0]
    assert (test["datasets"], test["configurations"], test["warning"]) == (3, 4, "few_datasets")
    assert set(read_statistics(layout, "ranks")["dataset"]) == {"001", "NA", "c", ""}
    assert set(read_statistics(layout, "comparisons")["dataset"]) == {"001", "NA", "c", ""}
    assert len(read_statistics(layout, "rank_pairs")) == 6 and len(read_statistics(layout, "profiles")) > 0


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"seeds": 1}, {}),
        ({"seeds": 2, "architectures": {"deep": {"model": "mlp"}}, "optimizers": {"sgd": {"name": "SGD"}}}, {}),
        ({}, {0: "", 1: "", 2: ""}),
        ({}, {0: "diverged", 1: "out_of_memory", 2: "diverged"}),
        ({"seeds": 5}, {1: "diverged", 3: ""}),
    ],
)
def test_a_study_with_little_to_say_says_little(
    tmp_path: Path, changes: dict[str, Any], statuses: dict[int, str]
) -> None:
    study = study_of(**changes)
    layout = made(tmp_path, study, statuses)
    write_statistics(study, layout)
    finished = sum(1 for run in runs(study) if statuses.get(run.seed, "completed") == "completed")
    intervals = read_statistics(layout, "intervals")
    assert (intervals[intervals["metric"] == "accuracy"]["completed"].sum()) == finished
    assert intervals["low"].notna().any() == (finished > len(study.cells))
    comparisons = read_statistics(layout, "comparisons")
    enough = finished // len(study.cells) >= 3
    assert comparisons["p_holm"].notna().any() == (enough and len(study.cells) > 1)
    assert len(read_statistics(layout, "selection")) == (len(study.cells) if finished else 0)


def test_a_constant_metric_has_neither_intervals_nor_verdicts(tmp_path: Path) -> None:
    study = study_of(seeds=4)
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.9))
        write_predictions(layout, run)
    summarize(study, layout)
    write_statistics(study, layout)
    assert read_statistics(layout, "intervals")["low"].isna().all()
    assert set(read_statistics(layout, "comparisons")["verdict"]) == {"identical"}
    assert read_statistics(layout, "variance")["share"].isna().all()


def test_names_of_classes_come_through_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = study_of()
    write_card(study, "digits", NAMES)
    layout = made(tmp_path, study, classes=len(NAMES))
    write_statistics(study, layout)
    assert list(read_statistics(layout, "classes")["class"][: len(NAMES)]) == NAMES
    assert set(read_statistics(layout, "confusion")["true"]) == set(NAMES)
    assert set(read_statistics(layout, "hardest_images")["label"]) <= set(NAMES)


def test_the_hardest_images_of_a_dataset_stand_beside_those_of_its_experiments(tmp_path: Path) -> None:
    study = study_of(seeds=2)
    layout = made(tmp_path, study)
    write_statistics(study, layout)
    table = read_statistics(layout, "hardest_images")
    whole = table[table["architecture"] == ""].set_index("image")["loss"]
    image = whole.index[0]
    each = table[(table["architecture"] != "") & (table["image"] == image)]["loss"]
    assert len(whole) == 20 and len(each) >= 1 and whole.iloc[0] <= each.max()


def test_missing_predictions_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    study = study_of()
    layout = made(tmp_path, study)
    gone = layout.run(runs(study)[4]).predictions
    gone.unlink()
    with pytest.raises(BakeoffError, match="trains it again") as error:
        write_statistics(study, layout)
    assert str(gone) in str(error.value)
    with pytest.raises(BakeoffError, match=r"intervals\.csv.*bakeoff statistics"):
        read_statistics(layout, "intervals")


def test_data_with_other_classes_than_the_predictions_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = study_of()
    write_card(study, "digits", NAMES)
    with pytest.raises(BakeoffError, match="predicts 3 classes, the data now have 6"):
        write_statistics(study, made(tmp_path, study, classes=3))


def test_experiments_on_other_test_images_are_not_compared(tmp_path: Path) -> None:
    study = study_of()
    layout = made(tmp_path, study)
    for run in runs(study)[3:6]:
        write_predictions(layout, run, images=33)
    with pytest.raises(BakeoffError, match="not those of the other experiments on its data"):
        write_statistics(study, layout)


def test_multi_label_studies_have_thresholds_and_curves(tmp_path: Path) -> None:
    study = study_of(datasets={"digits": {"source": "made_up"}}, metric="mean_average_precision", seeds=3)
    layout = layout_in(tmp_path, study)
    draw = np.random.default_rng(0)
    labels = draw.choice([0, 1, 255], p=[0.6, 0.3, 0.1], size=(40, 4)).astype(np.uint8)
    for run in runs(study):
        score = 0.5 + 0.01 * draw.random()
        scores = {"loss": 1 - score, "mean_average_precision": score}
        splits = {split: scores for split in ("train", "validation", "test", "test_last")}
        thresholds = {"global": 0.4, "labels": dict.fromkeys("abcd", 0.3)}
        write_run(
            layout,
            run,
            result_of(study, run, **splits, thresholds=thresholds, test_average_precision=dict.fromkeys("abcd", 0.6)),
            "epoch,learning_rate,train_loss,validation_loss,validation_mean_average_precision,seconds\n1,0.1,1,1,0.5,2\n",
        )  # fmt: skip
        logits = draw.normal(size=(40, 4)) + (labels == 1)
        np.savez(layout.run(run).predictions, logits=logits.astype(np.float32), labels=labels)
    summarize(study, layout)
    write_statistics(study, layout)
    assert len(read_statistics(layout, "precision_recall")) == 4 * 5 * 101
    thresholds = read_statistics(layout, "thresholds")
    assert list(thresholds["class"][:5]) == ["", "0", "1", "2", "3"] and thresholds["threshold"][0] == 0.4
    assert read_statistics(layout, "classes")["average_precision"].notna().all()
    assert read_statistics(layout, "comparisons")["test_set_error"].notna().all()
    single = read_statistics(layout, "single_runs")
    assert single["low"].notna().all() and single["p_value"].isna().all()
    assert len(read_statistics(layout, "confusion")) == 0
