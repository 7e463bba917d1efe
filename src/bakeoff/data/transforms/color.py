"""Colours and brightness of pixels, as torchvision.transforms.v2.functional computes them for uint8."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import bounds, check_probability, uniform
from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.data.transforms.slices import by_group, by_slice, sometimes
from bakeoff.errors import BakeoffError

WHITE = 255
LUMA = (0.2989, 0.587, 0.114)  # weights of red, green and blue in gray

# pixels as whole floats 0..255 [B, C, H, W], factors [B, 1, 1, 1] → the same
Adjust = Callable[[Tensor, Tensor], Tensor]


def gray(pixels: Tensor) -> Tensor:
    """[B, 1, H, W] of whole floats, for images of 1 or 3 channels."""
    pixels = pixels.float()
    if pixels.shape[1] == 1:
        return pixels
    red, green, blue = pixels.unbind(1)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2]).floor_().unsqueeze(1)


def adjust_brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """0 makes images black, 1 leaves them as they are."""
    return (pixels * factor).clamp_(0, WHITE).floor_()


def adjust_contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """0 makes images the mean of their gray, 1 leaves them as they are."""
    return _blend(pixels, gray(pixels).mean((1, 2, 3), keepdim=True), factor)


def adjust_saturation(pixels: Tensor, factor: Tensor) -> Tensor:
    """0 makes images gray, 1 leaves them as they are."""
    return _blend(pixels, gray(pixels), factor)


def adjust_hue(pixels: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of RGB images by a fraction of the circle, -0.5 to 0.5.

    Formula of https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB_alternative, with value and chroma unchanged.
    """
    red, green, blue = pixels.unbind(1)
    least, value = pixels.aminmax(dim=1)
    chroma = value - least
    divisor = chroma.clamp(min=1)  # gray pixels have no hue, and chroma 0
    sector = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    starts = torch.tensor([5.0, 3.0, 1.0], device=pixels.device)[:, None, None]
    place = (sector.add_(6 * turn.squeeze(1)).unsqueeze(1) + starts).remainder_(6)
    share = torch.minimum(place, 4 - place).clamp_(0, 1)
    turned = value.unsqueeze(1) - chroma.unsqueeze(1) * share
    return turned.mul_(255.999 / WHITE).floor_()  # as torchvision converts fractions to bytes


def _blend(pixels: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (pixels * factor).add_(other * (1 - factor)).clamp_(0, WHITE).floor_()


def _color_jitter(
    shape: Shape,
    brightness: float | Sequence[float] | None = None,
    contrast: float | Sequence[float] | None = None,
    saturation: float | Sequence[float] | None = None,
    hue: float | Sequence[float] | None = None,
) -> Built:
    """Each image has its own factors and its own order of the adjustments."""
    _check_channels(shape, "ColorJitter")
    ranges: list[tuple[Adjust, tuple[float, float] | None, bool]] = [  # the last: whether it needs colours
        (adjust_brightness, _factors(brightness, "ColorJitter.brightness"), False),
        (adjust_contrast, _factors(contrast, "ColorJitter.contrast"), False),
        (adjust_saturation, _factors(saturation, "ColorJitter.saturation"), True),
        (adjust_hue, _turns(hue), True),
    ]
    adjustments = [(adjust, limits) for adjust, limits, colored in ranges if limits and (shape[0] == 3 or not colored)]

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        order = torch.rand(count, len(adjustments), generator=generator).argsort(1)
        factors = [uniform(limits, count, generator).view(-1, 1, 1, 1).to(images.device) for _, limits in adjustments]

        def change(part: Tensor, rows: slice) -> Tensor:
            def adjust(number: int, group: Tensor, members: Tensor) -> Tensor:
                return adjustments[number][0](group, factors[number][rows].index_select(0, members.to(part.device)))

            pixels = part.float()
            for position in range(len(adjustments)):
                pixels = by_group(pixels, order[rows, position], len(adjustments), adjust)
            return pixels.to(images.dtype)

        return by_slice(images, change)

    return apply, shape


def _grayscale(shape: Shape, num_output_channels: int = 1) -> Built:
    _check_channels(shape, "Grayscale")
    if num_output_channels not in (1, 3):
        raise BakeoffError(f"Grayscale.num_output_channels: found {num_output_channels}; allowed: 1, 3")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        return gray(images).to(images.dtype).repeat(1, num_output_channels, 1, 1)

    return apply, (num_output_channels, *shape[1:])


def _random_grayscale(shape: Shape, p: float = 0.1) -> Built:
    _check_channels(shape, "RandomGrayscale")
    check_probability(p, "RandomGrayscale.p")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        chosen = (torch.rand(len(images), generator=generator) < p).nonzero().squeeze(1).to(images.device)
        found = images.index_select(0, chosen)
        return images.index_copy(0, chosen, gray(found).to(images.dtype).expand_as(found))

    return apply, shape


def _random_invert(shape: Shape, p: float = 0.5) -> Built:
    return sometimes(lambda images, generator: WHITE - images, p, "RandomInvert.p"), shape


def _random_solarize(shape: Shape, threshold: float, p: float = 0.5) -> Built:
    if not isinstance(threshold, int | float) or threshold > WHITE:
        raise BakeoffError(f"RandomSolarize.threshold: found {threshold!r}; allowed: a number up to {WHITE}")

    def solarize(images: Tensor, generator: Generator) -> Tensor:
        return torch.where(images >= threshold, WHITE - images, images)

    return sometimes(solarize, p, "RandomSolarize.p"), shape


def _check_channels(shape: Shape, name: str) -> None:
    if shape[0] not in (1, 3):
        raise BakeoffError(f"{name}: images have {shape[0]} channels; allowed: 1 or 3")


def _factors(given: float | Sequence[float] | None, where: str) -> tuple[float, float] | None:
    """The range of a factor, of which 1 changes nothing; None when it is always 1."""
    if given is None:
        return None
    if isinstance(given, int | float):
        limits = max(0.0, 1.0 - given), 1.0 + given
        if given < 0:
            raise BakeoffError(f"{where}: found {given}; allowed: a number, 0 or more, or [least, most]")
    else:
        limits = bounds(given, where)
        if limits[0] < 0:
            raise BakeoffError(f"{where}: found {list(given)}; allowed: numbers, 0 or more")
    return None if limits == (1, 1) else limits


def _turns(given: float | Sequence[float] | None) -> tuple[float, float] | None:
    """The range of a turn of the hue; None when it is always 0."""
    if given is None:
        return None
    limits = (-given, given) if isinstance(given, int | float) else bounds(given, "ColorJitter.hue")
    if not -0.5 <= limits[0] <= limits[1] <= 0.5:
        raise BakeoffError(f"ColorJitter.hue: found {given}; allowed: 0 to 0.5, or [least, most] of -0.5 to 0.5")
    return None if limits == (0, 0) else limits


COLOR = (
    BatchTransform("ColorJitter", "brightness, contrast, saturation and hue, in a random order", _color_jitter),
    BatchTransform("Grayscale", "gray images of 1 or 3 channels", _grayscale),
    BatchTransform("RandomGrayscale", "gray with probability p, channels as before", _random_grayscale),
    BatchTransform("RandomInvert", "inverted colours with probability p", _random_invert),
    BatchTransform("RandomSolarize", "pixels from `threshold` on inverted, with probability p", _random_solarize),
)
