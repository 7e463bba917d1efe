"""What a model must accept and tell apart."""

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
    """What a prepared dataset's card says of its images."""
    channels, height, width = card["shape"]
    return ImageShape(channels, height, width, len(card["classes"]))
