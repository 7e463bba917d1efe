"""The budget of tuning: what a study may say under `tuning`. It is the same for every experiment that has a space."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bakeoff.study.entries import Strict
from bakeoff.study.values import Seed


def _at_least_two(trials: int) -> int:
    if trials < 2:
        raise ValueError(f"{trials} trial leaves nothing to choose; allowed: 2 or more, 16 is a beginning")
    return trials


def _a_factor(halving: int | None) -> int | None:
    if halving is not None and halving < 2:
        raise ValueError(f"{halving} leaves no trial behind; allowed: a whole number from 2 on, 3 is usual")
    return halving


def _some_distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"found {list(seeds)}; allowed: a list of different seeds, as [1000]")
    return seeds


class Tuning(Strict):
    """How hyper-parameters with a space are chosen, for each experiment alike: on validation alone."""

    trials: Annotated[int, AfterValidator(_at_least_two)] = Field(
        description="points of its space that each experiment tries", json_schema_extra={"minimum": 2}
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(_some_distinct)] = Field(
        (1000,), description="seeds of the trials; none of them may be a seed of the study"
    )
    epochs: int | None = Field(None, gt=0, description="epochs of a trial; left out: those of the recipe")
    halving: Annotated[int | None, AfterValidator(_a_factor)] = Field(
        None,
        description="successive halving: one trial of so many goes on at each rung, from few epochs to all; left out: "
        "each trial has all its epochs",
        json_schema_extra={"minimum": 2},
    )
    include_default: bool = Field(
        True, description="the first trial has the default values; these are also evaluated beside the chosen ones"
    )
    studies: int = Field(
        1, gt=0, description="how often to tune, each time with other points; the first chooses, all show the spread"
    )
