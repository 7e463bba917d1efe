"""On a GPU, too, a run is bit for bit the same, whatever happens to it; and its arithmetic is what the recipe says."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from terminal import BIN, ENVIRONMENT, bakeoff
from training.test_resume import FOLDER, RUN, STUDY, assert_same_run, kill_often

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    ended = bakeoff(folder, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    assert provenance_in(folder / FOLDER)["device"].startswith("cuda:")
    return folder / FOLDER


def provenance_in(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "result.json").read_text())["provenance"])


def test_two_runs_are_the_same(uninterrupted: Path, tmp_path: Path) -> None:
    assert bakeoff(tmp_path, "train", STUDY, RUN).returncode == 0
    assert_same_run(tmp_path / FOLDER, uninterrupted)


def test_killed_runs_end_as_if_they_had_not_been(uninterrupted: Path, tmp_path: Path) -> None:
    assert kill_often(tmp_path, kills=1, seed=0) >= 1
    ended = bakeoff(tmp_path, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    assert "resuming after epoch" in ended.stdout
    assert_same_run(tmp_path / FOLDER, uninterrupted)


def test_a_run_that_was_stopped_within_an_epoch_goes_on_with_the_same_dropout(
    uninterrupted: Path, tmp_path: Path
) -> None:
    """Dropout draws from the GPU's own generator, whose state the checkpoint holds."""
    command = [str(BIN / "bakeoff"), "train", str(STUDY), RUN, "--checkpoint-seconds", "1000"]
    moments, stops, log = random.Random(0), 0, ""
    while "resuming after step" not in log and stops < 5:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            log += line
            if " epoch " in line:
                time.sleep(moments.uniform(0, 0.05))
                process.send_signal(signal.SIGTERM)
                break
        log += process.communicate()[0]
        stops += 1
        assert process.returncode == 1, log
    assert "resuming after step" in log
    ended = bakeoff(tmp_path, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    assert_same_run(tmp_path / FOLDER, uninterrupted)


# Says once how its convolution computes.
OPEN = """
import torch
from torch import nn

from bakeoff.plugins import model


class Open(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.convolution = nn.Conv2d(images.channels, 16, 3, padding=1)
        self.classifier = nn.Linear(16, images.classes)
        self.told = False

    def forward(self, images):
        maps = self.convolution(images)
        if not self.told and maps.device.type != "meta":
            self.told = True
            last = maps.is_contiguous(memory_format=torch.channels_last)
            print(f"convolution on {maps.device.type}: {maps.dtype}, {'channels last' if last else 'channels first'}")
        return self.classifier(maps.relu().mean((2, 3)))


@model("open")
def open_(images):
    return Open(images)
"""


RECIPES: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({}, "float32, channels first"),
    "last": ({"channels_last": True}, "float32, channels last"),
    "half": ({"precision": "bfloat16"}, "bfloat16, channels last"),
    "half-first": ({"precision": "bfloat16", "channels_last": False}, "bfloat16, channels first"),
}


def test_precision_and_memory_layout_are_the_recipes(tmp_path: Path) -> None:
    """Left out, the layout is the faster one. In each the network learns, and its weights stay float32."""
    (tmp_path / "open.py").write_text(OPEN)
    study = {
        "study": "open",
        "plugins": ["open.py"],
        "datasets": {"digits": {"source": "digits", "mode": "RGB"}},
        "architectures": {"open": {"model": "open"}},
        "optimizers": {"adam": {"name": "Adam", "lr": 0.02}},
        "recipes": {name: {"epochs": 2, "batch_size": 64, **recipe} for name, (recipe, _) in RECIPES.items()},
        "jobs_per_gpu": len(RECIPES),  # side by side: starting takes most of their time
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    prepared = bakeoff(tmp_path, "prepare", "study.yaml", "digits")
    assert prepared.returncode == 0, prepared.stderr
    jobs = {
        name: subprocess.Popen(
            [str(BIN / "bakeoff"), "train", "study.yaml", f"digits/open/adam/{name}/seed0"],
            cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for name in RECIPES
    }  # fmt: skip
    for name, (_, expected) in RECIPES.items():
        log, _ = jobs[name].communicate()
        assert jobs[name].returncode == 0, log
        assert f"convolution on cuda: torch.{expected}" in log
        folder = tmp_path / f"results/open/runs/digits/open/adam/{name}/seed0"
        weights = load_file(folder / "model.safetensors").values()
        assert len(weights) == 4 and all(value.dtype == np.float32 for value in weights)
        metrics = json.loads((folder / "result.json").read_text())["metrics"]
        assert metrics["test"]["loss"] < 2.0  # ln(10) = 2.3 before training
