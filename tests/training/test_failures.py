"""Methods that fail are results, with what was reached before."""

import csv
import json
import math
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image
from rich.console import Console

from bakeoff.commands.status import status_table
from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import read_tables
from bakeoff.study.matrix import Run
from bakeoff.study.metrics import METRICS
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study, parse_study
from bakeoff.study.specification import features_folder, specify
from bakeoff.study.study import runs
from bakeoff.training.attempt import Place
from bakeoff.training.evaluation import best_over_epochs
from bakeoff.training.scoring import MetricValues
from bakeoff.training.state import EpochPart
from bakeoff.training.trainer import Trainer
from terminal import STUDIES, bakeoff
from trained_runs import train_run

BROKEN = """
from urllib.error import URLError
from torch import nn
from bakeoff.plugins import model


class Broken(nn.Linear):
    def forward(self, images):
        STATEMENT


@model("broken")
def broken(images):
    return Broken(images.height, 10)
"""
STUDY = load_study(STUDIES / "stages.yaml")
RUN = Run("digits", "cnn", "sgd", "first", 3)
CHILD = Run("digits", "cnn", "sgd", "second", 3)


@pytest.mark.parametrize("resume", [False, True])
def test_memory_that_runs_out_keeps_what_was_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    train_epoch = Trainer._pass_over_training_split

    def killed(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        if epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(trainer, epoch, part)

    def full(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        if epoch == 3:
            raise torch.OutOfMemoryError("no memory is left")
        return train_epoch(trainer, epoch, part)

    layout = Layout(STUDY.study)
    if resume:
        monkeypatch.setattr(Trainer, "_pass_over_training_split", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(specify(STUDY, RUN), Place(layout, checkpoint_seconds=0))
    monkeypatch.setattr(Trainer, "_pass_over_training_split", full)
    train_run(specify(STUDY, RUN), Place(layout))
    result = json.loads(layout.run(RUN).result.read_text())
    assert result["status"] == "out_of_memory"
    assert result["message"].startswith("at epoch 3")
    assert result["metrics"]["epochs"] == 2
    assert result["metrics"]["best_epoch"] in (1, 2)
    assert "validation" in result["metrics"]
    assert layout.run(RUN).history.read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("where", "said", "epochs"),
    [("assemble", "before the first epoch", 0), ("final_evaluation", "in the final evaluation", 12)],
)
def test_memory_that_runs_out_outside_of_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, said: str, epochs: int
) -> None:
    monkeypatch.chdir(tmp_path)

    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError("no memory is left")

    monkeypatch.setattr(f"bakeoff.training.run.{where}", full)
    train_run(specify(STUDY, RUN), Place(Layout(STUDY.study)))
    result = json.loads(Layout(STUDY.study).run(RUN).result.read_text())
    assert (result["status"], result["message"]) == ("out_of_memory", f"{said}: no memory is left")
    assert result["metrics"]["epochs"] == epochs


@pytest.mark.parametrize("before", ["run.assemble", "trainer.load_checkpoint"])
def test_memory_that_runs_out_before_a_run_is_where_it_was_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], before: str
) -> None:
    monkeypatch.chdir(tmp_path)
    layout = Layout(STUDY.study)
    train_epoch = Trainer._pass_over_training_split

    def killed(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        if epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(trainer, epoch, part)

    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError("no memory is left")

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_pass_over_training_split", killed)
        train_run(specify(STUDY, RUN), Place(layout, checkpoint_seconds=0))
    with monkeypatch.context() as patch, pytest.raises(BakeoffError, match=r"go on from \S+/checkpoint.pt: no memory"):
        patch.setattr(f"bakeoff.training.{before}", full)
        train_run(specify(STUDY, RUN), Place(layout))
    assert not layout.run(RUN).result.exists()
    train_run(specify(STUDY, RUN), Place(layout))
    assert json.loads(layout.run(RUN).result.read_text())["status"] == "completed"
    assert "resuming after epoch 2" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("{}['lr']", "KeyError: 'lr' (broken.py:9)"),
        ("raise URLError('no route')", "URLError: <urlopen error no route>"),
    ],
)
def test_a_mistake_is_told_with_its_type_and_one_traceback(tmp_path: Path, statement: str, reason: str) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.replace("STATEMENT", statement))
    (tmp_path / "study.yaml").write_text(
        "study: broken\nplugins: [broken.py]\ndatasets: {digits: {source: digits, limit: 100}}\n"
        "architectures: {net: {model: broken}}\noptimizers: {sgd: {name: SGD, lr: 0.1}}\n"
        "recipes: {plain: {epochs: 1}}\nseeds: 1\n"
    )
    ended = bakeoff(tmp_path, "train", "study.yaml", "digits/net/sgd/plain/seed0")
    assert ended.returncode == 1
    assert (ended.stdout + ended.stderr).count("Traceback") == 1
    assert reason in bakeoff(tmp_path, "status", "study.yaml").stdout


