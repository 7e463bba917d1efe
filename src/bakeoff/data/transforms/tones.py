"""Random mappings of tones, as torchvision.transforms.v2.functional computes them for uint8."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.record import Apply, BatchTransform, Built, Shape
from bakeoff.data.transforms.slices import by_group, by_slice
from bakeoff.data.transforms.values import check_probability
from bakeoff.errors import BakeoffError

TONES = 256


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel from its least and greatest tone to 0 and 255; a channel of a single tone stays."""
    least, most = images.amin((2, 3), keepdim=True).float(), images.amax((2, 3), keepdim=True).float()
    flat = most == least
    stretched = images - least.masked_fill(flat, 0)
    return (
        stretched.div_(((most - least) * (1 / (TONES - 1))).masked_fill_(flat, 1)).clamp_(0, TONES - 1).to(torch.uint8)
    )


def equalize(images: Tensor) -> Tensor:
    """Make all tones of each channel equally frequent, by the whole-number formula of PIL's ImageOps.equalize."""
    tones = images.flatten(2).long()
    counts = torch.zeros(*tones.shape[:2], TONES, dtype=torch.long, device=images.device)
    counts.scatter_add_(2, tones, torch.ones_like(tones))
    below = counts.cumsum(2) - counts  # pixels of a darker tone
    brightest = counts.gather(2, tones.amax(2, keepdim=True))
    step = (tones.shape[2] - brightest) // (TONES - 1)
    mapped = ((below + step // 2) // step.clamp(min=1)).clamp_(0, TONES - 1)
    return torch.where(step > 0, mapped.gather(2, tones), tones).view_as(images).to(torch.uint8)


def posterize(images: Tensor, bits: int) -> Tensor:
    """Keep the highest `bits` of each byte."""
    return images & (TONES - (1 << (8 - bits)))


def _random_autocontrast(shape: Shape, p: float = 0.5) -> Built:
    return _sometimes(autocontrast, p, "RandomAutocontrast"), shape


def _random_equalize(shape: Shape, p: float = 0.5) -> Built:
    return _sometimes(equalize, p, "RandomEqualize"), shape


def _random_posterize(shape: Shape, bits: int, p: float = 0.5) -> Built:
    if not isinstance(bits, int) or not 0 <= bits <= 8:
        raise BakeoffError(f"RandomPosterize.bits: found {bits!r}; allowed: a whole number, 0 to 8")
    return _sometimes(lambda images: posterize(images, bits), p, "RandomPosterize"), shape


def _sometimes(change: Callable[[Tensor], Tensor], p: float, name: str) -> Apply:
    """Apply `change` to each image with probability p."""
    check_probability(p, f"{name}.p")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        chosen = (torch.rand(len(images), generator=generator) < p).long()
        return by_group(
            images, chosen, 2, lambda number, part, _: by_slice(part, lambda few, _: change(few)) if number else part
        )

    return apply


TONE = (
    BatchTransform("RandomAutocontrast", "the whole range of tones, with probability p", _random_autocontrast),
    BatchTransform("RandomEqualize", "all tones equally frequent, with probability p", _random_equalize),
    BatchTransform("RandomPosterize", "fewer `bits` for each colour, with probability p", _random_posterize),
)
