"""Random transforms of whole batches, each image with its own random numbers.

Names, arguments and distributions are those of torchvision.transforms.v2. Random numbers are drawn on the
CPU, so the same generator gives the same transforms on every device.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bakeoff.arguments import check_arguments, nearest
from bakeoff.errors import BakeoffError

Shape = tuple[int, int, int]  # channels, height, width
Apply = Callable[[Tensor, Generator], Tensor]  # images [B, C, H, W] of any dtype → images
ATTEMPTS = 10  # as torchvision: so often RandomErasing looks for a rectangle that fits


@dataclass(frozen=True)
class BatchTransform:
    """One transform. `build(shape, **arguments)` gives the function and the shape that it leaves."""

    name: str
    description: str
    build: Callable[..., tuple[Apply, Shape]]
    after_normalization: bool = False


@dataclass(frozen=True)
class Augmentation:
    """A chain of transforms: `before` is for pixels 0..255, `after` for normalised ones."""

    before: Apply
    after: Apply
    shape: Shape

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """The whole chain, for images that are not normalised in between."""
        return self.after(self.before(images, generator), generator)


def build_augmentation(transforms: Sequence[tuple[str, Mapping[str, Any]]], shape: Shape) -> Augmentation:
    """The chain for images of `shape` [C, H, W]. Raises BakeoffError for an unknown name or wrong argument.

    Transforms keep their order, but those that work on normalised pixels (RandomErasing) come last.
    """
    before: list[Apply] = []
    after: list[Apply] = []
    records = [(_find(name), arguments) for name, arguments in transforms]
    for record, arguments in sorted(records, key=lambda item: item[0].after_normalization):
        check_arguments(record.build, arguments, record.name, ignore=frozenset({"shape"}))
        try:
            apply, shape = record.build(shape, **arguments)
        except (TypeError, ValueError, RuntimeError) as error:
            raise BakeoffError(f"{record.name} cannot be built with {dict(arguments)}: {error}") from error
        (after if record.after_normalization else before).append(apply)
    return Augmentation(_chain(before), _chain(after), shape)


def _find(name: str) -> BatchTransform:
    if name not in TRANSFORMS:
        raise BakeoffError(f"unknown transform {name!r}; {nearest(name, TRANSFORMS)}")
    return TRANSFORMS[name]


def _chain(steps: list[Apply]) -> Apply:
    def apply(images: Tensor, generator: Generator) -> Tensor:
        for step in steps:
            images = step(images, generator)
        return images

    return apply


# --- flips ---


def _horizontal_flip(shape: Shape, p: float = 0.5) -> tuple[Apply, Shape]:
    return _flip(p, 3), shape


def _vertical_flip(shape: Shape, p: float = 0.5) -> tuple[Apply, Shape]:
    return _flip(p, 2), shape


def _flip(p: float, dimension: int) -> Apply:
    _check_probability(p)

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        chosen = (torch.rand(count, generator=generator) < p).nonzero().squeeze(1)
        rows = torch.arange(count)
        rows[chosen] = torch.arange(count, count + len(chosen))
        flipped = images.index_select(0, chosen.to(images.device)).flip(dimension)
        # Choosing rows from both copies memory in blocks: ten times faster than where() or index_copy().
        return torch.cat([images, flipped]).index_select(0, rows.to(images.device))

    return apply


# --- crop ---


def _random_crop(
    shape: Shape,
    size: int | Sequence[int],
    padding: int | Sequence[int] | None = None,
    pad_if_needed: bool = False,
    fill: float | Sequence[float] = 0,
    padding_mode: str = "constant",
) -> tuple[Apply, Shape]:
    channels, height, width = shape
    crop_height, crop_width = _pair(size)
    left, top, right, bottom = _sides(padding)
    if pad_if_needed:
        extra_height = max(0, crop_height - (height + top + bottom))
        extra_width = max(0, crop_width - (width + left + right))
        top, bottom, left, right = top + extra_height, bottom + extra_height, left + extra_width, right + extra_width
    room_y, room_x = height + top + bottom - crop_height, width + left + right - crop_width
    if room_y < 0 or room_x < 0:
        raise BakeoffError(
            f"RandomCrop.size: {crop_height}x{crop_width} is larger than the padded image, "
            f"{height + top + bottom}x{width + left + right} pixels (height x width)"
        )
    pad = _padding((top, bottom, left, right), shape, _per_channel(fill, channels, "RandomCrop.fill"), padding_mode)

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        y = torch.randint(0, room_y + 1, (count,), generator=generator)
        x = torch.randint(0, room_x + 1, (count,), generator=generator)
        return _windows(pad(images), y, x, crop_height, crop_width)

    return apply, (channels, crop_height, crop_width)


def _windows(images: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    """Cut the window at (y, x) out of each image: a choice among all runs of `width` pixels in memory."""
    count, channels, full_height, full_width = images.shape
    images = images.contiguous()
    runs = images.as_strided((images.numel() - width + 1, width), (1, 1))
    starts = (torch.arange(count) * (channels * full_height * full_width) + y * full_width + x).to(images.device)
    planes = torch.arange(channels, device=images.device) * (full_height * full_width)
    lines = torch.arange(height, device=images.device) * full_width
    chosen = starts[:, None, None] + planes[:, None] + lines
    return runs.index_select(0, chosen.view(-1)).view(count, channels, height, width)


def _padding(
    sides: tuple[int, int, int, int], shape: Shape, fill: list[float], mode: str
) -> Callable[[Tensor], Tensor]:
    top, bottom, left, right = sides
    _, height, width = shape
    if mode not in PADDING_MODES:
        raise BakeoffError(f"RandomCrop.padding_mode: unknown mode {mode!r}; {nearest(mode, PADDING_MODES)}")
    limit = {"reflect": -1, "symmetric": 0}.get(mode)
    if limit is not None and (max(top, bottom) > height + limit or max(left, right) > width + limit):
        raise BakeoffError(
            f"RandomCrop.padding: {mode} can add at most {height + limit} rows and {width + limit} columns a side"
        )
    columns = [_source(x, width, mode) for x in (*range(-left, 0), *range(width, width + right))]
    rows = [_source(y, height, mode) for y in (*range(-top, 0), *range(height, height + bottom))]

    def apply(images: Tensor) -> Tensor:
        if not any(sides):
            return images
        if mode == "constant" and len(set(fill)) == 1:
            return F.pad(images, (left, right, top, bottom), value=fill[0])
        count, channels = images.shape[:2]
        padded = images.new_empty(count, channels, height + top + bottom, width + left + right)
        if mode == "constant":
            padded[:] = torch.tensor(fill, dtype=images.dtype, device=images.device)[:, None, None]
        middle = padded[:, :, top : top + height]
        middle[..., left : left + width] = images
        if mode != "constant":
            for at, source in zip((*range(left), *range(left + width, left + width + right)), columns, strict=True):
                middle[..., at] = middle[..., left + source]
            for at, source in zip((*range(top), *range(top + height, top + height + bottom)), rows, strict=True):
                padded[:, :, at] = padded[:, :, top + source]
        return padded

    return apply


def _source(position: int, size: int, mode: str) -> int:
    """Which pixel of a line of `size` stands at `position` outside of it."""
    if mode == "reflect":
        return -position if position < 0 else 2 * size - 2 - position
    if mode == "symmetric":
        return -position - 1 if position < 0 else 2 * size - 1 - position
    return min(max(position, 0), size - 1)


PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


# --- erasing ---


def _random_erasing(
    shape: Shape,
    p: float = 0.5,
    scale: Sequence[float] = (0.02, 0.33),
    ratio: Sequence[float] = (0.3, 3.3),
    value: float | Sequence[float] | str = 0,
) -> tuple[Apply, Shape]:
    channels, height, width = shape
    _check_probability(p)
    low, high = _range(scale, "RandomErasing.scale")
    if low < 0 or high > 1:
        raise BakeoffError(f"RandomErasing.scale: found {list(scale)}; allowed: shares of the image, 0 to 1")
    narrow, wide = _range(ratio, "RandomErasing.ratio")
    if narrow <= 0:
        raise BakeoffError(f"RandomErasing.ratio: found {list(ratio)}; allowed: numbers above 0")
    if isinstance(value, str) and value != "random":
        raise BakeoffError(f"RandomErasing.value: found {value!r}; allowed: a number, one for each channel, or random")
    constant = None if isinstance(value, str) else _per_channel(value, channels, "RandomErasing.value")

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


# --- arguments ---


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise BakeoffError(f"p: found {p}; allowed: a probability, 0 to 1")


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    """torchvision's sizes: one number, [number], or [height, width]."""
    numbers = [size] if isinstance(size, int) else list(size)
    if len(numbers) not in (1, 2) or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise BakeoffError(f"RandomCrop.size: found {size}; allowed: pixels, or [height, width]")
    return numbers[0], numbers[-1]