def test_memory_that_runs_out_on_kept_features_keeps_the_whole_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = parse_study(
        {
            "study": "kept",
            "datasets": {"digits": {"source": "digits", "limit": 100}},
            "architectures": {"deep": {"model": "mlp", "hidden": [8], "pretrained": "random"}},
            "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
            "recipes": {"frozen": {"epochs": 3, "freeze": "backbone"}},
            "seeds": 1,
        }
    )
    (run,) = runs(study)
    assert features_folder(study, run.experiment) is not None
    train_epoch = Trainer._pass_over_training_split

    def full(trainer: Trainer, epoch: int, part: EpochPart) -> MetricValues:
        if epoch == 2:
            raise torch.OutOfMemoryError("no memory is left")
        return train_epoch(trainer, epoch, part)

    monkeypatch.setattr(Trainer, "_pass_over_training_split", full)
    train_run(specify(study, run), Place(Layout(study.study)))
    paths = Layout(study.study).run(run)
    assert json.loads(paths.result.read_text())["status"] == "out_of_memory"
    network = build_model(study.architectures["deep"], ImageShape(1, 8, 8, 10))
    network.load_state_dict(safetensors.torch.load_file(paths.model))


@pytest.mark.parametrize(
    ("losses", "best"),
    [([math.nan, 2.0, 1.0], 1.0), ([2.0, math.nan, 3.0], 2.0), ([math.nan, math.nan], math.nan)],
)
def test_what_is_not_a_number_is_never_the_best_over_epochs(losses: list[float], best: float) -> None:
    found = best_over_epochs([{"loss": loss} for loss in losses], METRICS)
    assert found["loss"] == pytest.approx(best, nan_ok=True)


def test_the_last_epochs_metrics_stand_beside_the_best_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layout = Layout(STUDY.study)
    train_run(specify(STUDY, RUN), Place(layout))
    metrics = json.loads(layout.run(RUN).result.read_text())["metrics"]
    with layout.run(RUN).history.open() as file:
        rows = list(csv.DictReader(file))
    for split in ("train", "validation"):
        for name, epoch in ((split, metrics["best_epoch"]), (f"{split}_last", 12)):
            assert metrics[name]["loss"] == float(rows[epoch - 1][f"{split}_loss"])


@pytest.mark.parametrize(
    ("without", "message", "best"),
    [
        ({"validation"}, "mean_average_precision has no finite value on the validation split at any epoch", None),
        ({"test"}, "mean_average_precision has no finite value on the test split", 2),
        (
            {"validation", "test"},
            "mean_average_precision has no finite value on the validation split at any epoch or on the test split",
            None,
        ),
    ],
)
def test_a_metric_without_a_value_is_a_result_that_names_metric_and_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: set[str], message: str, best: int | None
) -> None:
    """Average precision needs a positive image."""
    monkeypatch.chdir(tmp_path)
    lines = ["image,split,cat,dog"]
    for index in range(24):
        Image.new("L", (4, 4), 10 * index).save(f"{index}.png")
        split = ("train", "validation", "test")[index % 3]
        lines.append(f"{index}.png,{split}," + ("0,0" if split in without else f"{index % 2},{(index + 1) % 2}"))
    Path("labels.csv").write_text("\n".join(lines))
    images = {"source": "csv", "root": ".", "table": "labels.csv", "labels": ["cat", "dog"], "split": "split"}
    study = parse_study(
        {
            "study": "unlabelled",
            "metric": "mean_average_precision",
            "datasets": {"pets": images},
            "architectures": {"linear": {"model": "mlp", "hidden": []}},
            "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
            "recipes": {"plain": {"epochs": 2, "track_test": True}},
            "seeds": 1,
        }
    )
    (run,), layout = runs(study), Layout(study.study)
    train_run(specify(study, run), Place(layout))
    result = json.loads(layout.run(run).result.read_text())
    assert (result["status"], result["message"]) == ("metric_undefined", message)
    assert result["metrics"]["epochs"] == 2 and (result["metrics"]["best_epoch"] is None) == (best is None)
    summarize(study, layout)
    row = read_tables(layout).runs.iloc[0]
    assert (row["status"], row["message"]) == ("metric_undefined", message)
    console = Console(width=200)
    with console.capture() as captured:
        console.print(status_table(study, layout))
    assert "1 metric_undefined" in captured.get() and message in captured.get()


def test_a_run_whose_parent_has_no_weights_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def full(*arguments: object) -> MetricValues:
        raise torch.OutOfMemoryError("no memory is left")

    layout = Layout(STUDY.study)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_pass_over_training_split", full)
        train_run(specify(STUDY, RUN), Place(layout))
    train_run(specify(STUDY, CHILD), Place(layout))
    result = json.loads(layout.run(CHILD).result.read_text())
    assert result["status"] == "out_of_memory"
    assert RUN.key in result["message"]
