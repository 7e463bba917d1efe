"""Spaces of hyper-parameters: what may stand in place of a value, and the points that trials take from it.

Points are drawn from names. Each hyper-parameter has a sequence of its own, so that more trials keep the first ones and
a new hyper-parameter moves no other. It is scipy's scrambled Halton sequence in base 2, in pure Python, since Snakemake
plans without scipy. Two sequences of one base go in step with each other, so the order of each is shuffled within the
blocks 1, 1, 2, 4, 8, …: that pairs values at random, and the first 2^k trials still hold one value of each 2^k-th of
the range.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from bakeoff.errors import BakeoffError, Keys
from bakeoff.files import in_every_value
from bakeoff.study.entries import Strict
from bakeoff.study.values import as_number

KINDS = ("log_uniform", "uniform", "integers", "choices")
# The axes whose entries may have spaces, and the keys that cannot: they name what is tuned, or are the budget.
FIXED: Mapping[str, tuple[str, ...]] = {
    "architectures": ("model", "resources"),
    "optimizers": ("name",),
    "recipes": ("epochs", "init_from", "on_out_of_memory", "resources", "track_test"),
}
BITS = 53  # of a float between 0 and 1
DIGITS = 4  # significant, of a value: what is written down is what was trained
EDGE = 0.05  # share of a range that counts as its edge


class Space(Strict):
    """Values that a hyper-parameter may take, in place of one: exactly one of the four kinds."""

    log_uniform: tuple[float, float] | None = Field(None, description="[LOW, HIGH], evenly over the logarithm")
    uniform: tuple[float, float] | None = Field(None, description="[LOW, HIGH], evenly")
    integers: tuple[int, int] | None = Field(None, description="whole numbers from LOW to HIGH, both included")
    choices: tuple[Any, ...] | None = Field(None, description="one of these")
    default: Any = Field(
        None, description="the value of the first trial; left out: the middle of the range, or the first choice"
    )

    @field_validator("choices", "default", mode="before")
    @classmethod
    def _coerce_numbers(cls, value: Any) -> Any:
        return in_every_value(value, as_number)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Space":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"found {', '.join(given) or 'no range'}; allowed: exactly one of {', '.join(KINDS)}")
        if self.choices is not None:
            _check_choices(self.choices)
        else:
            low, high = self.range
            if not low < high:
                raise ValueError(f"the range [{low:g}, {high:g}] is {_empty_or_reversed(low, high)}; write [LOW, HIGH]")
            if self.log_uniform and low <= 0:
                raise ValueError(
                    f"there is no logarithm of {low:g}; begin above 0, as [1e-5, {high:g}], or say uniform"
                )
        if self.default is not None and not self._holds(self.default):
            raise ValueError(f"the default {self.default!r} is outside of it")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def range(self) -> tuple[float, float]:
        """The ends of a space that is no list of choices."""
        return self.log_uniform or self.uniform or self.integers or (math.nan, math.nan)

    @property
    def middle(self) -> Any:
        """The default, or what stands for it."""
        if self.default is not None:
            return self.default
        return self.choices[0] if self.choices is not None else self.at(0.5)

    def at(self, share: float) -> Any:
        """The value at a share of the space, from 0 to below 1."""
        low, high = self.range
        if self.choices is not None:
            return self.choices[int(share * len(self.choices))]
        if self.integers is not None:
            return int(low + math.floor(share * (high - low + 1)))
        if self.log_uniform is not None:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        return min(max(float(f"{value:.{DIGITS}g}"), low), high)

    def corners(self) -> list[Any]:
        """The values among which the extreme ones are: both ends, or each choice."""
        if self.choices is not None:
            return list(self.choices)
        return [int(end) for end in self.integers] if self.integers is not None else list(self.range)

    def edge(self, value: Any) -> str:
        """`low` or `high` where a value is at the edge of its space and something may lie beyond, else an empty text.

        The edge of a range is its outer EDGE; of whole numbers, and of three or more numbers to choose from, the
        outermost. Nothing lies beyond an end of 0, which means none: no momentum, no weight decay.
        """
        if self.choices is not None and not _are_an_order(self.choices):
            return ""
        scale: Callable[[float], float] = math.log if self.log_uniform else float
        first, last = (min(self.choices), max(self.choices)) if self.choices is not None else self.range
        low, high = scale(first), scale(last)
        share = EDGE if self.log_uniform or self.uniform else 0
        if scale(value) <= low + share * (high - low):
            return "low" if first != 0 else ""
        return "high" if scale(value) >= high - share * (high - low) and last != 0 else ""

    def text(self) -> str:
        """As in a study file: `log_uniform 0.001 to 1`."""
        if self.choices is not None:
            return f"choices {', '.join(map(str, self.choices))}"
        low, high = self.range
        return f"{self.kind} {low:g} to {high:g}"

    def _holds(self, value: Any) -> bool:
        if self.choices is not None:
            return value in self.choices
        number = isinstance(value, int if self.integers is not None else int | float) and not isinstance(value, bool)
        return number and self.range[0] <= value <= self.range[1]


@dataclass(frozen=True)
class Hyperparameter:
    """A space, and the keys of the study under which it stands: `optimizers`, `sgd`, `lr`."""

    keys: tuple[str | int, ...]
    space: Space

    @property
    def name(self) -> str:
        """`optimizers.sgd.lr`."""
        return ".".join(map(str, self.keys))

    @property
    def short(self) -> str:
        """Without the entry: `lr`."""
        return ".".join(map(str, self.keys[2:]))


Values = Mapping[str, Any]  # name of a hyper-parameter → value


def without_spaces(config: Any) -> tuple[Any, tuple[Hyperparameter, ...]]:
    """The content of a study file with the default in place of each space, and its spaces in their order.

    Raises BakeoffError for a space that makes no sense, or stands where there can be none.
    """
    found = tuple(_spaces_in(config, ())) if isinstance(config, Mapping) else ()
    return filled(config, found, {item.name: item.space.middle for item in found}), found


def filled(config: Any, spaces: tuple[Hyperparameter, ...], values: Values) -> Any:
    """The content of a study file with these values in place of its spaces."""
    if not spaces:
        return config
    content = deepcopy(dict(config))
    for item in spaces:
        *way, last = item.keys
        place: Any = content
        for key in way:
            place = place[key]
        place[last] = values[item.name]
    return content


def sequence(name: str, count: int) -> list[float]:
    """The first `count` numbers of a name's sequence, from 0 to below 1."""
    flips = _hashed(f"{name}/digits") >> (256 - BITS)
    return [(_reversed_bits(index) ^ flips) / 2**BITS for index in _order(name, count)]


