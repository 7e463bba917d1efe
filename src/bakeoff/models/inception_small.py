"""A small Inception network (blocks of Szegedy et al. 2015, Going Deeper with Convolutions, figure 2b)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import conv_block, with_perceptron

BRANCHES = {"conv1": 1, "conv3": 2, "conv5": 2, "pool": 1}  # how many numbers each branch takes
BLOCKS: tuple[Mapping[str, Any], ...] = (
    {"conv1": 20, "conv3": (30, 40), "conv5": (10, 20), "pool": 10, "then": ("pool",)},
    {"conv1": 30, "conv3": (35, 60), "conv5": (20, 30), "pool": 20, "then": ("dropout",)},
    {"conv1": 60, "conv3": (50, 100), "conv5": (50, 50), "pool": 30, "then": ("pool",)},
    {"conv1": 70, "conv3": (50, 140), "conv5": (50, 70), "pool": 50, "then": ("pool", "dropout")},
)


class InceptionBlock(nn.Module):
    """Four branches of ConvBlocks whose channels are concatenated; height and width are kept."""

    def __init__(self, channels: int, conv1: int, conv3: Sequence[int], conv5: Sequence[int], pool: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            (
                conv_block(channels, conv1, 1, 0),
                nn.Sequential(conv_block(channels, conv3[0], 1, 0), conv_block(conv3[0], conv3[1], 3, 1)),
                nn.Sequential(conv_block(channels, conv5[0], 1, 0), conv_block(conv5[0], conv5[1], 5, 2)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_block(channels, pool, 1, 0)),
            )
        )
        self.channels = conv1 + conv3[1] + conv5[1] + pool

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def inception_small(
    images: ImageShape,
    stem: Sequence[int] = (30, 60),
    blocks: Sequence[Mapping[str, Any]] = BLOCKS,
    dropout: float = 0.2,
    hidden: int = 70,
) -> nn.Module:
    """ConvBlocks, max-pool and dropout, then Inception blocks, then a perceptron.

    A block gives the channels of its branches, `{conv1: 20, conv3: [30, 40], conv5: [10, 20], pool: 10}` (of the 1x1
    reduction first, then of the output), and under `then` what follows it: `pool`, `dropout`.
    """
    modules: list[nn.Module] = []
    channels = images.channels
    for width in stem:
        modules.append(conv_block(channels, width))
        channels = width
    modules += [nn.MaxPool2d(2), nn.Dropout(dropout)]
    after: dict[str, Callable[[], nn.Module]] = {
        "pool": lambda: nn.MaxPool2d(2),
        "dropout": lambda: nn.Dropout(dropout),
    }
    for number, entry in enumerate(blocks):
        _check_block(entry, f"blocks.{number}", list(after))
        block = InceptionBlock(channels, **{branch: entry[branch] for branch in BRANCHES})
        channels = block.channels
        modules += [block, *(after[name]() for name in entry.get("then", ()))]
    return with_perceptron(modules, images, [hidden], dropout)


def _check_block(entry: Mapping[str, Any], where: str, after: list[str]) -> None:
    if not isinstance(entry, Mapping) or set(entry) - {"then"} != set(BRANCHES):
        raise BakeoffError(f"{where}: needs {', '.join(BRANCHES)}, and may have then; found {entry!r}")
    for branch, count in BRANCHES.items():
        numbers = [entry[branch]] if count == 1 else list(entry[branch])
        if len(numbers) != count or not all(isinstance(n, int) and n > 0 for n in numbers):
            raise BakeoffError(f"{where}.{branch}: needs {count} numbers of channels above 0; found {entry[branch]!r}")
    unknown = [name for name in entry.get("then", ()) if name not in after]
    if unknown:
        raise BakeoffError(f"{where}.then: found {unknown[0]!r}; allowed: {', '.join(after)}")
