"""Random rectangles of images, overwritten."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import bounds, check_probability, per_channel
from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.errors import BakeoffError

ATTEMPTS = 10  # to draw a rectangle that fits, as in torchvision


def _random_erasing(
    shape: Shape,
    p: float = 0.5,
    scale: Sequence[float] = (0.02, 0.33),
    ratio: Sequence[float] = (0.3, 3.3),
    value: float | Sequence[float] | str = 0,
) -> Built:
    channels, height, width = shape
    check_probability(p, "RandomErasing.p")
    low, high = bounds(scale, "RandomErasing.scale")
    if low < 0 or high > 1:
        raise BakeoffError(f"RandomErasing.scale: found {list(scale)}; allowed: shares of the image, 0 to 1")
    narrow, wide = bounds(ratio, "RandomErasing.ratio")
    if narrow <= 0:
        raise BakeoffError(f"RandomErasing.ratio: found {list(ratio)}; allowed: numbers above 0")
    if isinstance(value, str) and value != "random":
        raise BakeoffError(f"RandomErasing.value: found {value!r}; allowed: a number, one per channel, or random")
    constant = None if isinstance(value, str) else per_channel(value, channels, "RandomErasing.value")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        erased = torch.rand(count, generator=generator) < p
        draws = torch.rand(count, ATTEMPTS, 2, generator=generator, dtype=torch.float64)
        area = height * width * (low + (high - low) * draws[..., 0])
        aspect = torch.exp(math.log(narrow) + (math.log(wide) - math.log(narrow)) * draws[..., 1])
        tall, broad = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
        fits = (tall < height) & (broad < width)
        first = fits.to(torch.uint8).argmax(1, keepdim=True)
        found = erased & fits.any(1)
        tall = tall.gather(1, first).squeeze(1) * found
        broad = broad.gather(1, first).squeeze(1) * found
        place = torch.rand(count, 2, generator=generator, dtype=torch.float64)
        top = (place[:, 0] * (height - tall + 1)).long()
        left = (place[:, 1] * (width - broad + 1)).long()
        hole = _rectangles(top, left, tall, broad, height, width).to(images.device)
        if constant is None:
            new = torch.randn(images.shape, generator=generator).to(images.device, images.dtype)
        elif len(set(constant)) == 1:
            return images.masked_fill(hole, constant[0])
        else:
            new = torch.tensor(constant, dtype=images.dtype, device=images.device)[:, None, None]
        return torch.where(hole, new, images)

    return apply, shape


def _rectangles(top: Tensor, left: Tensor, tall: Tensor, broad: Tensor, height: int, width: int) -> Tensor:
    """Masks [B, 1, height, width]."""
    y, x = torch.arange(height) - top[:, None], torch.arange(width) - left[:, None]
    rows, columns = (y >= 0) & (y < tall[:, None]), (x >= 0) & (x < broad[:, None])
    return (rows[:, :, None] & columns[:, None, :])[:, None]


RANDOM_ERASING = BatchTransform(
    "RandomErasing", "overwrite a random rectangle with probability p", _random_erasing, after_normalization=True
)
