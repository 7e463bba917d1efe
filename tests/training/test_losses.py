"""Losses against PyTorch's own modules."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Recipe
from bakeoff.study.metrics import IGNORED
from bakeoff.training.losses import binary_cross_entropy, build_losses

LABELS = torch.tensor([[0, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]], dtype=torch.uint8)
CLASSES = ["cat", "dog", "owl"]
LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def recipe(**keys: object) -> Recipe:
    return Recipe.model_validate({"epochs": 1, **keys})


def test_cross_entropy_smooths_only_in_training() -> None:
    labels = torch.tensor([0, 1, 2, 1])
    losses = build_losses(recipe(label_smoothing=0.1), "multi-class", labels, CLASSES)
    assert torch.equal(losses.training(LOGITS, labels), nn.CrossEntropyLoss(label_smoothing=0.1)(LOGITS, labels))
    assert torch.equal(losses.plain(LOGITS, labels), nn.CrossEntropyLoss()(LOGITS, labels))


def test_multilabel_data_gets_binary_cross_entropy() -> None:
    losses = build_losses(recipe(), "multi-label", LABELS, CLASSES)
    wanted = nn.BCEWithLogitsLoss()(LOGITS, LABELS.float())
    assert torch.allclose(losses.training(LOGITS, LABELS), wanted)


def test_sum_is_over_labels_and_mean_over_images() -> None:
    losses = build_losses(
        recipe(loss={"name": "BCEWithLogitsLoss", "reduction": "sum"}), "multi-label", LABELS, CLASSES
    )
    wanted = nn.BCEWithLogitsLoss(reduction="sum")(LOGITS, LABELS.float()) / len(LABELS)
    assert torch.allclose(losses.plain(LOGITS, LABELS), wanted)


@pytest.mark.parametrize(
    ("given", "weights"), [("auto", [3.0, 3.0, 1 / 3]), (2.0, [2.0] * 3), ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])]
)
def test_positives_are_weighted_in_training_alone(given: object, weights: list[float]) -> None:
    losses = build_losses(
        recipe(loss={"name": "BCEWithLogitsLoss", "pos_weight": given}), "multi-label", LABELS, CLASSES
    )
    wanted = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weights))(LOGITS, LABELS.float())
    assert torch.allclose(losses.training(LOGITS, LABELS), wanted)
    assert torch.allclose(losses.plain(LOGITS, LABELS), nn.BCEWithLogitsLoss()(LOGITS, LABELS.float()))


def test_ignored_labels_have_no_loss_and_no_gradient() -> None:
    masked = LABELS.clone()
    masked[1, 2] = IGNORED
    logits = LOGITS.clone().requires_grad_()
    binary_cross_entropy(logits, masked).backward()
    keep = masked != IGNORED
    assert logits.grad is not None
    assert logits.grad[1, 2] == 0
    wanted = nn.BCEWithLogitsLoss()(LOGITS[keep], LABELS[keep].float())
    assert torch.allclose(binary_cross_entropy(LOGITS, masked), wanted)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"loss": {"name": "BCEWithLogitsLoss", "pos_weight": 3.0}},
        {"loss": {"name": "BCEWithLogitsLoss", "reduction": "sum"}},
    ],
)
def test_shares_of_several_batches_make_the_loss_of_one(keys: dict[str, object]) -> None:
    masked = LABELS.clone()
    masked[0] = masked[1, :2] = IGNORED  # unequally over the batches, of which one has nothing but ignored labels
    losses = build_losses(recipe(**keys), "multi-label", LABELS, CLASSES)
    parts = [slice(0, 1), slice(1, 2), slice(2, 4)]
    shares = losses.shares([masked[part] for part in parts])
    total = sum(share * losses.training(LOGITS[part], masked[part]) for share, part in zip(shares, parts, strict=True))
    assert torch.allclose(torch.as_tensor(total), losses.training(LOGITS, masked))


FEW = torch.tensor([0, 0, 0, 2, 1, 0, 2, 0])
WEIGHTS = {"dog": 0.02, "owl": 0.5}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("given", ["balanced", WEIGHTS])
def test_weights_of_classes_are_pytorchs_and_balanced_ones_scikit_learns(given: object, smoothing: float) -> None:
    weighted = {"name": "CrossEntropyLoss", "class_weights": given}
    losses = build_losses(recipe(loss=weighted, label_smoothing=smoothing), "multi-class", FEW, CLASSES)
    weights = compute_class_weight("balanced", classes=np.arange(3), y=FEW.numpy())
    if given != "balanced":
        weights = np.array([1.0, 0.02, 0.5])
    module = nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float32), label_smoothing=smoothing)
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(losses.training(logits, FEW), module(logits, FEW))
    mixed = torch.rand(8, 3, generator=torch.Generator().manual_seed(2)).softmax(1)
    assert torch.equal(losses.training(logits, mixed), module(logits, mixed))
    assert torch.equal(losses.plain(logits, FEW), nn.CrossEntropyLoss()(logits, FEW))
    assert losses.training(logits.bfloat16(), FEW).dtype == torch.float32


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("given", ["balanced", WEIGHTS, {"cat": 0.01, "dog": 0.02, "owl": 0.03}])
def test_shares_of_unequal_weights_make_the_loss_of_one_batch(given: object, mixed: bool) -> None:
    """The mean of the parts' means would be another number."""
    weighted = {"name": "CrossEntropyLoss", "class_weights": given}
    losses = build_losses(recipe(loss=weighted, label_smoothing=0.1), "multi-class", FEW, CLASSES)
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.rand(8, 3, generator=torch.Generator().manual_seed(2)).softmax(1) if mixed else FEW
    parts = [slice(0, 3), slice(3, 4), slice(4, 8)]
    shares = losses.shares([targets[part] for part in parts])
    total = sum(share * losses.training(logits[part], targets[part]) for share, part in zip(shares, parts, strict=True))
    assert torch.allclose(torch.as_tensor(total), losses.training(logits, targets))
    if not mixed:
        means = torch.stack([losses.training(logits[part], targets[part]) for part in parts]).mean()
        assert not torch.allclose(means, losses.training(logits, targets))


