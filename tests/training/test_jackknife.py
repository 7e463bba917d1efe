"""Influences of test images on metrics of plugins, against the formulas for metrics that have one."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from bakeoff.analysis.test_set_error import influences
from bakeoff.errors import BakeoffError
from bakeoff.study import plugin_files
from bakeoff.training.jackknife import influence_of
from made_predictions import class_logits, class_predictions


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return accuracy_score(labels, logits.argmax(1))


def macro_f1(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return f1_score(labels, logits.argmax(1), average="macro", zero_division=0)


@pytest.fixture
def registered() -> Iterator[dict[str, plugin_files.Plugin]]:
    before = dict(plugin_files.REGISTRIES["influence"])
    yield plugin_files.REGISTRIES["influence"]
    plugin_files.REGISTRIES["influence"].clear()
    plugin_files.REGISTRIES["influence"].update(before)


def test_each_image_has_its_influence_where_there_are_few() -> None:
    (logits,), labels = class_logits(1, 150, 4, 3)
    found = influence_of("mine", accuracy, torch.tensor(logits), torch.tensor(labels))
    expected = influences(class_predictions(1, 150, 4, 3))
    assert found == pytest.approx(expected["accuracy"][0])
    found = influence_of("mine", macro_f1, torch.tensor(logits), torch.tensor(labels))
    assert found == pytest.approx(expected["macro_f1"][0], abs=3e-4)


def test_groups_of_many_images_say_as_much_of_the_standard_error() -> None:
    (logits,), labels = class_logits(1, 5000, 4, 3)
    found = influence_of("mine", macro_f1, torch.tensor(logits), torch.tensor(labels))
    assert found.shape == (200,)
    expected = influences(class_predictions(1, 5000, 4, 3))["macro_f1"][0]
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.15)


def test_a_plugin_may_give_its_own(registered: dict[str, plugin_files.Plugin]) -> None:
    logits, labels = torch.zeros(6, 2), torch.tensor([0, 0, 0, 1, 1, 1])
    plugin_files.influence("mine")(lambda logits, labels: (labels == 0).double() / 6 - 1 / 12)
    assert influence_of("mine", accuracy, logits, labels) == pytest.approx([1 / 12] * 3 + [-1 / 12] * 3)
    plugin_files.influence("mine")(lambda logits, labels: [1.0])
    with pytest.raises(BakeoffError, match=r"influence mine \(a plugin\) gives shape \(1,\); one number for each of 6"):
        influence_of("mine", accuracy, logits, labels)
