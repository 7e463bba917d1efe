"""A study whose dataset is split repeatedly, from its results to its report: it reads of one dataset."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reading import summary_of, table_of

from bakeoff.figures.draw import draw_figures
from bakeoff.report.compose import compose
from bakeoff.report.render import render_report
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_card, write_plan, write_run

CLASSES = [str(digit) for digit in range(10)]


def finished(tmp_path: Path, lacking: tuple[str, ...] = (), **changes: Any) -> tuple[Study, Layout]:
    """Three cuts and three seeds; `deep` is better by five points, and each cut moves both."""
    study = study_of(**{"datasets": {"digits": {"source": "digits", "splits": 3}}, **changes})
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        cut = study.cuts[run.dataset].number if run.dataset in study.cuts else 0
        accuracy = 0.8 + 0.05 * (run.architecture == "deep") + 0.003 * run.seed + 0.01 * cut
        accuracy += 0.0007 * ((cut * 7 + run.seed * 5 + len(run.architecture) + len(run.optimizer)) % 4)
        if run.key not in lacking:
            write_run(layout, run, result_of(study, run, accuracy))
    write_plan(study, layout)
    for name in study.datasets:
        write_card(study, name, CLASSES)
    analyse(study, layout)
    return study, layout


def table(layout: Layout, name: str) -> pd.DataFrame:
    return pd.read_csv(layout.summary / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_runs_are_named_by_their_cuts_and_everything_else_by_the_dataset(tmp_path: Path) -> None:
    _, layout = finished(tmp_path)
    of_runs = table(layout, "runs")
    assert list(of_runs["dataset"].unique()) == ["digits-split1", "digits-split2", "digits-split3"]
    assert set(of_runs["repeated"]) == {"digits"} and list(of_runs["split"].unique()) == [1, 2, 3]
    for name in ("experiments", "intervals", "comparisons", "speed", "selection", "baselines"):
        assert set(table(layout, name)["dataset"]) == {"digits"}, name
    experiments = table(layout, "experiments")
    assert list(experiments["completed"]) == [9] * 4
    means = of_runs.groupby(["architecture", "optimizer"], sort=False)["test_accuracy"].mean()
    assert experiments["test_accuracy_mean"].to_numpy() == pytest.approx(means.to_numpy())
    assert set(table(layout, "classes")["dataset"]) == {"digits-split1", "digits-split2", "digits-split3"}
    assert "split" in set(table(layout, "variance")["term"])
    assert list(table(layout, "comparisons")["seeds"]) == [3] * 6
    effects = table(layout, "effects")
    assert effects["overall_low"].notna().all() and (effects["overall_low"] <= effects["effect"]).all()


def test_the_report_says_how_the_data_were_cut_and_what_that_makes_of_verdicts(tmp_path: Path) -> None:
    study, layout = finished(tmp_path)
    draw_figures(study, layout)
    markdown = render_report(study, layout)[0].read_text(encoding="utf-8")
    document = compose(study, layout)
    assert "3 random cuts into training, validation and test images" in markdown
    assert "each with 3 seeds on every cut of its dataset; 36 runs in all" in markdown
    assert "9 of 9 (3 splits × 3 seeds)" in markdown
    assert "What follows is about the first, digits-split1" in markdown
    assert "other cuts of the data, too" in markdown
    assert "on one split of the data" not in markdown.lower()
    assert "split of the data" in markdown  # a source of variance
    assert "bakeoff train study.yaml digits-split1/linear/sgd/plain/seed0" in markdown
    assert "digits: {source: digits, splits: 3}" in markdown
    assert "36 of 36 planned runs are complete" in summary_of(document)
    rows = table_of(document, "runs_digits__linear__sgd__plain").rows
    assert [[cell.text for cell in row[:2]] for row in rows][:4] == [["1", "0"], ["1", "1"], ["1", "2"], ["2", "0"]]
    figures = {path.name for path in layout.figures.rglob("*.svg")}
    assert {"comparison_digits.svg", "confusion_digits.svg", "learning_curves_digits.svg"} < figures
    assert not [name for name in figures if "split" in name]


def test_folds_are_said_in_russian(tmp_path: Path) -> None:
    study, layout = finished(tmp_path, language="ru", datasets={"digits": {"source": "digits", "folds": 4}})
    markdown = render_report(study, layout)[0].read_text(encoding="utf-8")
    assert "перекрёстная проверка, блоков: 4" in markdown
    assert re.search(r"12 из 12 \(4\sблока × 3\sсида\)", markdown)


def test_runs_that_are_missing_are_named_as_they_are_trained(tmp_path: Path) -> None:
    lost = "digits-split2/deep/adam/plain/seed1"
    study, layout = finished(tmp_path, lacking=(lost,))
    assert f"1 run is missing ({lost})" in summary_of(compose(study, layout))
    row = table(layout, "comparisons").set_index(["a", "b"]).loc["digits/deep/adam/plain", "digits/linear/sgd/plain"]
    if isinstance(row, pd.DataFrame):
        row = row.iloc[0]
    assert row["seeds"] == 2 and row["unpaired"] == 1


def test_a_dataset_beside_one_that_is_split_repeatedly(tmp_path: Path) -> None:
    datasets = {"digits": {"source": "digits", "splits": 2}, "other": {"source": "digits", "resize": 9}}
    study, layout = finished(tmp_path, datasets=datasets)
    assert list(table(layout, "experiments")["completed"]) == [6] * 4 + [3] * 4
    compared = table(layout, "comparisons").fillna({"dataset": ""})
    assert list(compared["dataset"].unique()) == ["digits", "other", ""]
    assert compared["overall_low"].notna().all()
    markdown = render_report(study, layout)[0].read_text(encoding="utf-8")
    assert "6 of 6 (2 splits × 3 seeds)" in markdown and "3 of 3 |" in markdown
