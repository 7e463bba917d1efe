"""Random mappings of tones: those of torchvision.transforms.v2.functional, with a chance for each image."""

from collections.abc import Callable

from torch import Tensor

from bakeoff.data.transforms.record import Apply, BatchTransform, Built, Shape
from bakeoff.data.transforms.slices import by_slice, sometimes
from bakeoff.errors import BakeoffError


def _random_autocontrast(shape: Shape, p: float = 0.5) -> Built:
    from torchvision.transforms.v2.functional import autocontrast

    return _sometimes(autocontrast, p, "RandomAutocontrast"), shape


def _random_equalize(shape: Shape, p: float = 0.5) -> Built:
    from torchvision.transforms.v2.functional import equalize

    return _sometimes(equalize, p, "RandomEqualize"), shape


def _random_posterize(shape: Shape, bits: int, p: float = 0.5) -> Built:
    from torchvision.transforms.v2.functional import posterize

    if isinstance(bits, bool) or not isinstance(bits, int) or not 0 <= bits <= 8:
        raise BakeoffError(f"RandomPosterize.bits: found {bits!r}; allowed: a whole number, 0 to 8")
    return _sometimes(lambda images: posterize(images, bits), p, "RandomPosterize"), shape


def _sometimes(change: Callable[[Tensor], Tensor], p: float, name: str) -> Apply:
    """Apply `change` to each image with probability p."""
    return sometimes(lambda images, generator: by_slice(images, lambda part, rows: change(part)), p, f"{name}.p")


TONE = (
    BatchTransform("RandomAutocontrast", "the whole range of tones, with probability p", _random_autocontrast),
    BatchTransform("RandomEqualize", "all tones equally frequent, with probability p", _random_equalize),
    BatchTransform("RandomPosterize", "fewer `bits` for each colour, with probability p", _random_posterize),
)
