"""`on_out_of_memory: halve_batch`: the same steps with fewer images at a time, exactly so after kills too."""

import csv
import errno
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from test_resume import assert_same_run
from torch import nn

from bakeoff.study.reading import load_study
from bakeoff.study.specification import features_folder
from bakeoff.training.devices import is_out_of_memory
from bakeoff.training.micro_batches import halved, least_part, parts
from terminal import BIN, ENVIRONMENT, bakeoff

# A perceptron for which there is memory for so many images at a time, from so many forward passes on.
HUNGRY = """
import torch
from torch import nn

from bakeoff.plugins import model


class Hungry(nn.Sequential):
    def __init__(self, images, most, passes):
        super().__init__(nn.Flatten(), nn.Linear(images.height * images.width, 16), nn.ReLU(), nn.Linear(16, 10))
        self.most, self.passes, self.seen = most, passes, 0

    def forward(self, images):
        self.seen += self.training
        if self.training and len(images) > self.most and self.seen > self.passes:
            raise torch.OutOfMemoryError(f"no memory for {len(images)} images")
        return super().forward(images)


@model("hungry")
def hungry(images, most=1000, passes=0):
    return Hungry(images, most, passes)
"""


WEIGHTED = {"name": "CrossEntropyLoss", "class_weights": {0: 5, "3": 0.1, "7": 2.5}}


def study_in(folder: Path, **recipe: Any) -> Path:
    (folder / "hungry.py").write_text(HUNGRY)
    study = {
        "study": "hungry",
        "plugins": ["hungry.py"],
        "datasets": {"digits": {"source": "digits", "limit": 320}},
        "architectures": {
            "easy": {"model": "hungry"},
            "large": {"model": "hungry", "most": 13},
            "late": {"model": "hungry", "most": 13, "passes": 20},
            "impossible": {"model": "hungry", "most": 0, "passes": 2},
        },
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.1, "momentum": 0.9}},
        "recipes": {
            "halve": {"epochs": 6, "batch_size": 51, "accumulate": 2, "on_out_of_memory": "halve_batch", **recipe},
            "fail": {"epochs": 6, "batch_size": 51},
        },
        "seeds": 1,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder / "study.yaml"


def result_of(folder: Path, architecture: str, recipe: str = "halve") -> dict[str, Any]:
    path = folder / f"results/hungry/runs/digits/{architecture}/sgd/{recipe}/seed0/result.json"
    return dict(json.loads(path.read_text()))


def train(folder: Path, architecture: str, recipe: str = "halve") -> subprocess.CompletedProcess[str]:
    ended = bakeoff(folder, "train", "study.yaml", f"digits/{architecture}/sgd/{recipe}/seed0")
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", WEIGHTED])
def test_halved_batches_make_the_steps_of_whole_ones(tmp_path: Path, loss: object) -> None:
    study_in(tmp_path, loss=loss)
    for architecture in ("easy", "large"):
        train(tmp_path, architecture)
    histories = []
    for architecture in ("easy", "large"):
        with (tmp_path / f"results/hungry/runs/digits/{architecture}/sgd/halve/seed0/history.csv").open() as file:
            histories.append(
                [{k: float(row[k]) for k in row if k not in ("seconds", "ended")} for row in csv.DictReader(file)]
            )
    for whole, halves in zip(*histories, strict=True):
        assert halves == pytest.approx(whole, abs=1e-5)
    whole, halves = (result_of(tmp_path, name) for name in ("easy", "large"))
    assert (whole["cost"]["batch_size"], whole["cost"]["accumulate"], whole["message"]) == (51, 2, "")
    assert (halves["cost"]["batch_size"], halves["cost"]["accumulate"]) == (13, 8)  # 51, 26, 13
    assert (halves["status"], halves["metrics"]["epochs"]) == ("completed", 6)
    assert halves["message"] == "memory did not hold 51 images: trained in parts of 13"


def test_memory_that_runs_out_later_gives_the_same_run(tmp_path: Path) -> None:
    study_in(tmp_path)
    train(tmp_path, "large")
    assert "at epoch 3: no memory for 14 images; from the start in parts of 26" in train(tmp_path, "late").stdout
    models = [
        (tmp_path / f"results/hungry/runs/digits/{name}/sgd/halve/seed0/model.safetensors").read_bytes()
        for name in ("large", "late")
    ]
    assert models[0] == models[1]


