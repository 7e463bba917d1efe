"""Grad-CAM against its formula where that can be written down, and in a whole report."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from bakeoff.inference.heat_maps import grad_cam
from bakeoff.inference.network import TrainedNetwork
from terminal import STUDIES, snakemake


class Frozen(TrainedNetwork):
    """A network that no training left."""

    def __init__(self, network: nn.Module) -> None:
        nn.Module.__init__(self)
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float() / 255


def test_a_map_is_the_weighted_sum_of_the_last_feature_maps() -> None:
    """Behind a mean over the image and a linear layer, the weights of the sum are the layer's, but for a factor."""
    torch.manual_seed(0)
    first, last, head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.Linear(6, 3)
    parts = (first, nn.ReLU(inplace=True), last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    pixels = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    classes = torch.tensor([0, 1, 2, 0, 1])
    found = grad_cam(Frozen(nn.Sequential(*parts)), pixels, classes)
    assert found is not None
    with torch.no_grad():
        features = last(first(pixels / 255).relu())
        wanted = torch.einsum("bk,bkhw->bhw", head.weight[classes], features).relu()
    np.testing.assert_allclose(found, wanted / wanted.amax((1, 2), keepdim=True), atol=1e-5)


def test_a_network_without_convolutions_has_no_map() -> None:
    pixels = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    patches = nn.Sequential(nn.Conv2d(1, 4, 4, stride=4), nn.Flatten(), nn.Linear(16, 3))
    for network in (perceptron, patches):
        assert grad_cam(Frozen(network), pixels, torch.tensor([0, 1])) is None


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one small CNN, run by Snakemake."""
    folder = tmp_path_factory.mktemp("maps")
    content = yaml.safe_load((STUDIES / "tiny.yaml").read_text()) | {
        "heat_maps": True,
        "architectures": {
            "cnn": {"model": "convnet", "hidden": [16],
                    "layers": [{"conv": 8, "kernel": 3, "padding": 1}, "relu", {"pool": 2}, {"conv": 8, "kernel": 3}]},
        },
        "optimizers": {"adam": {"name": "Adam", "lr": 2e-3}},
        "seeds": 1,
        "experiments": [],
    }  # fmt: skip
    (folder / "maps.yaml").write_text(yaml.safe_dump(content))
    ended = snakemake(folder, folder / "maps.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


def test_the_report_has_their_figure(reported: Path) -> None:
    with np.load(reported / "results/tiny/heat_maps/digits.npz") as saved:
        images, predicted, true = (saved[name] for name in ("images", "predicted", "true"))
    assert predicted.shape == true.shape == (len(images), 8, 8) and 1 <= len(images) <= 5
    assert predicted.min() >= 0 and np.isclose(predicted.max((1, 2)), 1).any() and predicted.max() <= 1.000001
    assert not np.allclose(predicted, true)
    report = (reported / "report/tiny/report.md").read_text()
    assert "(figures/heat_maps_digits.svg)" in report and "Grad-CAM" in report
    assert (reported / "report/tiny/figures/heat_maps_digits.svg").stat().st_size > 1_000
    again = snakemake(reported, reported / "maps.yaml", "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