def test_weights_of_classes_that_are_numbers_may_be_written_as_numbers() -> None:
    loss = recipe(loss={"name": "CrossEntropyLoss", "class_weights": {0: 2, 10: 3.5}}).loss
    assert loss is not None and loss.class_weights == {"0": 2.0, "10": 3.5}


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", {"name": "BCEWithLogitsLoss", "pos_weight": "auto"}])
def test_a_loss_without_weights_of_classes_is_specified_as_before(loss: object) -> None:
    content = recipe(loss=loss).model_dump(mode="json")["loss"]
    assert list(content) == ["name", "reduction", "pos_weight"]
    weighted = recipe(loss={"name": "CrossEntropyLoss", "class_weights": "balanced"}).model_dump(mode="json")["loss"]
    assert weighted["class_weights"] == "balanced"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ({"name": "CrossEntropyLoss", "weight": [1, 2]}, "say class_weights: balanced"),
        ({"name": "BCEWithLogitsLoss", "class_weights": "balanced"}, "say pos_weight: auto"),
        ({"name": "CrossEntropyLoss", "class_weights": {"cat": 0}}, "greater than 0"),
        ({"name": "CrossEntropyLoss", "class_weights": {"cat": -1}}, "greater than 0"),
        ({"name": "CrossEntropyLoss", "class_weights": {"cat": float("inf")}}, "finite"),
        ({"name": "CrossEntropyLoss", "class_weights": {}}, "at least 1"),
        ({"name": "CrossEntropyLoss", "class_weights": "auto"}, "balanced"),
    ],
)
def test_weights_that_cannot_be_are_an_error(loss: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recipe(loss=loss)


def test_batches_without_a_known_label_have_no_loss() -> None:
    losses = build_losses(recipe(), "multi-label", LABELS, CLASSES)
    nothing = torch.full_like(LABELS, IGNORED)
    assert sum(losses.shares([nothing, nothing])) == 0


@pytest.mark.parametrize(
    ("keys", "task", "named"),
    [
        ({"loss": "CrossEntropyLoss"}, "multi-label", "say BCEWithLogitsLoss"),
        ({"loss": "BCEWithLogitsLoss"}, "multi-class", "say CrossEntropyLoss"),
        ({"label_smoothing": 0.1}, "multi-label", "label_smoothing"),
        (
            {"loss": {"name": "CrossEntropyLoss", "class_weights": {"cat": 2, "dgo": 3}}},
            "multi-class",
            r"class_weights: there is no class 'dgo'; did you mean 'dog'\? allowed: cat, dog, owl",
        ),
        ({"loss": {"name": "BCEWithLogitsLoss", "pos_weight": [1, 2]}}, "multi-label", "2 numbers for 3 labels"),
    ],
)
def test_a_loss_that_does_not_fit_the_data_is_an_error(keys: dict[str, object], task: str, named: str) -> None:
    labels = LABELS if task == "multi-label" else torch.zeros(4, dtype=torch.int64)
    with pytest.raises(BakeoffError, match=named):
        build_losses(recipe(**keys), task, labels, CLASSES)  # type: ignore[arg-type]
