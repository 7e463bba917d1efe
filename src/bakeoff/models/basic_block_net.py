"""A residual network of basic blocks (He et al. 2016, Deep Residual Learning, figure 5 left), for small images."""

from collections.abc import Sequence

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import Residual, conv_block, two_convolutions
from bakeoff.models.mlp import positive


def basic_block_net(
    images: ImageShape,
    widths: Sequence[int] = (64, 128, 256, 512),
    blocks: Sequence[int] = (1, 1, 1, 1),
    dropout: float = 0.0,
) -> nn.Module:
    """A 3x3 convolution, stages of basic blocks, the average over all positions and one linear layer.

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
