"""Models from their entries: parameter counts known from elsewhere, and what is said of wrong ones."""

from typing import Any

import pytest
import torch

from bakeoff.errors import BakeoffError
from bakeoff.models.description import describe
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture

MNIST = ImageShape(1, 28, 28, 10)
CIFAR = ImageShape(3, 32, 32, 10)
POOL = {"pool": 2}


def architecture(**entry: Any) -> Architecture:
    return Architecture.model_validate(entry)


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 7_850),
        ({"hidden": [10], "activation": "sigmoid"}, 7_960),
        ({"hidden": [70]}, 55_660),
        ({"hidden": [70], "batch_norm": True}, 55_800),
        ({"hidden": [60, 60]}, 51_370),
        ({"hidden": [60, 60], "batch_norm": [True, False]}, 51_490),
        ({"hidden": [60, 60], "batch_norm": True, "dropout": 0.5}, 51_610),
    ],
)
def test_perceptrons_have_the_published_parameters(arguments: dict[str, Any], parameters: int) -> None:
    assert describe(architecture(model="mlp", **arguments), MNIST).parameters == parameters


@pytest.mark.parametrize(
    ("layers", "head", "parameters"),
    [
        ([{"conv": 1, "kernel": 5}, "relu"], {}, 7_926),
        ([{"conv": 1, "kernel": 5}, POOL, "relu"], {}, 2_046),
        ([{"conv": 1, "kernel": 5}, "relu"], {"hidden": [60], "hidden_batch_norm": True}, 47_906),
        (
            [{"conv": 10, "kernel": 5}, POOL, "relu", {"conv": 20, "kernel": 5}, POOL, "relu"],
            {"hidden": [60], "hidden_batch_norm": True},
            36_570,
        ),
        (
            [{"conv": 30, "kernel": 5}, POOL, "relu", {"conv": 30}, POOL, "relu", {"conv": 60}, POOL, "relu"],
            {"hidden": [60], "hidden_batch_norm": True},
            41_860,
        ),
        (
            [{"block": 15}, {"block": 30, "padding": 1}, POOL, {"block": 45}, {"dropout": 0.2},
             {"block": 60, "padding": 1}, POOL, {"block": 75, "padding": 1}, {"dropout": 0.2}, {"block": 90}, POOL],
            {"hidden": [70], "hidden_batch_norm": True, "hidden_dropout": 0.2},
            169_220,
        ),
    ],
)  # fmt: skip
def test_convnets_have_the_published_parameters(layers: list[Any], head: dict[str, Any], parameters: int) -> None:
    assert describe(architecture(model="convnet", layers=layers, **head), CIFAR).parameters == parameters


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("vgg_small", 169_220), ("inception_small", 514_635), ("resnet_small", 6_575_370)],
)
def test_small_networks_have_the_published_parameters(model: str, parameters: int) -> None:
    assert describe(architecture(model=model), CIFAR).parameters == parameters


def test_a_residual_network_of_basic_blocks_is_counted_by_hand() -> None:
    found = describe(architecture(model="basic_block_net", widths=[8, 16], blocks=[1, 2]), ImageShape(3, 16, 16, 5))
    stem = 3 * 9 * 8 + 16
    first = 2 * (8 * 9 * 8 + 16)
    second = 8 * 9 * 16 + 32 + 16 * 9 * 16 + 32 + (8 * 16 + 32)
    third = 2 * (16 * 9 * 16 + 32)
    assert found.parameters == stem + first + second + third + 16 * 5 + 5


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"model": "vgg_small", "stages": [[8], [8]]}, "padding"),
        ({"model": "inception_small", "blocks": [{"conv1": 4}]}, "blocks.0: needs conv1"),
        ({"model": "inception_small", "blocks": [{"conv1": 4, "conv3": [4], "conv5": [4, 4], "pool": 4}]}, "conv3"),
        ({"model": "resnet_small", "stages": [{"residual": 1}]}, "stages.0"),
        ({"model": "basic_block_net", "widths": [8], "blocks": [1, 1]}, "widths has 1"),
    ],
)
def test_wrong_arguments_of_small_networks_are_errors(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(BakeoffError, match=said):
        describe(architecture(**entry), CIFAR)


def test_macs_are_counted_by_hand() -> None:
    found = describe(architecture(model="convnet", layers=[{"conv": 4, "kernel": 3}, "relu"]), ImageShape(2, 6, 6, 3))
    assert found.macs == 4 * 4 * 4 * 2 * 3 * 3 + 64 * 3
    assert [layer.output_shape for layer in found.layers] == [(4, 4, 4), (4, 4, 4), (64,), (3,)]


@pytest.mark.parametrize("name", ["timm/resnet18", "torchvision/resnet18"])
def test_small_images_gives_the_known_cifar_resnet(name: str) -> None:
    found = describe(architecture(model=name, small_images=True), CIFAR)
    assert found.parameters == 11_173_962  # as in kuangliu/pytorch-cifar
    assert found.macs == pytest.approx(555.4e6, rel=0.01)


@pytest.mark.parametrize(
    "entry",
    [
        {"model": "timm/resnet18"},
        {"model": "torchvision/resnet18"},
        {"model": "timm/vit_tiny_patch16_224", "patch_size": 4},
        {"model": "torchvision/googlenet", "aux_logits": False, "init_weights": False},
    ],
    ids=lambda entry: entry["model"],
)
def test_other_packages_take_grayscale_images(entry: dict[str, Any]) -> None:
    images = ImageShape(1, 32, 32, 7)
    assert describe(Architecture.model_validate(entry), images).classes == 7
    network = build_model(Architecture.model_validate(entry), images).eval()
    assert network(torch.zeros(2, 1, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"model": "mpl"}, "did you mean 'mlp'"),
        ({"model": "timm/resnet19"}, "did you mean 'resnet18'"),
        ({"model": "torchvision/resnet19"}, "did you mean 'resnet18'"),
        ({"model": "mlp", "hiden": [3]}, "did you mean 'hidden'"),
        ({"model": "mlp", "hidden": [0]}, "whole numbers above 0"),
        ({"model": "mlp", "activation": "rely"}, "did you mean 'relu'"),
        ({"model": "mlp", "hidden": [3], "batch_norm": [True, True]}, "2 values for 1 hidden"),
        ({"model": "mlp", "small_images": True}, "no stem"),
        ({"model": "convnet", "layers": [{"cov": 3}]}, "layers.0.*did you mean 'conv'"),
        ({"model": "convnet", "layers": ["conv"]}, "needs a value"),
        ({"model": "convnet", "layers": [{"conv": 3, "kernle": 5}]}, "did you mean 'kernel'"),
        ({"model": "convnet", "layers": [POOL] * 6}, "cannot take an image"),
        ({"model": "timm/resnet18", "depth": 3}, "depth"),
        ({"model": "torchvision/alexnet"}, "cannot take images"),
        ({"model": "torchvision/googlenet", "init_weights": False}, "aux_logits"),
    ],
)
def test_a_wrong_model(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        describe(Architecture.model_validate(entry), CIFAR)
