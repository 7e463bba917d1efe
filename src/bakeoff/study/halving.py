"""Successive halving: after which epochs the trials of an experiment are compared, and how many of them go on.

K. Jamieson & A. Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016. A rung
is no shorter training: it stops after an epoch of the whole one, with the learning rates of the whole one.
"""

from dataclasses import dataclass

from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study


@dataclass(frozen=True)
class Rung:
    """The trials of a tuning study that are trained up to an epoch; the best of them reach the next rung."""

    epochs: int
    trials: int


def rungs(trials: int, epochs: int, factor: int | None) -> tuple[Rung, ...]:
    """The rungs of so many trials of so many epochs, the last of whole trials: 16 trials of 9 epochs, by 3, are 16 of 1
    epoch, 5 of 3 and 1 of 9. One rung without a factor, or where either is less than it.

    Rungs are counted from the whole trial down: more trials add a rung below the others and move none.
    """
    steps = 0
    while factor and factor ** (steps + 1) <= min(trials, epochs):
        steps += 1
    factor = factor or 1
    return tuple(Rung(epochs // factor ** (steps - step), trials // factor**step) for step in range(steps + 1))


def rungs_of(study: Study, cell: Experiment) -> tuple[Rung, ...]:
    """The rungs of the trials of an experiment, in a study that tunes."""
    tuning = study.tuning
    assert tuning is not None
    return rungs(tuning.trials, tuning.epochs or study.recipes[cell.recipe].epochs, tuning.halving)


def epochs_of_trials(found: tuple[Rung, ...]) -> int:
    """The epochs that the trials of a tuning study are trained in all, where none ends early."""
    before = (0, *(rung.epochs for rung in found))
    return sum(rung.trials * (rung.epochs - begin) for rung, begin in zip(found, before, strict=False))
