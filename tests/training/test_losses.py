"""Losses against PyTorch's own modules."""

import pytest
import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Recipe
from bakeoff.study.metrics import IGNORED
from bakeoff.training.losses import binary_cross_entropy, build_losses

LABELS = torch.tensor([[0, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]], dtype=torch.uint8)
LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def recipe(**keys: object) -> Recipe:
    return Recipe.model_validate({"epochs": 1, **keys})


def test_cross_entropy_smooths_only_in_training() -> None:
    labels = torch.tensor([0, 1, 2, 1])
    losses = build_losses(recipe(label_smoothing=0.1), "multi-class", labels)
    assert torch.equal(losses.training(LOGITS, labels), nn.CrossEntropyLoss(label_smoothing=0.1)(LOGITS, labels))
    assert torch.equal(losses.plain(LOGITS, labels), nn.CrossEntropyLoss()(LOGITS, labels))


def test_multilabel_data_gets_binary_cross_entropy() -> None:
    losses = build_losses(recipe(), "multi-label", LABELS)
    wanted = nn.BCEWithLogitsLoss()(LOGITS, LABELS.float())
    assert torch.allclose(losses.training(LOGITS, LABELS), wanted)


def test_sum_is_over_labels_and_mean_over_images() -> None:
    losses = build_losses(recipe(loss={"name": "BCEWithLogitsLoss", "reduction": "sum"}), "multi-label", LABELS)
    wanted = nn.BCEWithLogitsLoss(reduction="sum")(LOGITS, LABELS.float()) / len(LABELS)
    assert torch.allclose(losses.plain(LOGITS, LABELS), wanted)


@pytest.mark.parametrize(
    ("given", "weights"), [("auto", [3.0, 3.0, 1 / 3]), (2.0, [2.0] * 3), ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])]
)
def test_positives_are_weighted_in_training_alone(given: object, weights: list[float]) -> None:
    losses = build_losses(recipe(loss={"name": "BCEWithLogitsLoss", "pos_weight": given}), "multi-label", LABELS)
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
    losses = build_losses(recipe(**keys), "multi-label", LABELS)
    parts = [slice(0, 1), slice(1, 2), slice(2, 4)]
    shares = losses.shares([masked[part] for part in parts])
    total = sum(share * losses.training(LOGITS[part], masked[part]) for share, part in zip(shares, parts, strict=True))
    assert torch.allclose(torch.as_tensor(total), losses.training(LOGITS, masked))


def test_batches_without_a_known_label_have_no_loss() -> None:
    losses = build_losses(recipe(), "multi-label", LABELS)
    nothing = torch.full_like(LABELS, IGNORED)
    assert sum(losses.shares([nothing, nothing])) == 0


@pytest.mark.parametrize(
    ("keys", "task", "named"),
    [
        ({"loss": "CrossEntropyLoss"}, "multi-label", "say BCEWithLogitsLoss"),
        ({"loss": "BCEWithLogitsLoss"}, "multi-class", "say CrossEntropyLoss"),
        ({"label_smoothing": 0.1}, "multi-label", "label_smoothing"),
        ({"loss": {"name": "BCEWithLogitsLoss", "pos_weight": [1, 2]}}, "multi-label", "2 numbers for 3 labels"),
    ],
)
def test_a_loss_that_does_not_fit_the_data_is_an_error(keys: dict[str, object], task: str, named: str) -> None:
    labels = LABELS if task == "multi-label" else torch.zeros(4, dtype=torch.int64)
    with pytest.raises(BakeoffError, match=named):
        build_losses(recipe(**keys), task, labels)  # type: ignore[arg-type]