def test_without_the_key_or_with_no_image_at_a_time_it_is_a_result(tmp_path: Path) -> None:
    study_in(tmp_path)
    train(tmp_path, "large", "fail")
    failed = result_of(tmp_path, "large", "fail")
    assert (failed["status"], failed["message"]) == ("out_of_memory", "at epoch 1: no memory for 51 images")
    train(tmp_path, "impossible")
    failed = result_of(tmp_path, "impossible")
    assert (failed["status"], failed["message"]) == ("out_of_memory", "at epoch 1: no memory for 1 images")
    assert failed["cost"]["batch_size"] == 1


FROZEN = """
import torch
from torch import nn

from bakeoff.plugins import model


class Backbone(nn.Sequential):
    def __init__(self, pixels, most):
        super().__init__(nn.Flatten(), nn.Linear(pixels, 16))
        self.most = most

    def forward(self, images):
        if len(images) > self.most:
            raise torch.OutOfMemoryError(f"no memory for {len(images)} images")
        return super().forward(images)


@model("frozen")
def frozen(images, most=1000):
    return nn.Sequential(Backbone(images.height * images.width, most), nn.Linear(16, 10))
"""


def test_features_are_computed_of_as_many_images_at_a_time_as_memory_holds(tmp_path: Path) -> None:
    (tmp_path / "frozen.py").write_text(FROZEN)
    study = {
        "study": "frozen",
        "plugins": ["frozen.py"],
        "datasets": {"digits": {"source": "digits", "limit": 320}},
        "architectures": {
            name: {"model": "frozen", "most": most, "pretrained": "random"}
            for name, most in (("easy", 1000), ("large", 13), ("impossible", 0))
        },
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
        "recipes": {"head": {"epochs": 1, "batch_size": 51, "freeze": "backbone"}},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    loaded = load_study(tmp_path / "study.yaml")
    folders = {cell.architecture: features_folder(loaded, cell) or Path() for cell in loaded.cells}
    ended = {name: bakeoff(tmp_path, "features", "study.yaml", folders[name].name) for name in folders}
    assert ended["easy"].returncode == 0 and "does not hold" not in ended["easy"].stdout
    assert ended["large"].returncode == 0 and "in parts of 8" in ended["large"].stdout
    for split in ("train", "validation", "test"):
        whole, parts = (np.load(tmp_path / folders[name] / f"{split}.npy") for name in ("easy", "large"))
        np.testing.assert_allclose(whole, parts, atol=1e-6)
    assert ended["impossible"].returncode == 1
    assert re.fullmatch(r"error: \S+/train.npy: memory does not hold .* one image: .*\n", ended["impossible"].stderr)


def test_a_run_that_is_killed_after_halving_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        folder.mkdir()
        study_in(folder)
    train(undisturbed, "late")
    command = [str(BIN / "bakeoff"), "train", "study.yaml", "digits/late/sgd/halve/seed0", "--checkpoint-seconds", "0"]
    for awaited in ("in parts of 26", "in parts of 13", " epoch 3/6"):
        process = subprocess.Popen(command, cwd=killed, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if awaited in line:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    ended = train(killed, "late")
    assert "resuming after" in ended.stdout
    assert "in parts of" not in ended.stdout  # what is known of the memory is not found out again
    run = "results/hungry/runs/digits/late/sgd/halve/seed0"
    assert_same_run(killed / run, undisturbed / run)


def test_parts_hold_every_image_once_and_enough_for_batch_normalisation() -> None:
    for count in range(2, 40):
        batch = torch.arange(count)
        for least in (1, 2):
            for size in (None, *range(least, count + 2)):
                found = parts(batch, batch, size, least)
                assert torch.equal(torch.cat([images for images, _ in found]), batch)
                assert all(torch.equal(images, targets) for images, targets in found)
                sizes = [len(images) for images, _ in found]
                assert min(sizes) >= least
                assert max(sizes) <= (size or count) + (least - 1)


def test_halving_ends_at_one_image_or_two_where_batches_are_normalised() -> None:
    plain, normalised = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for network, last in ((plain, 1), (normalised, 2)):
        size: int | None = 100
        sizes = []
        while size is not None:
            sizes.append(size)
            size = halved(size, least_part(network))
        assert sizes == [size for size in (100, 50, 25, 13, 7, 4, 2, 1) if size >= last]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling cusolverDnCreate"), True),
        (RuntimeError("backend='inductor' raised:\nOutOfMemoryError: CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
)
def test_what_says_that_memory_is_full(error: Exception, full: bool) -> None:
    assert is_out_of_memory(error) == full


def test_the_hosts_allocator_says_that_memory_is_full() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
