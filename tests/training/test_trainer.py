"""An epoch whose images are mixed: soft targets make the loss, hard ones the metrics."""

from pathlib import Path

import pytest
import torch
from sklearn.metrics import average_precision_score, log_loss
from torch import Tensor, nn

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches
from bakeoff.study.entries import SPLITS, Optimizer, Recipe
from bakeoff.study.metrics import IGNORED, METRICS, Task
from bakeoff.training.losses import Losses, build_losses
from bakeoff.training.randomness import generator
from bakeoff.training.scoring import Scoring
from bakeoff.training.state import Progress, Settings
from bakeoff.training.trainer import Checkpoint, Trainer

CLASSES = 3


def trained(labels: Tensor, task: Task, rate: float, folder: Path, seen: list[Tensor]) -> tuple[Progress, nn.Module]:
    """One epoch of a linear network on mixed noise; `seen` collects the targets that the loss was given."""
    images = torch.randint(
        0, 256, (len(labels), 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    mixing = {"RandomChoice": {"transforms": ["MixUp", "CutMix"]}}
    augmentation = build_augmentation(list(mixing.items()), (1, 4, 4))
    recipe = Recipe(epochs=1, batch_size=20)
    losses = build_losses(recipe, task, labels, ["a", "b", "c"])

    def watched(logits: Tensor, targets: Tensor) -> Tensor:
        seen.append(targets)
        return losses.training(logits, targets)

    splits = {
        "train": Batches(images, labels, 20, augmentation=augmentation, classes=CLASSES),
        "validation": Batches(images, labels, 20),
    }
    optimizer = Optimizer.model_validate({"name": "SGD", "lr": rate})
    metric = METRICS["accuracy" if task == "multi-class" else "mean_average_precision"]
    settings = Settings(
        recipe=recipe, optimizer=optimizer, metric=metric, losses=Losses(watched, losses.plain), scoring=Scoring(task),
        seed=1,
    )  # fmt: skip
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES))
    trainer = Trainer(network, splits, settings, Checkpoint(folder / "state.pt"), torch.device("cpu"), Progress())
    trainer.train()
    return trainer.progress, network


def mixed_epoch(labels: Tensor) -> tuple[Tensor, Tensor]:
    """The same epoch's images and targets, from the same generators."""
    images = torch.randint(
        0, 256, (len(labels), 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    mixing = {"RandomChoice": {"transforms": ["MixUp", "CutMix"]}}
    batches = Batches(
        images, labels, 20, augmentation=build_augmentation(list(mixing.items()), (1, 4, 4)), classes=CLASSES
    )
    parts = zip(*batches.epoch(generator(1, "order", 1), generator(1, "augmentation", 1)), strict=True)
    mixed, targets, _ = (torch.cat(part) for part in parts)
    return mixed, targets


def test_one_class_for_each_image(tmp_path: Path) -> None:
    labels = torch.arange(200) % CLASSES
    seen: list[Tensor] = []
    progress, network = trained(labels, "multi-class", 1e-12, tmp_path, seen)
    images, targets = mixed_epoch(labels)
    assert torch.equal(torch.cat(seen), targets)
    assert not torch.equal(targets, targets.round())
    predicted = network(images).argmax(1)
    assert progress.history[0]["train_accuracy"] == pytest.approx(
        float((predicted == targets.argmax(1)).double().mean())
    )
    probabilities = network(images).detach().double().softmax(1)
    assert progress.history[0]["train_loss"] == pytest.approx(log_loss(targets.argmax(1), probabilities), rel=1e-5)


def test_several_labels_for_each_image(tmp_path: Path) -> None:
    labels = (torch.rand(200, CLASSES, generator=torch.Generator().manual_seed(3)) < 0.4).to(torch.uint8)
    labels[::50, 0] = IGNORED
    seen: list[Tensor] = []
    progress, network = trained(labels, "multi-label", 1e-12, tmp_path, seen)
    images, targets = mixed_epoch(labels)
    assert torch.equal(torch.cat(seen), targets)
    known = targets != IGNORED
    assert 0 < int((~known).sum()) <= 8
    scores = network(images).detach()
    expected = [
        average_precision_score((targets[known[:, k], k] >= 0.5).int(), scores[known[:, k], k]) for k in range(CLASSES)
    ]
    assert progress.history[0]["train_mean_average_precision"] == pytest.approx(sum(expected) / CLASSES)


@pytest.mark.parametrize(
    ("task", "loss"),
    [
        ("multi-class", None),
        ("multi-label", None),
        ("multi-class", {"name": "CrossEntropyLoss", "class_weights": {"a": 7, "c": 0.1}}),
    ],
)
def test_accumulated_batches_step_as_one_that_holds_them_all(task: Task, loss: object, tmp_path: Path) -> None:
    """Three batches, the last one smaller, whose ignored labels and weights are not equally many."""
    images = torch.randint(0, 256, (10, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    if task == "multi-class":
        labels = torch.arange(10) % CLASSES
    else:
        labels = (torch.arange(30).reshape(10, 3) % 2).to(torch.uint8)
        labels[:5, 1:] = IGNORED
    weights = []
    for batch_size, accumulate in ((10, 1), (4, 3)):
        recipe = Recipe.model_validate({"epochs": 1, "batch_size": batch_size, "accumulate": accumulate, "loss": loss})
        splits = {split: Batches(images, labels, batch_size) for split in SPLITS}
        settings = Settings(
            recipe=recipe,
            optimizer=Optimizer.model_validate({"name": "SGD", "lr": 1.0}),
            metric=METRICS["loss"],
            losses=build_losses(recipe, task, labels, ["a", "b", "c"]),
            scoring=Scoring(task),
            seed=1,
        )
        checkpoint = Checkpoint(tmp_path / f"{accumulate}.pt")
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES))
        before = network[1].weight.detach().clone()
        Trainer(network, splits, settings, checkpoint, torch.device("cpu"), Progress()).train()
        weights.append(network[1].weight.detach())
        assert not torch.allclose(weights[-1], before, atol=1e-3)
    torch.testing.assert_close(*weights)
