"""Weights from files: only weights, and only those that fit."""

import os
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.models.weights import check_pretrained, fit_weights, load_pretrained, pretrained_normalization
from bakeoff.study.entries import Architecture

TEN, SEVEN = ImageShape(3, 32, 32, 10), ImageShape(3, 32, 32, 7)


def entry(model: str = "timm/resnet18", **keys: Any) -> Architecture:
    return Architecture.model_validate({"model": model, **keys})


def network(images: ImageShape = TEN, seed: int = 0, **keys: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_model(entry(**keys), images)


@pytest.mark.parametrize("form", ["safetensors", "torch", "wrapped"])
def test_a_file_fills_all_but_the_classifier_of_other_classes(tmp_path: Path, form: str) -> None:
    donor = network(TEN, seed=1)
    path = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pth")
    state = donor.state_dict()
    if form == "safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}} if form == "wrapped" else state, path)
    wanted = entry(pretrained=str(path))
    check_pretrained(wanted, SEVEN)
    filled = network(SEVEN, seed=2)
    fresh = filled.get_parameter("fc.weight").clone()
    load_pretrained(filled, wanted, SEVEN)
    assert torch.equal(filled.get_parameter("fc.weight"), fresh)
    others = [name for name in state if not name.startswith("fc.")]
    assert all(torch.equal(filled.state_dict()[name], state[name]) for name in others)


def test_the_classifier_is_taken_when_it_fits() -> None:
    donor, filled = network(TEN, seed=1), network(TEN, seed=2)
    fit_weights(filled, donor.state_dict(), "here")
    assert torch.equal(filled.get_parameter("fc.weight"), donor.get_parameter("fc.weight"))


def test_a_head_takes_the_place_of_a_classifier_and_back() -> None:
    plain, headed = network(seed=1), network(seed=2, head={"hidden": 5})
    fit_weights(headed, plain.state_dict(), "here")
    assert torch.equal(headed.get_parameter("conv1.weight"), plain.get_parameter("conv1.weight"))
    fit_weights(plain, network(seed=3, head={"hidden": 5}).state_dict(), "here")


def test_another_architecture_is_an_error_that_names_a_weight(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(network(model="timm/resnet34").state_dict(), path)
    with pytest.raises(
        BakeoffError, match=r"weights of another architecture: layer1\.2\.conv1\.weight .* missing here"
    ):
        check_pretrained(entry(pretrained=str(path)), TEN)
    with pytest.raises(BakeoffError, match=r"layer3\..* is missing there"):
        torch.save({k: v for k, v in network().state_dict().items() if not k.startswith("layer3")}, path)
        check_pretrained(entry(pretrained=str(path)), TEN)


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["ATTACKED"],)


def test_a_file_is_never_unpickled_into_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTACKED", str(tmp_path / "attacked"))
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": Attack()}, path)
    with pytest.raises(BakeoffError, match="cannot be read as weights alone"):
        check_pretrained(entry(pretrained=str(path)), TEN)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(("content", "said"), [(b"", "cannot be read"), (None, "there is no file")])
def test_a_file_that_is_none_is_an_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BakeoffError, match=said):
        check_pretrained(entry(pretrained=str(path)), TEN)


def test_a_hub_that_cannot_be_reached_is_one_error_that_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BakeoffError, match=r"cannot be had: .*pretrained: weights\.safetensors"):
        check_pretrained(entry(pretrained=True), TEN)


def test_random_weights_are_the_same_for_all_seeds() -> None:
    wanted = entry(pretrained="random")
    one, other = network(seed=1), network(seed=2)
    for filled in (one, other):
        load_pretrained(filled, wanted, TEN)
    assert torch.equal(one.get_parameter("layer4.1.conv2.weight"), other.get_parameter("layer4.1.conv2.weight"))
    assert not torch.equal(one.get_parameter("fc.weight"), other.get_parameter("fc.weight"))


@pytest.mark.parametrize("model", ["timm/resnet18", "torchvision/resnet18"])
def test_pretrained_weights_expect_imagenets_normalisation(model: str) -> None:
    mean, std = pretrained_normalization(entry(model), 3)
    assert mean == pytest.approx([0.485, 0.456, 0.406])
    assert std == pytest.approx([0.229, 0.224, 0.225])


def test_the_normalisation_of_other_channels_is_an_error() -> None:
    with pytest.raises(BakeoffError, match=r"expects 3 channels and the images have 1; .* mode: RGB"):
        pretrained_normalization(entry(), 1)


def test_weights_of_which_nothing_fits_are_an_error() -> None:
    ten, seven = network(TEN, model="mlp"), network(SEVEN, model="mlp")
    with pytest.raises(BakeoffError, match="here: nothing of it fits"):
        fit_weights(seven, ten.state_dict(), "here")


def test_a_deeper_networks_weights_do_not_fit_a_shallower_one_of_ours() -> None:
    deep, shallow = (build_model(entry("mlp", hidden=[6] * count), TEN) for count in (2, 1))
    with pytest.raises(BakeoffError, match="weights of another architecture"):
        fit_weights(shallow, deep.state_dict(), "here")


def test_auxiliary_classifiers_of_a_file_are_spare() -> None:
    plain = network()
    given = network(seed=1).state_dict() | {"aux1.fc.weight": torch.zeros(3), "AuxLogits.fc.bias": torch.zeros(2)}
    fit_weights(plain, given, "here")
    assert torch.equal(plain.get_parameter("conv1.weight"), given["conv1.weight"])
