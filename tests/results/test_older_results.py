"""A results folder of Bakeoff 0.1.0 counts as finished: none of its runs trains again.

`finished_0_1_0` is what 0.1.0 left in a study's folder, without logs, summary, figures and report. Its study sets many
keys, so that a specification which changes its form is seen here. Snakemake's own records are kept as well: by them it
trains again what another command or other parameters have made.
"""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bakeoff import load
from bakeoff.data.prepared import load_prepared
from bakeoff.inference.network import prepared_folder
from bakeoff.results.history import history_table
from bakeoff.results.result import write_history
from bakeoff.study.matrix import Run
from terminal import bakeoff, snakemake

OLDER = Path(__file__).parent / "finished_0_1_0"
RUNS = [
    "digits/mlp/adam/plain/seed7",
    "digits/cnn/sgd/first/seed7",
    "digits/cnn/sgd/second/seed7",
    "digits/backbone/adam/head/seed7",
    "few/mlp/adam/elsewhere/seed7",
]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A copy of the folder. All its files are of one moment, as a checkout gives them any times."""
    folder = shutil.copytree(OLDER, tmp_path / "older")
    for path in folder.rglob("*"):
        os.utime(path, (1.7e9, 1.7e9))
    return folder


def planned_by(folder: Path, *arguments: object) -> dict[str, int]:
    """The rules that a dry run would start, and how often."""
    planned = snakemake(folder, folder / "study.yaml", "-n", *arguments)
    assert planned.returncode == 0, planned.stderr
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", planned.stdout + planned.stderr, re.M)}


def states_in(folder: Path) -> dict[str, str]:
    """The state of each run, as `bakeoff status` shows it."""
    return dict(re.findall(r"^ (\S+/seed\d) +(\w+)", bakeoff(folder, "status", "study.yaml").stdout, re.M))


def test_status_shows_every_run_as_completed(older: Path) -> None:
    assert states_in(older) == dict.fromkeys(RUNS, "completed")


def test_snakemake_would_only_make_the_report(older: Path) -> None:
    steps = ("all", "summarize", "statistics", "first_figures", "figures", "report")
    assert planned_by(older) == dict.fromkeys(steps, 1) | {"total": 6}


def test_a_changed_optimizer_trains_its_runs_and_what_starts_from_them(older: Path) -> None:
    """So the folder is one in which Snakemake and Bakeoff would notice that something has changed."""
    study = older / "study.yaml"
    study.write_text(study.read_text().replace("lr: 0.05", "lr: 0.06"))
    planned = planned_by(older)
    assert (planned["train"], planned["check"]) == (2, 1)
    assert states_in(older) == {run: "waiting" if "/cnn/" in run else "completed" for run in RUNS}


def test_the_summary_holds_every_result(older: Path) -> None:
    ended = bakeoff(older, "summarize", "study.yaml")
    assert ended.returncode == 0, ended.stderr
    with (older / "results/older/summary/runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(RUNS)
    for row, run in zip(rows, RUNS, strict=True):
        result = json.loads((OLDER / "results/older/runs" / run / "result.json").read_text())
        assert (row["status"], row["message"], row["bakeoff"]) == ("completed", "", "0.1.0")
        for split in ("validation", "test"):
            for metric in ("loss", "accuracy", "macro_f1"):
                assert float(row[f"{split}_{metric}"]) == result["metrics"][split][metric]
        assert float(row["training_seconds"]) == result["cost"]["training_seconds"]


def test_its_statistics_have_a_baseline(older: Path) -> None:
    for step in ("summarize", "statistics"):
        ended = bakeoff(older, step, "study.yaml")
        assert ended.returncode == 0, ended.stderr
    with (older / "results/older/summary/baselines.csv").open() as file:
        found = {(row["dataset"], row["metric"]): float(row["score"]) for row in csv.DictReader(file)}
    assert found["digits", "accuracy"] == found["few", "accuracy"] == 0.1  # as many images of each digit


@pytest.mark.parametrize("run", RUNS)
def test_its_networks_predict_as_they_did(older: Path, monkeypatch: pytest.MonkeyPatch, run: str) -> None:
    """Weights of 0.1.0 do not say what their network takes: the card of the data and the specification do, which leaves
    out keys without a value, such as `normalize: none`."""
    monkeypatch.chdir(older)
    trained = load("results/older").run(run)
    network = trained.model()
    images = np.array(load_prepared(prepared_folder(network.run)).splits["test"][0])
    logits = network(network.normalize(torch.tensor(images))).detach().numpy()
    np.testing.assert_allclose(logits, trained.predictions.logits, atol=1e-5)


def test_a_run_that_0_1_0_began_has_times_from_then_on(tmp_path: Path) -> None:
    """Its checkpoint holds epochs without one."""
    epochs = [{"epoch": 1, "learning_rate": 0.1, "seconds": 2.0}, {"epoch": 2, "learning_rate": 0.1, "seconds": 2.0}]
    write_history(tmp_path / "history.csv", [epochs[0], epochs[1] | {"ended": 1.8e9 + 0.125}])
    table = history_table([Run("digits", "mlp", "sgd", "plain", 0)], [tmp_path / "history.csv"], "accuracy")
    assert table["seconds"].to_pylist() == [2.0, 2.0]
    assert table["ended"].to_pylist() == [None, 1.8e9 + 0.125]
