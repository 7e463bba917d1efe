"""Optimizers and schedules by name: what is passed through, and what is said of a wrong one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Optimizer, Schedule
from bakeoff.training.optimizers import bare_zero_grad, build_optimizer, check_optimizer, classes_of, way_of_steps
from bakeoff.training.schedules import LearningRate, check_schedule

NOT_FOR_EVERY_NETWORK = {"sparseadam", "muon"}  # sparse gradients only, matrices only


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(3, 3))]


def rates(schedule: Schedule, epochs: int = 6, steps: int = 4, losses: list[float] | None = None) -> list[float]:
    """The rate that each optimizer step sees."""
    optimizer = torch.optim.SGD(parameters(), lr=1.0)
    learning_rate = LearningRate(schedule, optimizer, epochs, steps, "accuracy")
    seen = []
    for epoch in range(epochs):
        for _ in range(steps):
            with learning_rate.step():
                seen.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
        learning_rate.end_epoch({"loss": losses[epoch] if losses else 1.0, "accuracy": 0.5})
    return seen


@pytest.mark.parametrize("name", sorted(set(classes_of(torch.optim, torch.optim.Optimizer)) - NOT_FOR_EVERY_NETWORK))
def test_every_optimizer_of_torch(name: str) -> None:
    check_optimizer(Optimizer(name=name))


@pytest.mark.parametrize("name", ["lamb", "lion", "adabelief", "madgradw", "adahessian"])
def test_optimizers_of_timm(name: str) -> None:
    check_optimizer(Optimizer.model_validate({"name": name, "lr": "1e-3"}))


class Forgetful(torch.optim.SGD):
    """Has its own way to forget gradients."""

    def zero_grad(self, set_to_none: bool = False) -> None:
        super().zero_grad(set_to_none)


@pytest.mark.parametrize(("kind", "left"), [(torch.optim.SGD, None), (Forgetful, 0.0)])
def test_gradients_are_forgotten_as_the_optimizer_does(kind: type[torch.optim.SGD], left: float | None) -> None:
    (weight,) = given = parameters()
    weight.grad = torch.ones(3, 3)
    bare_zero_grad(kind(given))()
    assert (None if weight.grad is None else weight.grad.sum()) == left


def test_arguments_reach_the_optimizer() -> None:
    built = build_optimizer(Optimizer.model_validate({"name": "sgd", "lr": "1e-2", "momentum": 0.9}), parameters())
    assert isinstance(built, torch.optim.SGD)
    assert (built.defaults["lr"], built.defaults["momentum"]) == (0.01, 0.9)


@pytest.mark.parametrize(
    ("entry", "way"),
    [
        ({"name": "SGD", "momentum": 0.9}, "fused"),
        ({"name": "AdamW"}, "fused"),
        ({"name": "Adamax"}, "foreach"),
        ({"name": "SGD", "foreach": False}, "loop"),
        ({"name": "Adam", "fused": False, "foreach": True}, "foreach"),
        ({"name": "lion"}, "loop"),
    ],
)
def test_all_parameters_are_stepped_at_once(entry: dict[str, Any], way: str) -> None:
    """To within rounding, these are the steps of the loop over parameters."""
    assert way_of_steps(Optimizer.model_validate(entry)) == way
    if entry["name"] == "lion":
        return
    stepped = []
    for more in ({}, {"foreach": False}):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3))
        optimizer = build_optimizer(Optimizer.model_validate({**entry, "lr": 0.01, **more}), network.parameters())
        for _ in range(20):
            optimizer.zero_grad()
            network(torch.ones(4, 5)).square().sum().backward()
            optimizer.step()
        stepped.append(torch.cat([parameter.detach().flatten() for parameter in network.parameters()]))
    torch.testing.assert_close(*stepped, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "sdg"}, "did you mean 'SGD'"),
        ({"name": "SGD", "momentun": 0.9}, "did you mean 'momentum'"),
        ({"name": "SGD", "lr": -1}, "Invalid learning rate"),
        ({"name": "lamb", "learning": 1}, "learning"),
        ({"name": "SparseAdam"}, "dense"),
        ({"name": "Muon"}, "2D"),
        ({"name": "bnbadam"}, "cannot be built"),
    ],
)
def test_a_wrong_optimizer(entry: dict[str, object], words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        check_optimizer(Optimizer.model_validate(entry))


def test_epoch_schedule_equals_torchs() -> None:
    optimizer = torch.optim.SGD(parameters(), lr=1.0)
    reference = lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
    expected = []
    for _ in range(6):
        expected += [optimizer.param_groups[0]["lr"]] * 4
        optimizer.step()
        reference.step()
    assert rates(Schedule.model_validate({"name": "ExponentialLR", "gamma": 0.7})) == pytest.approx(expected)


def test_cosine_left_without_length_ends_with_the_training() -> None:
    optimizer = torch.optim.SGD(parameters(), lr=1.0)
    reference = lr_scheduler.CosineAnnealingLR(optimizer, T_max=24)
    expected = []
    for _ in range(24):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    assert rates(Schedule.model_validate({"name": "CosineAnnealingLR", "interval": "step"})) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("entry", "reference"),
    [
        ({"name": "PolynomialLR", "power": 2}, lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 6, 2)),
        ({"name": "LinearLR"}, lr_scheduler.LinearLR),
    ],
)
def test_a_polynomial_decays_to_the_end_and_a_linear_one_warms_up_as_torchs(
    entry: dict[str, Any], reference: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
) -> None:
    optimizer = torch.optim.SGD(parameters(), lr=1.0)
    expected, schedule = [], reference(optimizer)
    for _ in range(6):
        expected += [optimizer.param_groups[0]["lr"]] * 4
        optimizer.step()
        schedule.step()
    assert rates(Schedule.model_validate(entry)) == pytest.approx(expected)


def test_warmup_is_linear_and_leaves_the_schedule_alone() -> None:
    seen = rates(Schedule.model_validate({"name": "StepLR", "step_size": 3, "gamma": 0.1, "warmup": 2}))
    assert seen[:8] == pytest.approx([(step + 1) / 8 for step in range(8)])
    assert seen[8:12] == pytest.approx([1.0] * 4)
    assert seen[12:] == pytest.approx([0.1] * 12)


def test_plateau_watches_the_validation_loss() -> None:
    schedule = Schedule.model_validate({"name": "ReduceLROnPlateau", "patience": 1, "factor": 0.5})
    seen = rates(schedule, losses=[1.0, 0.5, 0.5, 0.5, 0.4, 0.3])
    assert seen[::4] == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]


def test_schedules_of_schedules() -> None:
    parts = [{"name": "ConstantLR", "factor": 0.1, "total_iters": 2}, {"name": "ExponentialLR", "gamma": 0.5}]
    entry = {"name": "SequentialLR", "schedulers": parts, "milestones": [2]}
    assert rates(Schedule.model_validate(entry))[::4] == pytest.approx([0.1, 0.1, 1.0, 0.5, 0.25, 0.125])


def test_chained_schedules() -> None:
    parts = [{"name": "ConstantLR", "factor": 0.1, "total_iters": 2}, {"name": "ExponentialLR", "gamma": 0.5}]
    found = rates(Schedule.model_validate({"name": "ChainedScheduler", "schedulers": parts}), epochs=3)
    assert found[::4] == pytest.approx([0.1, 0.05, 0.25])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "CosineLR"}, "did you mean 'CosineAnnealingLR'"),
        ({"name": "StepLR"}, "step_size"),
        ({"name": "StepLR", "step_sise": 3}, "did you mean 'step_size'"),
        ({"name": "LambdaLR"}, "Python function"),
        ({"gamma": 1}, "without a name"),
    ],
)
def test_a_wrong_schedule(entry: dict[str, object], words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        rates(Schedule.model_validate(entry))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "StepLR", "step_size": 0}, "StepLR cannot step"),
        ({"name": "ExponentialLR", "gamma": "fast"}, "ExponentialLR cannot step"),
        ({"name": "PolynomialLR", "power": "two"}, "PolynomialLR cannot step"),
        ({"name": "OneCycleLR", "max_lr": 0.1, "total_steps": 20, "interval": "step"}, "OneCycleLR cannot step"),
        ({"name": "CosineAnnealingLR", "T_max": 0}, "CosineAnnealingLR cannot"),
    ],
)
def test_what_goes_wrong_in_a_step_is_found_before_training(entry: dict[str, Any], words: str) -> None:
    """Also what would go wrong only in the last one."""
    with pytest.raises(BakeoffError, match=words):
        check_schedule(Schedule.model_validate(entry), torch.optim.SGD(parameters(), lr=1.0), 6, 4)


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "OneCycleLR", "max_lr": 0.1, "interval": "step"},
        {"name": "CosineAnnealingWarmRestarts", "T_0": 2},
        {"name": "ReduceLROnPlateau"},
        {"name": "CyclicLR", "base_lr": 0.1, "max_lr": 1.0, "interval": "step"},
        {"name": "SequentialLR", "schedulers": [{"name": "LinearLR"}, {"name": "PolynomialLR"}], "milestones": [2]},
        {"name": "ChainedScheduler", "schedulers": [{"name": "LinearLR"}, {"name": "CosineAnnealingLR"}]},
    ],
)
def test_what_steps_to_the_end_passes_the_check(entry: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD(parameters(), lr=1.0, momentum=0.9)
    check_schedule(Schedule.model_validate(entry), optimizer, 6, 4)
