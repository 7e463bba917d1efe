"""Every class of torch.optim.lr_scheduler, by name, plus linear warm-up."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import lr_scheduler

from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments, nearest
from bakeoff.study.entries import Schedule
from bakeoff.training.optimizers import bare_step, classes_of
from bakeoff.training.scoring import MetricValues

NEEDS_A_FUNCTION = frozenset({"LambdaLR", "MultiplicativeLR"})
# Arguments that mean the length of training when left out. LinearLR's total_iters does not: it is a warm-up.
WHOLE_TRAINING = {"CosineAnnealingLR": "T_max", "OneCycleLR": "total_steps", "PolynomialLR": "total_iters"}


class LearningRate:
    """The learning-rate schedule of one run: it is told of every optimizer step and every epoch.

    ReduceLROnPlateau watches the validation loss, or with `mode: max` the validation metric that chooses
    the epoch. During warm-up the scheduled learning rate is multiplied by a factor that grows linearly to 1.
    """

    def __init__(
        self, entry: Schedule | None, optimizer: torch.optim.Optimizer, epochs: int, steps_per_epoch: int, metric: str
    ) -> None:
        self.entry = entry or Schedule()
        self.optimizer = optimizer
        self.metric = metric
        self.steps = 0
        self.warmup_steps = round(self.entry.warmup * steps_per_epoch)
        self.length = epochs * steps_per_epoch if self.entry.interval == "step" else epochs
        name, arguments = self.entry.name, self.entry.arguments
        self.scheduler = _build(name, arguments, optimizer, self.length) if name else None
        if name is None and arguments:
            raise BakeoffError(f"a schedule without a name takes warmup only; found {sorted(arguments)}")

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around each optimizer step."""
        warming_up = self.optimizer.param_groups if self.steps < self.warmup_steps else []
        scheduled = [group["lr"] for group in warming_up]
        for group, rate in zip(warming_up, scheduled, strict=True):
            group["lr"] = rate * ((self.steps + 1) / self.warmup_steps)
        yield
        for group, rate in zip(warming_up, scheduled, strict=True):
            group["lr"] = rate
        self.steps += 1
        if self.entry.interval == "step":
            if isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau):
                raise BakeoffError("ReduceLROnPlateau steps at epochs; leave interval out")
            self._advance()

    def end_epoch(self, validation: MetricValues) -> None:
        """After each epoch's validation."""
        if self.entry.interval == "epoch":
            if isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau):
                self._advance(validation[self.metric if self.scheduler.mode == "max" else "loss"])
            else:
                self._advance()

    def _advance(self, *watched: Any) -> None:
        if self.scheduler is not None:
            with _explained(f"{self.entry.name} cannot step with {self.entry.arguments}"):
                self.scheduler.step(*watched)

    @property
    def current(self) -> float:
        """The learning rate of the first parameter group, without warm-up."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "scheduler": self.scheduler.state_dict() if self.scheduler else None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])


def check_schedule(entry: Schedule, optimizer: torch.optim.Optimizer, epochs: int, steps_per_epoch: int) -> None:
    """Build the schedule and take its first step and its last. Raises BakeoffError when it cannot be."""
    schedule = LearningRate(entry, optimizer, epochs, steps_per_epoch, "loss")
    take_step = bare_step(optimizer)
    for _ in ("first", "last"):
        with schedule.step():
            take_step(lambda: torch.zeros(()))  # an optimizer with nothing to do: parameters without gradients
        schedule.end_epoch({"loss": math.inf})
        if schedule.scheduler is not None:
            schedule.scheduler.last_epoch = schedule.length - 1


def _build(name: str, given: dict[str, Any], optimizer: torch.optim.Optimizer, length: int) -> lr_scheduler.LRScheduler:
    available = classes_of(lr_scheduler, lr_scheduler.LRScheduler)
    if name.lower() not in available:
        names = [item.__name__ for item in available.values()]
        raise BakeoffError(f"there is no schedule {name!r}; {nearest(name, names)}")
    schedule = available[name.lower()]
    if schedule.__name__ in NEEDS_A_FUNCTION:
        raise BakeoffError(f"{schedule.__name__} needs a Python function, which a study file cannot hold")
    whole = WHOLE_TRAINING.get(schedule.__name__)
    arguments = {whole: length, **given} if whole and "epochs" not in given else dict(given)
    check_arguments(schedule, arguments, schedule.__name__, ignore=frozenset({"optimizer"}))
    if "schedulers" in arguments:  # SequentialLR, ChainedScheduler: schedules of schedules
        arguments["schedulers"] = [_nested(entry, optimizer, length) for entry in arguments["schedulers"]]
    with _explained(f"{schedule.__name__} cannot be built with {given}"):
        return schedule(optimizer=optimizer, **arguments)


@contextmanager
def _explained(problem: str) -> Iterator[None]:
    """What torch's schedules raise when their arguments are wrong, as a BakeoffError that begins with `problem`."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, ArithmeticError) as error:
        what = f"{type(error).__name__}: {error}" if isinstance(error, ArithmeticError | KeyError) else error
        raise BakeoffError(f"{problem}: {what}") from error


def _nested(entry: Any, optimizer: torch.optim.Optimizer, length: int) -> lr_scheduler.LRScheduler:
    if not isinstance(entry, dict) or "name" not in entry:
        raise BakeoffError(f"each of schedulers is {{name: ..., argument: value}}; found {entry!r}")
    arguments = {key: value for key, value in entry.items() if key != "name"}
    return _build(entry["name"], arguments, optimizer, length)
