"""A small residual network: ConvBlocks with a residual block after some of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import Residual, conv_block, two_convolutions
from bakeoff.models.mlp import positive

STAGES: tuple[Mapping[str, Any], ...] = (
    {"channels": 128, "residual": 1},
    {"channels": 256},
    {"channels": 512, "residual": 1},
)


def resnet_small(
    images: ImageShape, stem: int = 64, stages: Sequence[Mapping[str, Any]] = STAGES, dropout: float = 0.0
) -> nn.Module:
    """A ConvBlock, then stages, then the maximum over all positions and one linear layer.

    A stage is `{channels: 128, residual: 1}`: a ConvBlock to that many channels, a max-pool of 2, and `residual`
    residual blocks (none when left out).
    """
    modules: list[nn.Module] = [conv_block(images.channels, positive(stem, "stem"))]
    channels = stem
    for number, stage in enumerate(stages):
        if not isinstance(stage, Mapping) or not {"channels"} <= set(stage) <= {"channels", "residual"}:
            raise BakeoffError(f"stages.{number}: found {stage!r}; a stage is written {{channels: 128, residual: 1}}")
        width = positive(stage["channels"], f"stages.{number}.channels")
        modules += [conv_block(channels, width), nn.MaxPool2d(2)]
        modules += [Residual(two_convolutions(width, width)) for _ in range(stage.get("residual", 0))]
        channels = width
    modules += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*modules, nn.Linear(channels, images.classes))
