"""One picture as uint8 pixels: the one place where images change mode or size."""

from typing import TYPE_CHECKING

import numpy as np

from bakeoff.data.source import Pixels
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from PIL.Image import Image


def to_array(
    image: "Image", resize: int | tuple[int, int] | None, mode: str, center_crop: tuple[int, int] | None = None
) -> Pixels:
    """A Pillow image as uint8 [C, H, W]: upright, in `mode` (L or RGB), bilinear with antialiasing.

    `resize` is [height, width] or the shorter side. Then the central [height, width] of `center_crop` is cut out, as
    torchvision's Resize and CenterCrop do (a smaller image gets a black border).

    Transparent pixels are laid over white: their own colour is arbitrary, often black on black. 16-bit images are
    scaled to 8 bits, where Pillow's own conversion would clip them. Raises BakeoffError for floating-point pixels.
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise BakeoffError(
            "an image of floating-point pixels (Pillow's mode F) has no fixed range; convert it to 8 or 16 bits"
        )
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        image = Image.fromarray(np.clip((wide + 128) // 257, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    image = image.convert(mode)
    if resize is not None:
        height, width = resized(image.height, image.width, resize)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
    if center_crop is not None and image.size != center_crop[::-1]:
        height, width = center_crop
        left, top = _margin(image.width, width), _margin(image.height, height)
        image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def to_picture(pixels: Pixels) -> "Image":
    """The Pillow image of uint8 [C, H, W], of 1 or 3 channels."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)))


def resized(height: int, width: int, resize: int | tuple[int, int] | None) -> tuple[int, int]:
    """[height, width] after resizing; one number is the shorter side. Like torchvision, rounds the longer side down."""
    if resize is None:
        return height, width
    if isinstance(resize, tuple):
        return resize
    return (resize, resize * width // height) if height <= width else (resize * height // width, resize)


def _margin(size: int, crop: int) -> int:
    """Pixels before a central crop; negative for a border. Rounded as torchvision rounds."""
    return round((size - crop) / 2) if size >= crop else -((crop - size) // 2)
