"""What `import bakeoff` offers: its tables are the summary's, and the page about it works as it is written."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff
from bakeoff.errors import BakeoffError
from bakeoff.study.study import StudyError
from terminal import BIN, ENVIRONMENT, ROOT

SUMMARY = "results/tiny/summary"


def test_the_import_loads_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import bakeoff; print(*(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["bakeoff"]
    assert bakeoff.__version__ and not hasattr(bakeoff, "nothing")


def test_the_tables_are_those_of_the_summary(finished_study: Path, tmp_path: Path) -> None:
    """Byte for byte, in the study's order; without a summary the rows are in that of names."""
    results = bakeoff.load(finished_study / "results/tiny")
    for name in ("runs", "experiments", "comparisons"):
        made = getattr(results, name)
        assert made.to_csv(index=False) == (finished_study / SUMMARY / f"{name}.csv").read_text(), name
    pd.testing.assert_frame_equal(results.history, pd.read_parquet(finished_study / SUMMARY / "history.parquet"))
    shutil.copytree(finished_study / "results/tiny/runs", tmp_path / "alone/runs")
    alone = bakeoff.load(tmp_path / "alone")
    pd.testing.assert_frame_equal(alone.experiments, results.experiments.sort_values("optimizer", ignore_index=True)
                                  .sort_values("architecture", ignore_index=True, kind="stable"))  # fmt: skip
    assert alone.keys == sorted(results.keys) and len(alone.comparisons) == 3


def test_a_run(finished_study: Path) -> None:
    results = bakeoff.load(finished_study / "results/tiny")
    run = results.run("digits/perceptron/adam/plain/seed1")
    written = json.loads((run.paths.folder / "result.json").read_text())
    assert run.result.metrics.test["accuracy"] == written["metrics"]["test"]["accuracy"]
    predicted = run.predictions
    assert (predicted.logits.argmax(1) == predicted.labels).mean() == pytest.approx(run.result.metrics.test["accuracy"])
    np.testing.assert_allclose(predicted.probabilities.sum(1), 1)
    assert list(run.history["epoch"]) == [1, 2]
    assert run.model().classes == tuple("0123456789")


def test_damage_and_seeds_that_were_not_trained_alike_are_said(finished_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(finished_study / "results/tiny/runs", folder / "runs")
    cell = folder / "runs/digits/perceptron/adam/plain"
    content = json.loads((cell / "seed0/result.json").read_text())
    content["spec"]["optimizer"]["lr"] = 0.5
    (cell / "seed0/result.json").write_text(json.dumps({**content, "checksum": None}))
    (folder / "runs/digits/logistic/sgd/plain/seed1/history.csv").write_text("")
    with pytest.warns(UserWarning, match=r"digits/perceptron/adam/plain: its seeds were not trained alike"):
        results = bakeoff.load(folder)
    broken = results.runs[results.runs["status"] == "missing"]
    assert list(broken["seed"]) == [1] and "has 0 bytes" in broken["message"].item()
    with pytest.raises(BakeoffError, match="has 0 bytes"):
        results.run("digits/logistic/sgd/plain/seed1")
    with pytest.raises(BakeoffError, match="no finished run is called 'digits/logistic/sgd/plain/seed7'; did you mean"):
        results.run("digits/logistic/sgd/plain/seed7")


def test_where_there_are_no_results(finished_study: Path, tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"did you mean .*results/tiny"):
        bakeoff.load(finished_study / "results")
    with pytest.raises(BakeoffError, match="no results of a study here"):
        bakeoff.load(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(BakeoffError, match="no run is finished"):
        bakeoff.load(tmp_path)


def test_a_study_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"recipes.plain.epoch: unknown key; did you mean 'epochs'"):
        bakeoff.study(ROOT / "tests/studies/tiny.yaml", recipes={"plain": {"epoch": 1}})
    assert len(bakeoff.study(ROOT / "tests/studies/tiny.yaml", seeds=[3]).keys) == 3


def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    """Every block of docs/python.md, one after another; what it shows is checked beside it."""
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    checks = """
assert study.keys == results.keys and len(results.keys) == 4
assert accuracy == run.result.metrics.test["accuracy"]
assert logits.shape == (1, 10) and image.shape == (1, 8, 8)
assert len(results.comparisons) == 1 and set(results.runs["status"]) == {"completed"}
again = bakeoff.study("results/short/study.yaml").train(cores=2)
assert again.runs.equals(results.runs)
"""
    code = "\n".join([*re.findall(r"```python\n(.*?)```", page, re.DOTALL), checks])
    command = [BIN / "python", "-c", code]
    ended = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 runs finished" in ended.stdout