def _order(name: str, count: int) -> list[int]:
    """0 to `count` - 1 and beyond, shuffled within the blocks that begin at powers of two."""
    order, begin = [0], 1
    while len(order) < count:
        order += sorted(range(begin, 2 * begin), key=lambda index: _hashed(f"{name}/order/{index}"))
        begin *= 2
    return order[:count]


def _reversed_bits(index: int) -> int:
    """The digits of an index in base 2, mirrored behind the point: van der Corput's number, times 2^BITS."""
    return int(f"{index:0{BITS}b}"[::-1], 2)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _spaces_in(value: Any, keys: tuple[str | int, ...]) -> Iterator[Hyperparameter]:
    if isinstance(value, Mapping):
        if any(kind in value for kind in KINDS) and keys:
            _check_place(keys)
            yield Hyperparameter(keys, _space(value, keys))
            return
        for key, item in value.items():
            yield from _spaces_in(item, (*keys, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _spaces_in(item, (*keys, index))


def _check_place(keys: tuple[str | int, ...]) -> None:
    axis, *rest = keys
    if axis not in FIXED:
        raise BakeoffError(f"a space cannot stand here; it can in entries of {', '.join(FIXED)}", keys)
    if len(rest) < 2:
        raise BakeoffError("a space stands for a value within an entry, as in {lr: {log_uniform: [1e-3, 1]}}", keys)
    if rest[1] in FIXED[str(axis)]:
        raise BakeoffError(f"{rest[1]} cannot be tuned: {', '.join(FIXED[str(axis)])} of {axis} take one value", keys)


def _space(value: Mapping[str, Any], keys: Keys) -> Space:
    try:
        return Space.model_validate(dict(value))
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["type"] == "extra_forbidden":
            message = f"unknown key {problem['loc'][-1]!r} of a space; allowed: {', '.join((*KINDS, 'default'))}"
        else:
            message = str(problem["msg"]).removeprefix("Value error, ")
        if problem["type"] not in ("extra_forbidden", "value_error"):
            message += f"; found {problem['input']!r}; a range is [LOW, HIGH]"
        raise BakeoffError(message, keys) from error


def _check_choices(choices: tuple[Any, ...]) -> None:
    if len(choices) < 2:
        raise ValueError(f"choices {list(choices)} leave nothing to choose; give at least two")
    if any(choices.count(choice) > 1 for choice in choices):
        raise ValueError(f"choices {list(choices)} have a value twice")


def _are_an_order(choices: tuple[Any, ...]) -> bool:
    """Whether choices are numbers, and enough of them that some are no ends."""
    return len(choices) > 2 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in choices)


def _empty_or_reversed(low: float, high: float) -> str:
    return "empty" if low == high else "reversed"
