"""Classifiers of libraries' networks: found, changed and taken off."""

from typing import Any

import pytest
import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.classifier import check_classifier, classifier_path, take_off
from bakeoff.models.freezing import freeze, train_mode
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture

SMALL = ImageShape(3, 32, 32, 7)


def build(model: str, **entry: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_model(Architecture.model_validate({"model": model, **entry}), SMALL)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("torchvision/resnet18", "fc"),
        ("torchvision/resnet50", "fc"),
        ("torchvision/mobilenet_v2", "classifier.1"),
        ("torchvision/efficientnet_b0", "classifier.1"),
        ("timm/resnet18", "fc"),
        ("timm/mobilenetv1_100", "classifier"),
        ("timm/mobilenetv2_100", "classifier"),
        ("timm/efficientnet_b0", "classifier"),
        ("timm/convnext_atto", "head.fc"),
        ("timm/vit_tiny_patch16_224", "head"),
        ("resnet_small", "11"),
    ],
)
def test_backbone_and_classifier_together_are_the_network(model: str, path: str) -> None:
    network = build(model).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        whole = network(images)
        assert classifier_path(network) == path
        check_classifier(network, images[:1])
        classifier, _ = take_off(network)
        features = network(images)
        assert features.ndim == 2
        assert torch.equal(classifier(features), whole)
        network.set_submodule(path, classifier)
        assert torch.equal(network(images), whole)


@pytest.mark.parametrize("model", ["torchvision/resnet18", "torchvision/mobilenet_v2", "timm/resnet18"])
def test_dropout_works_in_training_alone_and_keeps_the_names_of_weights(model: str) -> None:
    plain, dropped = build(model), build(model, dropout=0.9)
    assert plain.state_dict().keys() == dropped.state_dict().keys()
    assert all(torch.equal(one, other) for one, other in zip(plain.parameters(), dropped.parameters(), strict=True))
    images = torch.randn(4, 3, 32, 32)
    assert torch.equal(plain.eval()(images), dropped.eval()(images))
    classifier = dropped.get_submodule(classifier_path(dropped)).train()
    features = torch.randn(50, classifier.in_features)  # type: ignore[call-overload]
    torch.manual_seed(1)
    found = classifier(features)
    torch.manual_seed(1)
    wanted = nn.Sequential(nn.Dropout(0.9), plain.get_submodule(classifier_path(plain)))(features)
    assert torch.equal(found, wanted)


def test_a_librarys_own_dropout_becomes_the_classifiers() -> None:
    network = build("torchvision/mobilenet_v2")
    assert network.get_submodule("classifier.0").p == 0
    assert network.get_submodule("classifier.1").p == 0.2


def test_a_head_is_dropout_linear_relu_linear() -> None:
    network = build("timm/efficientnet_b0", head={"hidden": 12, "dropout": 0.3})
    kinds = [type(module).__name__ for module in network.get_submodule("classifier").children()]
    assert kinds == ["Dropout", "Linear", "ReLU", "Linear"]
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_head_and_dropout_exclude_each_other_and_own_models_have_neither() -> None:
    with pytest.raises(BakeoffError, match="head has its own dropout"):
        build("timm/resnet18", head={"hidden": 12}, dropout=0.1)
    with pytest.raises(BakeoffError, match="head: is for timm/NAME"):
        build("mlp", head={"hidden": 12})


def test_a_frozen_backbone_changes_in_nothing_while_the_classifier_trains() -> None:
    network = build("timm/resnet18", head={"hidden": 12, "dropout": 0.5})
    freeze(network, "backbone")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train_mode(network, "backbone")
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(torch.randn(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"fc.1.weight", "fc.1.bias", "fc.3.weight", "fc.3.bias"}
    trained = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    assert trained == 512 * 12 + 12 + 12 * 7 + 7


def test_frozen_batch_norm_keeps_its_statistics() -> None:
    network = build("timm/resnet18")
    freeze(network, "batch_norm")
    train_mode(network, "batch_norm")
    before = network.get_buffer("bn1.running_mean").clone()
    network(torch.randn(4, 3, 32, 32))
    assert torch.equal(network.get_buffer("bn1.running_mean"), before)
    assert network.training and network.get_submodule("layer1.0.conv1").weight.requires_grad


def test_patterns_freeze_what_they_match_with_its_batch_norm() -> None:
    network = build("timm/resnet18")
    freeze(network, ["conv1.*", "layer1.*"])
    train_mode(network, ["conv1.*", "layer1.*"])
    frozen = {name.partition(".")[0] for name, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {"conv1", "layer1"}
    assert not network.get_submodule("layer1.0.bn1").training
    assert network.get_submodule("layer2.0.bn1").training


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(BakeoffError, match=r"no parameter is called 'layr1\.\*'; did you mean 'layer1\.\*'"):
        freeze(build("timm/resnet18"), ["layr1.*"])
    with pytest.raises(BakeoffError, match="no parameter is left"):
        freeze(build("timm/resnet18"), ["*"])


def test_a_network_that_does_not_end_in_its_linear_layer_cannot_be_split() -> None:
    ends_in_convolution = nn.Sequential(nn.Flatten(), nn.Linear(3072, 7), nn.Unflatten(1, (7, 1)), nn.Flatten())
    with pytest.raises(BakeoffError, match="does not end in its linear layer 1"):
        check_classifier(ends_in_convolution, torch.randn(1, 3, 32, 32))
    with pytest.raises(BakeoffError, match="does not end in its linear layer"):
        check_classifier(build("timm/deit_tiny_distilled_patch16_224"), torch.randn(1, 3, 32, 32))


def test_batch_norm_without_parameters_is_not_frozen_by_patterns() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 2))
    freeze(network, ["0.*"])
    train_mode(network, ["0.*"])
    assert network[1].training
