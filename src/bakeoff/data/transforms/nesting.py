"""Transforms of transforms: which of them run, and in which order, is drawn for each image."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import weights
from bakeoff.data.transforms.record import Built, Container, Shape, Step, in_turn
from bakeoff.data.transforms.slices import by_group, sometimes
from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Transform


def nested_transforms(name: str, arguments: Mapping[str, Any]) -> list[Transform]:
    """The entries under `transforms` of a container. Raises BakeoffError for one that is not a transform."""
    entries = arguments.get("transforms")
    if not isinstance(entries, list | tuple) or not entries:
        raise BakeoffError(f"{name}.transforms: found {entries!r}; allowed: a list of transforms")
    found = []
    for index, entry in enumerate(entries):
        try:
            found.append(Transform.model_validate(entry))
        except ValidationError:
            raise BakeoffError(
                f"{name}.transforms.{index}: found {entry!r}; write a transform as Name or Name: {{argument: value}}"
            ) from None
    return found


def _random_choice(shape: Shape, transforms: Sequence[Step], p: Sequence[float] | None = None) -> Built:
    probabilities = weights(p, len(transforms), "RandomChoice.p")
    _check_shapes(transforms, transforms[0].shape, "RandomChoice")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        chosen = torch.multinomial(probabilities, len(images), replacement=True, generator=generator)
        return by_group(
            images, chosen, len(transforms), lambda number, part, _: transforms[number].apply(part, generator)
        )

    return apply, transforms[0].shape


def _random_apply(shape: Shape, transforms: Sequence[Step], p: float = 0.5) -> Built:
    apply = sometimes(in_turn([step.apply for step in transforms]), p, "RandomApply.p")
    _check_shapes(transforms[-1:], shape, "RandomApply")
    return apply, shape


def _random_order(shape: Shape, transforms: Sequence[Step]) -> Built:
    _check_shapes(transforms, shape, "RandomOrder")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        def change(number: int, part: Tensor, rows: Tensor) -> Tensor:
            return transforms[number].apply(part, generator)

        order = torch.rand(len(images), len(transforms), generator=generator).argsort(1)
        for position in range(len(transforms)):
            images = by_group(images, order[:, position], len(transforms), change)
        return images

    return apply, shape


def _compose(shape: Shape, transforms: Sequence[Step]) -> Built:
    return in_turn([step.apply for step in transforms]), transforms[-1].shape


def _check_shapes(steps: Sequence[Step], shape: Shape, name: str) -> None:
    for step in steps:
        if step.shape != shape:
            raise BakeoffError(f"{name}.transforms: leave images of shapes {shape} and {step.shape}; make them equal")


CONTAINERS: dict[str, Container] = {
    record.name: record
    for record in (
        Container("Compose", "one transform after the other", _compose, in_turn=True),
        Container("RandomApply", "all of them with probability p", _random_apply, in_turn=True),
        Container("RandomChoice", "one of them, with probabilities p", _random_choice, in_turn=False),
        Container("RandomOrder", "all of them in a random order", _random_order, in_turn=False),
    )
}
