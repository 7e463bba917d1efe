"""The images that a model takes, and how many classes it tells apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImageShape:
    """Channels, height and width in pixels, number of classes."""

    channels: int
    height: int
    width: int
    classes: int


def image_shape(card: Mapping[str, Any]) -> ImageShape:
    """The images that the card of a prepared dataset describes."""
    channels, height, width = card["shape"]
    return ImageShape(channels, height, width, len(card["classes"]))
