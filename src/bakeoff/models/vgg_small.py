"""A small VGG: stages of convolutions, each followed by a max-pool."""

from collections.abc import Sequence

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import conv_block, with_perceptron
from bakeoff.models.mlp import positive


def vgg_small(
    images: ImageShape,
    stages: Sequence[Sequence[int]] = ((15, 30), (45, 60), (75, 90)),
    padding: Sequence[Sequence[int]] = ((0, 1), (0, 1), (1, 0)),
    dropout: float = 0.2,
    hidden: int = 70,
) -> nn.Module:
    """Stages of 3x3 ConvBlocks with the given channels and paddings, then a perceptron.

    Dropout follows the first block of every stage but the first, and the hidden layer.
    """
    if [len(stage) for stage in stages] != [len(stage) for stage in padding]:
        raise BakeoffError(f"padding {list(padding)} must have a number for each convolution of stages {list(stages)}")
    modules: list[nn.Module] = []
    channels = images.channels
    for number, (widths, paddings) in enumerate(zip(stages, padding, strict=True)):
        for position, (width, pad) in enumerate(zip(widths, paddings, strict=True)):
            modules.append(conv_block(channels, positive(width, "stages"), padding=pad))
            channels = width
            if number and position == 0:
                modules.append(nn.Dropout(dropout))
        modules.append(nn.MaxPool2d(2))
    return with_perceptron(modules, images, [hidden], dropout)
