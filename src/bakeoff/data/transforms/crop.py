"""Random windows of images, which may be padded first."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import color
from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest

PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]
PADDING_MODES = get_args(PaddingMode)


def _random_crop(
    shape: Shape,
    size: int | Sequence[int],
    padding: int | Sequence[int] | None = None,
    pad_if_needed: bool = False,
    fill: float | Sequence[float] = 0,
    padding_mode: PaddingMode = "constant",
) -> Built:
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
    pad = _padding((top, bottom, left, right), shape, color(fill, channels, "RandomCrop.fill"), padding_mode)

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        y = torch.randint(0, room_y + 1, (count,), generator=generator)
        x = torch.randint(0, room_x + 1, (count,), generator=generator)
        return _windows(pad(images), y, x, crop_height, crop_width)

    return apply, (channels, crop_height, crop_width)


def _windows(images: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    """Cut the window at (y, x) out of each image, by selecting among all runs of `width` pixels in memory."""
    count, channels, full_height, full_width = images.shape
    images = images.contiguous()
    runs = images.as_strided((images.numel() - width + 1, width), (1, 1))
    starts = (torch.arange(count) * (channels * full_height * full_width) + y * full_width + x).to(images.device)
    planes = torch.arange(channels, device=images.device) * (full_height * full_width)
    lines = torch.arange(height, device=images.device) * full_width
    chosen = starts[:, None, None] + planes[:, None] + lines
    return runs.index_select(0, chosen.view(-1)).view(count, channels, height, width)


def _padding(
    sides: tuple[int, int, int, int], shape: Shape, fill: list[float], mode: PaddingMode
) -> Callable[[Tensor], Tensor]:
    top, bottom, left, right = sides
    _, height, width = shape
    if mode not in PADDING_MODES:
        raise BakeoffError(f"RandomCrop.padding_mode: unknown mode {mode!r}; {nearest(mode, PADDING_MODES)}")
    limit = {"reflect": -1, "symmetric": 0}.get(mode)
    if limit is not None and (max(top, bottom) > height + limit or max(left, right) > width + limit):
        raise BakeoffError(
            f"RandomCrop.padding: {mode} can add at most {height + limit} rows and {width + limit} columns per side"
        )
    columns = np.pad(np.arange(width), (left, right), mode).tolist()  # which column of the image each one repeats
    rows = np.pad(np.arange(height), (top, bottom), mode).tolist()

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
            for at in (*range(left), *range(left + width, left + width + right)):
                middle[..., at] = middle[..., left + columns[at]]
            for at in (*range(top), *range(top + height, top + height + bottom)):
                padded[:, :, at] = padded[:, :, top + rows[at]]
        return padded

    return apply


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    """[height, width] of torchvision's forms: a number, [number], or [height, width]."""
    numbers = [size] if isinstance(size, int) else list(size)
    if len(numbers) not in (1, 2) or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise BakeoffError(f"RandomCrop.size: found {size}; allowed: pixels, or [height, width]")
    return numbers[0], numbers[-1]


def _sides(padding: int | Sequence[int] | None) -> tuple[int, int, int, int]:
    """[left, top, right, bottom] of torchvision's forms: one number for all, [x, y], or all four."""
    numbers = [padding or 0] if padding is None or isinstance(padding, int) else list(padding)
    if len(numbers) not in (1, 2, 4) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise BakeoffError(
            f"RandomCrop.padding: found {padding}; allowed: pixels (0 or more), [x, y], or [left, top, right, bottom]"
        )
    left, top, right, bottom = numbers * (4 // len(numbers))
    return left, top, right, bottom


RANDOM_CROP = BatchTransform("RandomCrop", "a window of `size` at a random place, after padding", _random_crop)
