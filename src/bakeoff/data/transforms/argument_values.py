"""Reading the values of arguments. Functions with `where` raise BakeoffError that names it for a value not allowed."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from bakeoff.errors import BakeoffError


def check_probability(p: float, where: str) -> None:
    if not 0 <= p <= 1:
        raise BakeoffError(f"{where}: found {p}; allowed: a probability, 0 to 1")


def per_channel(value: float | Sequence[float], channels: int, where: str) -> list[float]:
    """One number for each channel."""
    numbers = [value] * channels if isinstance(value, int | float) else list(value)
    if len(numbers) == 1:
        numbers *= channels
    if len(numbers) != channels or not all(isinstance(n, int | float) for n in numbers):
        raise BakeoffError(f"{where}: found {value}; allowed: a number, or {channels} of them, one per channel")
    return numbers


def color(fill: float | Sequence[float], channels: int, where: str) -> list[float]:
    """One brightness for each channel, 0 to 255."""
    numbers = per_channel(fill, channels, where)
    if not all(0 <= n <= 255 for n in numbers):
        raise BakeoffError(f"{where}: found {fill}; allowed: brightness from 0 to 255")
    return numbers


def bounds(given: Sequence[float], where: str) -> tuple[float, float]:
    """The least and the greatest of a range."""
    if len(given) != 2 or not all(isinstance(n, int | float) for n in given) or given[0] > given[1]:
        raise BakeoffError(f"{where}: found {list(given)}; allowed: [least, most]")
    return given[0], given[1]


def symmetric_bounds(given: float | Sequence[float], where: str) -> tuple[float, float]:
    """The least and the greatest; one number means the range from its negative to itself."""
    if isinstance(given, int | float):
        if given < 0:
            raise BakeoffError(f"{where}: found {given}; allowed: a number, 0 or more, or [least, most]")
        return -given, given
    return bounds(given, where)


def weights(p: Sequence[float] | None, count: int, where: str) -> Tensor:
    """The weights of a choice among `count`, float32; None makes them equal."""
    numbers = [1.0] * count if p is None else list(p) if isinstance(p, list | tuple) else []
    if len(numbers) != count or not all(isinstance(n, int | float) and n >= 0 for n in numbers) or sum(numbers) <= 0:
        raise BakeoffError(f"{where}: found {p}; allowed: {count} numbers, 0 or more, one for each transform")
    return torch.tensor(numbers, dtype=torch.float32)


def uniform(limits: tuple[float, float], count: int, generator: Generator) -> Tensor:
    """`count` numbers drawn uniformly between two."""
    least, most = limits
    return least + (most - least) * torch.rand(count, generator=generator)
