"""A training that is asked to stop, whenever that is, ends as if it had not been, and trains no step twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.batches import Batches
from bakeoff.errors import Stopped
from bakeoff.study.entries import SPLITS, Optimizer, Recipe
from bakeoff.study.metrics import METRICS
from bakeoff.training.devices import make_deterministic
from bakeoff.training.evaluation import final_evaluation
from bakeoff.training.losses import build_losses
from bakeoff.training.randomness import seed_global
from bakeoff.training.scoring import Scoring
from bakeoff.training.state import EpochRow, Progress, Settings
from bakeoff.training.trainer import Checkpoint, Trainer

SGD = Optimizer.model_validate({"name": "SGD", "lr": 0.1, "momentum": 0.9})


@dataclass
class Trained:
    """What came of a run: `history` without the clock, and when each epoch ended."""

    history: list[EpochRow]
    weights: dict[str, Tensor]
    logits: Tensor
    ended: list[float]

    def assert_as(self, other: "Trained") -> None:
        """The same but for the clock."""
        assert self.history == other.history
        assert all(torch.equal(self.weights[name], other.weights[name]) for name in other.weights)
        assert torch.equal(self.logits, other.logits)


def attempt(folder: Path, optimizer: Optimizer, stop: Callable[[], bool], trained_on: list[int]) -> Trained:
    """Two epochs of three steps, each split evaluated in three batches. `trained_on` counts the forward passes."""
    images = torch.randint(0, 256, (30, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(30) % 3
    recipe = Recipe(epochs=2, batch_size=10, track_test=True)
    losses = build_losses(recipe, "multi-class", labels, ["a", "b", "c"])
    splits = {split: Batches(images, labels, 10) for split in SPLITS}
    settings = Settings(
        recipe=recipe, optimizer=optimizer, metric=METRICS["loss"], losses=losses, scoring=Scoring(), seed=1
    )
    make_deterministic(torch.device("cpu"), threads=1)
    seed_global(1, "weights")
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    network.register_forward_hook(lambda network, _, outputs: trained_on.extend([len(outputs)] * network.training))
    checkpoint = Checkpoint(folder / "state.pt")
    trainer = Trainer(network, splits, settings, checkpoint, torch.device("cpu"), Progress(), stop)
    trainer.train()
    outcome = final_evaluation(trainer, METRICS, ["a", "b", "c"])
    history = [
        {name: row[name] for name in row if name not in ("seconds", "ended")} for row in trainer.progress.history
    ]
    ended = [row["ended"] for row in trainer.progress.history]
    return Trained(history, network.state_dict(), outcome.logits, ended)


def never() -> bool:
    return False


def stop_at(question: int) -> Callable[[], bool]:
    """Says yes from the so-and-so-manieth time on that it is asked."""
    asked = iter(range(1, 1_000_000))
    return lambda: next(asked) >= question


@pytest.mark.parametrize("question", [2, 10])  # within the first epoch, and between the two
@pytest.mark.parametrize(
    "entry",
    [
        {"name": "adahessian", "lr": 0.1},
        {"name": "adahessian", "lr": 0.1, "update_each": 2, "n_samples": 2},
        {"name": "Adam", "lr": 0.01, "amsgrad": True},
        {"name": "kron", "lr": 0.01},
        {"name": "LBFGS"},
        {"name": "madgrad", "lr": 0.01},
    ],
    ids=lambda entry: entry["name"],
)
def test_what_an_optimizer_keeps_survives(entry: dict[str, Any], question: int, tmp_path: Path) -> None:
    """kron and AdaHessian draw random numbers; the second keeps a curvature for some steps."""
    optimizer = Optimizer.model_validate(entry)
    expected = attempt(tmp_path / "undisturbed", optimizer, never, [])
    with pytest.raises(Stopped):
        attempt(tmp_path / "stopped", optimizer, stop_at(question), [])
    attempt(tmp_path / "stopped", optimizer, never, []).assert_as(expected)


def test_a_stop_at_any_moment_changes_nothing_and_loses_no_step(tmp_path: Path) -> None:
    steps: list[int] = []
    expected = attempt(tmp_path / "undisturbed", SGD, never, steps)
    for question in range(1, 1000):
        trained_on: list[int] = []
        folder = tmp_path / str(question)
        try:
            attempt(folder, SGD, stop_at(question), trained_on).assert_as(expected)
            break  # it was not asked so often
        except Stopped as stopped:
            assert str(stopped).startswith("stopped after ")
        attempt(folder, SGD, never, trained_on).assert_as(expected)
        assert trained_on == steps
    assert question > 2 * (3 + 3 + 3 + 1) + 3  # steps, batches of validation and test, ends of epochs; the test at last


def test_epochs_before_a_stop_keep_the_time_at_which_they_ended(tmp_path: Path) -> None:
    moments = [time.time()]
    with pytest.raises(Stopped):
        attempt(tmp_path, SGD, stop_at(13), [])  # in the second epoch
    moments.append(time.time())
    time.sleep(0.01)  # times are of milliseconds
    ended = attempt(tmp_path, SGD, never, []).ended
    moments.append(time.time())
    assert moments[0] - 0.001 <= ended[0] <= moments[1] + 0.001 < ended[1] <= moments[2] + 0.001
