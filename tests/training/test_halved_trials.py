"""A trial that goes on from rung to rung is bit for bit the trial that was trained to its end at once."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_resume import assert_same_run

from bakeoff.commands.train import train
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from bakeoff.study.study import Study
from bakeoff.study.trainings import Training, find_training, trial_trainings

CELL = Experiment("digits", "net", "adam", "plain")
CONFIG: dict[str, Any] = {
    "study": "halved",
    "datasets": {"digits": {"source": "digits", "limit": 120}},
    "architectures": {"net": {"model": "mlp", "hidden": [16], "batch_norm": True, "dropout": 0.3}},
    # The rate changes at each step, as the length of the whole training has it.
    "optimizers": {"adam": {"name": "Adam", "lr": {"log_uniform": [1e-3, 1e-1]}}},
    "recipes": {
        "plain": {
            "epochs": 9,
            "batch_size": 32,
            "schedule": {"name": "OneCycleLR", "max_lr": 0.05, "interval": "step"},
            "augment": [{"RandomCrop": {"size": 8, "padding": 1}}],
        }
    },
    "seeds": 2,
    "tuning": {"trials": 9, "seeds": [1000], "halving": 3},
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return written(CONFIG)


def written(config: dict[str, Any]) -> Study:
    Path("study.yaml").write_text(yaml.safe_dump(config))
    return load_study(Path("study.yaml"))


def decide(layout: Layout, epochs: int, goes_on: bool) -> None:
    path = layout.halved(CELL, epochs)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"trials": [{"trial": "trial03"}], "goes_on": ["trial03"] if goes_on else []}))


def rungs_of_trial(study: Study, layout: Layout) -> list[Training]:
    return [*trial_trainings(study, layout, CELL)[3].rungs][::-1]


def train_it(study: Study, rung: Training) -> None:
    train(study, Path("study.yaml"), rung.key, 1, 10.0)


def test_rung_after_rung_is_the_whole_trial(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """And in the end nothing is kept that nobody needs."""
    unhalved = written(CONFIG | {"study": "whole", "tuning": {"trials": 9, "seeds": [1000]}})
    (once,) = rungs_of_trial(unhalved, Layout("whole"))
    train_it(unhalved, once)
    layout = Layout(study.study)
    first, second, last = rungs_of_trial(study, layout)
    train_it(study, first)
    kept = first.paths.checkpoint(first.specification.hash)
    assert kept.exists() and len(first.paths.history.read_text().splitlines()) == 2
    decide(layout, 1, goes_on=True)
    train_it(study, second)
    assert not kept.exists() and "resuming after epoch 1" in capsys.readouterr().out
    decide(layout, 3, goes_on=True)
    train_it(study, last)
    assert "resuming after epoch 3" in capsys.readouterr().out
    assert_same_run(last.paths.folder, once.paths.folder)
    assert not list(layout.folder.rglob("checkpoint.pt"))


def test_a_lost_checkpoint_changes_nothing(study: Study) -> None:
    layout = Layout(study.study)
    first, second, _ = rungs_of_trial(study, layout)
    train_it(study, first)
    first.paths.checkpoint(first.specification.hash).unlink()
    decide(layout, 1, goes_on=True)
    train_it(study, second)
    histories = [rung.paths.history.read_text().splitlines() for rung in (first, second)]
    assert len(histories[1]) == 4
    assert histories[1][1].split(",")[:6] == histories[0][1].split(",")[:6]


def test_who_is_left_behind_ends_at_once_with_the_files_of_its_rung(study: Study) -> None:
    layout = Layout(study.study)
    first, second, last = rungs_of_trial(study, layout)
    train_it(study, first)
    decide(layout, 1, goes_on=False)
    decide(layout, 3, goes_on=False)
    train_it(study, second)
    train_it(study, last)
    for mine, theirs in zip(last.paths.files, first.paths.files, strict=True):
        assert mine.read_bytes() == theirs.read_bytes()
    assert not list(layout.folder.rglob("checkpoint.pt"))
    assert find_training(study, layout, last.key) == last
