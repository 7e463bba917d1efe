"""Small residual networks (He et al. 2016, Deep Residual Learning)."""

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


def basic_block_net(
    images: ImageShape,
    widths: Sequence[int] = (64, 128, 256, 512),
    blocks: Sequence[int] = (1, 1, 1, 1),
    dropout: float = 0.0,
) -> nn.Module:
    """A 3x3 convolution, stages of basic blocks (He et al., figure 5 left), the average over all positions, one linear
    layer.

    `widths` are the channels of the stages and `blocks` how many blocks they have. Each stage but the first halves
    height and width in its first block.
    """
    if len(widths) != len(blocks):
        raise BakeoffError(f"widths has {len(widths)} stages and blocks has {len(blocks)}; give both for each stage")
    channels = positive(widths[0], "widths")
    modules: list[nn.Module] = [*conv_block(images.channels, channels, bias=False)]
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for position in range(positive(count, "blocks")):
            stride = 2 if stage and position == 0 else 1
            modules.append(_basic_block(channels, positive(width, "widths"), stride))
            channels = width
    modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*modules, nn.Linear(channels, images.classes))


def _basic_block(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    branch = two_convolutions(channels_in, channels_out, stride, bias=False)
    if stride == 1 and channels_in == channels_out:
        return Residual(branch)
    projection = nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
    )
    return Residual(branch, projection)
