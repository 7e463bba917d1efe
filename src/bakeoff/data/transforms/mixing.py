"""MixUp and CutMix: each image of a batch is mixed with its neighbour, and so are their labels.

Formulas and distributions are those of torchvision.transforms.v2: one draw for a whole batch, and the neighbour is the
image before, since batches are shuffled.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import check_probability, weights
from bakeoff.data.transforms.nesting import CONTAINERS, nested_transforms
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments
from bakeoff.study.metrics import IGNORED

# images [B, C, H, W], targets float [B, classes], generator → both mixed
MixTargets = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]
# images, labels int64 [B] or uint8 [B, labels], number of classes, generator → images, targets float [B, classes]
Mix = Callable[[Tensor, Tensor, int, Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Mixer:
    """A way of mixing. `build(**arguments)` gives the function that mixes."""

    name: str
    description: str
    build: Callable[..., MixTargets]


def mixers_in(name: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a transform's mixers, if it mixes images: itself, or those of a RandomChoice of mixers only."""
    names: tuple[str, ...] = (name,)
    if name == "RandomChoice":
        names = tuple(item.name for item in nested_transforms(name, arguments))
    return names if MIXERS.keys() >= set(names) else ()


def build_mix(name: str, arguments: Mapping[str, Any]) -> Mix:
    """The function of a mixer, or of a RandomChoice, which draws one of its mixers for each batch.

    Raises BakeoffError for a wrong argument.
    """
    if name in MIXERS:
        mixers, probabilities = [_build(name, arguments)], torch.ones(1)
    else:
        check_arguments(CONTAINERS[name].build, arguments, name, ignore=frozenset({"shape"}))
        mixers = []
        for index, item in enumerate(nested_transforms(name, arguments)):
            try:
                mixers.append(_build(item.name, item.arguments))
            except BakeoffError as error:
                raise BakeoffError(f"{name}.transforms.{index} {error}") from error
        probabilities = weights(arguments.get("p"), len(mixers), f"{name}.p")

    def mix(images: Tensor, labels: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        targets = labels.float() if labels.ndim == 2 else F.one_hot(labels, classes).float()
        chosen = int(torch.multinomial(probabilities, 1, generator=generator)) if len(mixers) > 1 else 0
        return mixers[chosen](images, targets, generator)

    return mix


def mix_targets(targets: Tensor, share: float) -> Tensor:
    """`share` of each image's targets [B, classes] and the rest of its neighbour's; 255 (ignored) in either stays."""
    neighbours = targets.roll(1, 0)
    mixed = neighbours * (1 - share) + targets * share
    return mixed.masked_fill_((targets == IGNORED) | (neighbours == IGNORED), IGNORED)


def cut_box(height: int, width: int, share: float, x: int, y: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a box around (x, y): 1 - `share` of the image, less what lies outside of it."""
    half = 0.5 * math.sqrt(1 - share)
    across, down = int(half * width), int(half * height)
    return max(x - across, 0), max(y - down, 0), min(x + across, width), min(y + down, height)


def _mixup(alpha: float = 1.0, p: float = 1.0) -> MixTargets:
    _check(alpha, p, "MixUp")

    def mix(images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        if not _happens(p, generator):
            return images, targets
        share = _beta(alpha, generator)
        return images.roll(1, 0).mul_(1 - share).add_(images, alpha=share), mix_targets(targets, share)

    return mix


def _cutmix(alpha: float = 1.0, p: float = 1.0) -> MixTargets:
    _check(alpha, p, "CutMix")

    def mix(images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        if not _happens(p, generator):
            return images, targets
        height, width = images.shape[2:]
        share = _beta(alpha, generator)
        x, y = (int(torch.randint(size, (), generator=generator)) for size in (width, height))
        left, top, right, bottom = cut_box(height, width, share, x, y)
        mixed = images.clone()
        mixed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return mixed, mix_targets(targets, 1 - (right - left) * (bottom - top) / (width * height))

    return mix


def _build(name: str, arguments: Mapping[str, Any]) -> MixTargets:
    check_arguments(MIXERS[name].build, arguments, name)
    try:
        return MIXERS[name].build(**arguments)
    except TypeError as error:
        raise BakeoffError(f"{name} cannot be built with {dict(arguments)}: {error}") from error


def _check(alpha: float, p: float, name: str) -> None:
    if not isinstance(alpha, int | float) or not 0 < alpha < math.inf:
        raise BakeoffError(f"{name}.alpha: found {alpha!r}; allowed: a number above 0")
    check_probability(p, f"{name}.p")


def _happens(p: float, generator: Generator) -> bool:
    return p >= 1 or float(torch.rand((), generator=generator)) < p


def _beta(alpha: float, generator: Generator) -> float:
    """A draw from Beta(alpha, alpha), by NumPy: torch's distributions take no generator."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


MIXERS: dict[str, Mixer] = {
    record.name: record
    for record in (
        Mixer("MixUp", "a weighted mean of each image and its neighbour, weights from Beta(alpha, alpha)", _mixup),
        Mixer("Mixup", "MixUp, as its paper spells it", _mixup),
        Mixer("CutMix", "a rectangle of the neighbour in each image, its area from Beta(alpha, alpha)", _cutmix),
    )
}
