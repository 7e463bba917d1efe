"""A whole study that tunes, by the real Snakemake: nothing is trained twice, whatever happens to the selection."""

import json
import os
import re
import warnings
from pathlib import Path

import pytest

import bakeoff as door
from terminal import STUDIES, bakeoff, snakemake

CELL = "digits/logistic/sgd/short"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    ended = snakemake(folder, STUDIES / "tuned.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


def inodes(folder: Path) -> dict[str, int]:
    """Result → its number in the file system: another one is another training."""
    found = (folder / "results/tuned/runs").rglob("model.safetensors")
    return {str(path.parent): path.stat().st_ino for path in found}


def planned(folder: Path) -> dict[str, int]:
    told = snakemake(folder, STUDIES / "tuned.yaml", "-n")
    assert told.returncode == 0, told.stderr
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", told.stdout + told.stderr, re.M)}


def test_evaluation_runs_have_the_values_that_validation_chose(finished: Path) -> None:
    chosen = json.loads((finished / f"results/tuned/trials/{CELL}/selection.json").read_text())
    best = max(chosen["trials"], key=lambda trial: trial["score"])
    assert (chosen["trial"], chosen["values"]) == (best["trial"], best["values"])
    for seed in (0, 1):
        result = json.loads((finished / f"results/tuned/runs/{CELL}/seed{seed}/result.json").read_text())
        written = {
            f"optimizers.sgd.{key}": value for key, value in result["spec"]["optimizer"].items() if key != "name"
        }
        assert written == chosen["values"]
        assert result["spec"]["recipe"]["epochs"] == 2 and result["cost"]["parameters"] == 650
    report = (finished / "report/tuned/report.md").read_text()
    assert "## Tuning" in report and "3 trials of 1 epoch with 1 tuning seed" in report
    assert "1 experiment has no space: its budget was spent on nothing (plain)." in report


def test_halved_trials_go_on_or_leave(tmp_path: Path) -> None:
    """Three trials train one epoch, the best of them all three; the others end at once. A second start does nothing."""
    halved = ["--config", "study=halved", "tuning={trials: 3, seeds: [1000], epochs: 3, halving: 3}"]
    ended = snakemake(tmp_path, STUDIES / "tuned.yaml", "--until", "select", *halved)
    assert ended.returncode == 0, ended.stderr
    place = tmp_path / f"results/halved/trials/{CELL}"
    first, chosen = (json.loads((place / name).read_text()) for name in ("epoch1.json", "selection.json"))
    best = max(first["trials"], key=lambda trial: trial["score"])
    assert [trial["until"] for trial in first["trials"]] == [1, 1, 1]
    assert first["goes_on"] == [chosen["trial"]] == [best["trial"]]
    trained = {name: json.loads((place / name / "seed1000/result.json").read_text())["metrics"]["epochs"]
               for name in ("trial00", "trial01", "trial02")}  # fmt: skip
    assert trained == {name: 3 if name == best["trial"] else 1 for name in trained}
    assert not list((tmp_path / "results/halved/state").rglob("checkpoint.pt"))
    told = snakemake(tmp_path, STUDIES / "tuned.yaml", "-n", "--until", "select", *halved)
    assert re.search(r"^total +0$", told.stdout, re.M), told.stdout


def test_plan_and_status_show_trials_apart(finished: Path) -> None:
    plan = " ".join(bakeoff(finished, "plan", STUDIES / "tuned.yaml").stdout.split())
    assert "tuned: 4 runs" in plan or "4 runs" in plan
    assert f"{CELL} 3/3 2/2 0 0" in plan and "no space, so no trials: digits/logistic/plain/short" in plan
    status = bakeoff(finished, "status", STUDIES / "tuned.yaml").stdout
    assert "4 completed" in status and "trials and default values: 5 completed" in status


def test_runs_of_a_tuned_study_are_exported_and_loaded(finished: Path, tmp_path: Path) -> None:
    told = bakeoff(finished, "export", "csv", STUDIES / "tuned.yaml", "--to", tmp_path / "out").stdout
    assert told.startswith("4 runs exported") and "not finished" not in told
    with warnings.catch_warnings(action="error"):
        results = door.load(finished / "results/tuned")
    assert len(results.runs) == 4 and len(results.run(f"{CELL}/seed0").model().classes) == 10


def test_a_second_start_does_nothing(finished: Path) -> None:
    assert planned(finished) == {}


def test_a_rewritten_equal_selection_retrains_nothing(finished: Path) -> None:
    path = finished / f"results/tuned/trials/{CELL}/selection.json"
    path.write_bytes(path.read_bytes())
    os.utime(path)
    assert planned(finished) == {}


def test_more_trials_with_the_same_winner_retrain_nothing(finished: Path) -> None:
    """The new trials diverge or lose: of seven trials one of the first three still wins."""
    before = inodes(finished)
    chosen = finished / f"results/tuned/trials/{CELL}/selection.json"
    first = json.loads(chosen.read_text())
    more = ["--config", "tuning={trials: 4, seeds: [1000], epochs: 1}"]
    ended = snakemake(finished, STUDIES / "tuned.yaml", "--until", "train", *more)
    assert ended.returncode == 0, ended.stderr
    again = json.loads(chosen.read_text())
    assert again["trials"][:3] == first["trials"] and len(again["trials"]) == 4
    same = {run for run, inode in inodes(finished).items() if before[run] == inode}
    if again["trial"] == first["trial"]:
        assert same == set(before)
    else:
        assert same == {run for run in before if "/plain/" in run}
