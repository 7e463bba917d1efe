"""A GPU's memory that really runs out."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from bakeoff.training.devices import is_out_of_memory
from terminal import bakeoff

pytestmark = pytest.mark.gpu

MIB = 2**20
LIMIT = 640 * MIB
BATCH = 512
# A perceptron that needs 2 to 3 MiB for each image of a forward and backward pass, besides 150 MiB for weights and
# gradients. With `limit`, the process may take no more of the device.
WIDE = """
import torch
from torch import nn

from bakeoff.plugins import model


@model("wide")
def wide(images, limit=0):
    if limit and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.get_device_properties(0).total_memory)
    width = 2**18
    return nn.Sequential(
        nn.Flatten(), nn.Linear(images.height * images.width, width), nn.ReLU(), nn.Linear(width, images.classes)
    )
"""


def trained(folder: Path, architecture: str, recipe: str) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """The result and the history of a run."""
    (folder / "wide.py").write_text(WIDE)
    study = {
        "study": "wide",
        "plugins": ["wide.py"],
        "datasets": {"digits": {"source": "digits"}},
        "architectures": {"roomy": {"model": "wide"}, "cramped": {"model": "wide", "limit": LIMIT}},
        "optimizers": {"sgd": {"name": "SGD", "lr": 1e-5}},
        "recipes": {
            "fail": {"epochs": 2, "batch_size": BATCH},
            "halve": {"epochs": 2, "batch_size": BATCH, "on_out_of_memory": "halve_batch"},
        },
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    run = f"digits/{architecture}/sgd/{recipe}/seed0"
    ended = bakeoff(folder, "train", "study.yaml", run)
    assert ended.returncode == 0, ended.stderr
    with (folder / f"results/wide/runs/{run}/history.csv").open() as file:
        history = [
            {key: float(row[key]) for key in row if key not in ("seconds", "ended")} for row in csv.DictReader(file)
        ]
    return dict(json.loads((folder / f"results/wide/runs/{run}/result.json").read_text())), history


def test_a_batch_that_does_not_fit_is_halved_until_it_does(tmp_path: Path) -> None:
    roomy, expected = trained(tmp_path, "roomy", "fail")
    assert (roomy["status"], roomy["cost"]["batch_size"]) == ("completed", BATCH)
    assert roomy["cost"]["peak_device_memory_bytes"] > LIMIT
    cramped, history = trained(tmp_path, "cramped", "halve")
    size = cramped["cost"]["batch_size"]
    assert size in (256, 128, 64, 32)
    assert cramped["status"] == "completed"
    assert cramped["message"] == f"memory did not hold {BATCH} images: trained in parts of {size}"
    assert cramped["cost"]["accumulate"] == BATCH // size
    assert cramped["cost"]["peak_device_memory_bytes"] <= LIMIT
    assert len(history) == 2
    for halved, whole in zip(history, expected, strict=True):
        assert halved == pytest.approx(whole, abs=2e-2)  # an image or two may fall to the other side


def test_without_halving_a_batch_that_does_not_fit_is_a_result(tmp_path: Path) -> None:
    result, history = trained(tmp_path, "cramped", "fail")
    assert result["status"] == "out_of_memory"
    assert result["message"].startswith("at epoch 1: CUDA out of memory")
    assert history == []


def test_what_the_device_says_of_a_full_memory_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8, device="cuda")
    assert is_out_of_memory(caught.value)
