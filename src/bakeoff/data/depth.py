"""Pixels deeper than 8 bits: which of their values become 0..255, and whether images use that range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import PixelRange, Pixels
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from PIL.Image import Image

SIXTEEN_BITS: PixelRange = (0, 65535)
RANGE_OF_TYPE: dict[str, PixelRange] = {"bool": (0, 1), "uint8": (0, 255), "uint16": SIXTEEN_BITS}
LITTLE = 0.25  # of a range: who uses less has probably another one
MAX_SAMPLE_VALUE, BITS_PER_SAMPLE = 281, 258  # tags of TIFF


class UnreadablePixels(BakeoffError):
    """A picture whose pixels cannot become 8 bits; like a broken file, it may be skipped."""


@dataclass(frozen=True)
class UsedRange:
    """The lowest and the highest value of deep pixels, and the range that becomes 0..255."""

    lowest: float
    highest: float
    range: PixelRange

    @property
    def is_little(self) -> bool:
        low, high = self.range
        return min(self.highest, high) - max(self.lowest, low) < LITTLE * (high - low)

    @property
    def is_cut(self) -> bool:
        low, high = self.range
        return self.lowest < low or self.highest > high

    def __str__(self) -> str:
        return f"{self.lowest:g} to {self.highest:g} of {self.range[0]:g} to {self.range[1]:g}"


def eight_bits(values: NDArray[Any], pixel_range: PixelRange) -> Pixels:
    """Values of a range as 0..255, rounded; what lies outside becomes 0 or 255. Raises UnreadablePixels for NaN."""
    low, high = pixel_range
    scaled = (values.astype(np.float64) - low) * 255 / (high - low)
    if np.isnan(scaled).any():
        raise UnreadablePixels("it has pixels that are not a number")
    return np.floor(np.clip(scaled, 0, 255) + 0.5).astype(np.uint8)


def used_range(values: NDArray[Any], pixel_range: PixelRange) -> UsedRange:
    """What values, at least one, use of a range."""
    return UsedRange(float(values.min()), float(values.max()), pixel_range)


def range_of_file(image: "Image") -> PixelRange:
    """The range of a gray picture of 16 or 32 bits: 0 to 65535, or of as many bits as a TIFF says.

    A TIFF says it as the largest number of so many bits (MaxSampleValue) or as BitsPerSample. Both are believed up to
    14 bits: deeper pictures use a quarter of 16 bits and more, and are read as such. PNG's sBIT says nothing of the
    range: its writers scale pixels to 16 bits (PNG specification, 11.3.2.5).
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    for largest in (_first(tags.get(MAX_SAMPLE_VALUE)), 2 ** _first(tags.get(BITS_PER_SAMPLE)) - 1):
        if 0 < largest < 2**14 and largest & (largest + 1) == 0:
            return 0, largest
    return SIXTEEN_BITS


def is_deep_color(image: "Image") -> bool:
    """Whether a file, not yet decoded, has 16 bits for each of several channels: Pillow reads the upper 8 of them."""
    arguments = [tile[3] for tile in getattr(image, "tile", ())[:1]]
    names = [found[0] if isinstance(found, tuple) and found else found for found in arguments]
    return not image.mode.startswith("I") and any(
        isinstance(name, str) and name.endswith((";16B", ";16L", ";16N")) for name in names
    )


def warnings_of(used: Iterator[tuple[str, UsedRange]], chosen: bool) -> list[str]:
    """What is to be said of deep images, by name. `chosen`: the study says the range, so values outside are meant to be
    cut off."""
    deep = list(used)
    little = [(name, found) for name, found in deep if found.is_little]
    cut = [(name, found) for name, found in deep if found.is_cut]
    said = []
    if little:
        name, found = little[0]
        low, high = min(found.lowest for _, found in little), max(found.highest for _, found in little)
        said.append(
            f"{len(little)} of {len(deep)} images deeper than 8 bits use less than a quarter of their range, and lose "
            f"detail when it becomes 0 to 255: {name} uses {found}. If they have another range, set "
            f"pixel_range: [LOW, HIGH]; the values here are {low:g} to {high:g}"
        )
    if cut and not chosen:
        name, found = cut[0]
        said.append(
            f"{len(cut)} of {len(deep)} images deeper than 8 bits have values outside of their range, which are cut "
            f"off: {name} has {found}. Set pixel_range: [LOW, HIGH] to the range that they have"
        )
    return said


def _first(value: Any) -> int:
    """The first of a tag's whole numbers; 0 where there is none."""
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else 0
