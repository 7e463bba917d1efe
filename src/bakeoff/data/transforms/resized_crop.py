"""RandomResizedCrop: a window of random area and aspect, resized.

Resizing is linear in the pixels, along each side alone. So each image has two matrices, zero outside of its window, and
a batch is resized by two products of matrices.
"""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.data.transforms.values import bounds
from bakeoff.errors import BakeoffError

ATTEMPTS = 10  # as torchvision: so often a window that fits is looked for


def resizing_matrices(start: Tensor, length: Tensor, full: int, size: int, antialias: bool) -> Tensor:
    """Matrices [B, size, full] that resize the pixels `start` to `start + length` [B] of a line to `size` of them.

    Bilinear as torch.nn.functional.interpolate with align_corners=False: each pixel of the result is a mean of those
    around its place, with weights that fall off linearly over one pixel; with `antialias`, over as many pixels as one
    of the result covers.
    """
    scale = (length.double() / size).view(-1, 1, 1)
    place = (torch.arange(size).view(-1, 1) + 0.5) * scale - 0.5
    reach = scale.clamp(min=1) if antialias else torch.ones(())
    if not antialias:
        place = torch.minimum(place.clamp(min=0), length.view(-1, 1, 1) - 1)
    pixel = torch.arange(full) - start.view(-1, 1, 1)
    weights = (1 - (pixel - place).abs() / reach).clamp(min=0)
    weights = weights * ((pixel >= 0) & (pixel < length.view(-1, 1, 1)))
    return (weights / weights.sum(2, keepdim=True)).float()


def _random_resized_crop(
    shape: Shape,
    size: int | Sequence[int],
    scale: Sequence[float] = (0.08, 1.0),
    ratio: Sequence[float] = (3 / 4, 4 / 3),
    interpolation: str = "bilinear",
    antialias: bool | None = True,
) -> Built | None:
    if interpolation != "bilinear":
        return None
    channels, height, width = shape
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) not in (1, 2) or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise BakeoffError(f"RandomResizedCrop.size: found {size}; allowed: pixels, or [height, width]")
    areas, aspects = bounds(scale, "RandomResizedCrop.scale"), bounds(ratio, "RandomResizedCrop.ratio")
    if areas[0] < 0 or areas[1] <= 0 or aspects[0] <= 0:
        raise BakeoffError(f"RandomResizedCrop: found scale {scale} and ratio {ratio}; allowed: numbers above 0")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        top, left, tall, broad = _windows(len(images), height, width, areas, aspects, generator)
        vertical = resizing_matrices(top, tall, height, sizes[0], bool(antialias)).to(images.device)
        horizontal = resizing_matrices(left, broad, width, sizes[-1], bool(antialias)).to(images.device)
        resized = vertical[:, None] @ images.float() @ horizontal.transpose(1, 2)[:, None]
        return resized if images.is_floating_point() else resized.round_().clamp_(0, 255).to(images.dtype)

    return apply, (channels, sizes[0], sizes[-1])


def _windows(
    count: int,
    height: int,
    width: int,
    areas: tuple[float, float],
    aspects: tuple[float, float],
    generator: Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(top, left, height, width) of each image's window, [B] each: the first of ten that fits, else the middle one."""
    draws = torch.rand(count, ATTEMPTS, 2, generator=generator, dtype=torch.float64)
    area = height * width * (areas[0] + (areas[1] - areas[0]) * draws[..., 0])
    low, high = math.log(aspects[0]), math.log(aspects[1])
    aspect = torch.exp(low + (high - low) * draws[..., 1])
    tall, broad = (area / aspect).sqrt().round().long(), (area * aspect).sqrt().round().long()
    fits = (tall > 0) & (tall <= height) & (broad > 0) & (broad <= width)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    found = fits.any(1)
    middle_tall, middle_broad = _largest(height, width, aspects)
    tall = torch.where(found, tall.gather(1, first).squeeze(1), middle_tall)
    broad = torch.where(found, broad.gather(1, first).squeeze(1), middle_broad)
    place = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    top = torch.where(found, (place[:, 0] * (height - tall + 1)).long(), (height - middle_tall) // 2)
    left = torch.where(found, (place[:, 1] * (width - broad + 1)).long(), (width - middle_broad) // 2)
    return top, left, tall, broad


def _largest(height: int, width: int, aspects: tuple[float, float]) -> tuple[int, int]:
    """Height and width of the largest window with an allowed aspect (width over height)."""
    if width / height < aspects[0]:
        return round(width / aspects[0]), width
    if width / height > aspects[1]:
        return height, round(height * aspects[1])
    return height, width


RANDOM_RESIZED_CROP = BatchTransform(
    "RandomResizedCrop", "a window of random area and aspect, resized to `size`", _random_resized_crop
)