def _sides(padding: int | Sequence[int] | None) -> tuple[int, int, int, int]:
    """torchvision's paddings: all sides, [left and right, top and bottom], or [left, top, right, bottom]."""
    numbers = [padding or 0] if padding is None or isinstance(padding, int) else list(padding)
    if len(numbers) not in (1, 2, 4) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise BakeoffError(
            f"RandomCrop.padding: found {padding}; allowed: pixels (0 or more), [x, y], or [left, top, right, bottom]"
        )
    left, top, right, bottom = numbers * (4 // len(numbers))
    return left, top, right, bottom


def _per_channel(value: float | Sequence[float], channels: int, where: str) -> list[float]:
    numbers = [value] * channels if isinstance(value, int | float) else list(value)
    if len(numbers) == 1:
        numbers *= channels
    if len(numbers) != channels or not all(isinstance(n, int | float) for n in numbers):
        raise BakeoffError(f"{where}: found {value}; allowed: a number, or {channels} of them, one for each channel")
    return numbers


def _range(bounds: Sequence[float], where: str) -> tuple[float, float]:
    if len(bounds) != 2 or bounds[0] > bounds[1]:
        raise BakeoffError(f"{where}: found {list(bounds)}; allowed: [least, most]")
    return bounds[0], bounds[1]


TRANSFORMS: dict[str, BatchTransform] = {
    record.name: record
    for record in (
        BatchTransform("RandomHorizontalFlip", "mirror left and right with probability p", _horizontal_flip),
        BatchTransform("RandomVerticalFlip", "mirror top and bottom with probability p", _vertical_flip),
        BatchTransform("RandomCrop", "a window of `size` at a random place, after padding", _random_crop),
        BatchTransform("RandomErasing", "overwrite a random rectangle with probability p", _random_erasing, True),
    )
}
