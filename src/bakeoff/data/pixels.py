"""One picture as uint8 pixels: the one place where images change depth, mode or size."""

from typing import TYPE_CHECKING

import numpy as np

from bakeoff.data.depth import (
    SIXTEEN_BITS,
    UnreadablePixels,
    UsedRange,
    eight_bits,
    is_deep_color,
    range_of_file,
    used_range,
)
from bakeoff.data.source import PixelRange, Pixels

if TYPE_CHECKING:
    from PIL.Image import Image


ORIENTATION = 0x0112  # tag of EXIF


def upright(image: "Image") -> "Image":
    """A picture turned as its EXIF says. One whose EXIF is damaged stays as it lies, as viewers show it."""
    from PIL.Image import Transpose

    image.load()  # what is wrong with the pixels is raised here, not below
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:  # Pillow raises anything for what is no EXIF; the pixels are whole
        return image
    ways = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(ways[orientation]) if orientation in ways else image


def shallow(image: "Image", pixel_range: PixelRange | None = None) -> tuple["Image", UsedRange | None]:
    """A picture of a file upright and of at most 8 bits per channel; of a deeper one also the range that it uses.

    Gray pixels of 16 or 32 bits are scaled from `pixel_range`, or else from what `range_of_file` says, where Pillow's
    own conversion would clip them. Raises UnreadablePixels for pixels that need a range and have none.
    """
    from PIL import Image

    if image.mode == "F" and pixel_range is None:
        raise UnreadablePixels("it has floating-point pixels, whose range no file says; set pixel_range: [LOW, HIGH]")
    if deep_color := is_deep_color(image):
        if pixel_range is not None:
            raise UnreadablePixels("of its 16 bits per colour only 8 can be read, too few for pixel_range")
        pixel_range = SIXTEEN_BITS
    image = upright(image)
    if deep_color:
        values = 257 * np.asarray(image).reshape(image.height, image.width, -1).astype(np.int64)
        colors = values[..., :-1] if image.mode in ("LA", "RGBA") else values
        return image, used_range(colors, SIXTEEN_BITS)
    if image.mode != "F" and not image.mode.startswith("I"):
        return image, None
    values, pixel_range = np.asarray(image), pixel_range or range_of_file(image)
    return Image.fromarray(eight_bits(values, pixel_range)), used_range(values, pixel_range)


def to_array(
    image: "Image", resize: int | tuple[int, int] | None, mode: str, center_crop: tuple[int, int] | None = None
) -> Pixels:
    """What `shallow` gives, as uint8 [C, H, W] in `mode` (L or RGB), resized bilinearly with antialiasing.

    `resize` is [height, width] or the shorter side. Then the central [height, width] of `center_crop` is cut out, as
    torchvision's Resize and CenterCrop do (a smaller image gets a black border).

    Transparent pixels are laid over white: their own colour is arbitrary, often black on black.
    """
    from PIL import Image

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
