"""From pictures to uint8 arrays: the one place where images change mode or size."""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data.source import Pixels, Request
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from PIL.Image import Image

IN_MEMORY_BYTES = 1 << 30
BLOCK = 64  # images per task: a task costs some 20 microseconds


class BadImage(Exception):
    """A picture that does not decode."""


@dataclass(frozen=True)
class Collected:
    """Decoded images [N, C, H, W], which of the pictures they are, and the names of those skipped."""

    images: Pixels
    rows: np.ndarray
    skipped: list[str]


def collect(
    count: int, open_image: Callable[[int], "Image"], name: Callable[[int], str], request: Request, mode: str
) -> Collected:
    """Decode pictures 0..count-1 in parallel into one array.

    `open_image` gives a Pillow image, which may be lazy; `name` gives what messages call it. Raises
    BakeoffError for a picture that does not decode (unless they are skipped) and for two sizes.
    """

    def decode(row: int) -> Pixels:
        try:
            return to_array(open_image(row), request.resize, mode)
        except (BakeoffError, MemoryError):
            raise
        except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble over
            raise BadImage(str(error) or type(error).__name__) from error

    first, image, skipped = _first_that_decodes(count, decode, name, request)
    images = allocate((count, *image.shape), request.scratch)
    images[first] = image

    def fill(block: range) -> list[int]:
        bad = []
        for row in block:
            try:
                image = decode(row)
            except BadImage as error:
                if request.on_bad_image == "error":
                    raise _bad(name(row), error, request) from error
                bad.append(row)
                continue
            if image.shape != images.shape[1:]:
                raise _two_sizes(name(first), images.shape, name(row), image.shape, request)
            images[row] = image
        return bad

    bad_rows = [row for rows in parallel(fill, first + 1, count, request.threads) for row in rows]
    rows = np.setdiff1d(np.arange(first, count), bad_rows)
    skipped += [name(row) for row in bad_rows]
    return Collected(images if len(rows) == count else images[rows], rows, skipped)


def fit(images: Pixels, request: Request) -> Pixels:
    """Arrays [N, C, H, W] in the mode and size that the entry asks for."""
    count, channels, height, width = images.shape
    size = request.resize or (height, width)
    target = {"L": 1, "RGB": 3, None: channels}[request.mode]
    if channels not in (1, 3):
        raise BakeoffError(f"{request.where}: images have {channels} channels; allowed: 1 (L) or 3 (RGB)")
    if size == (height, width) and target >= channels:
        return images if target == channels else np.repeat(images, target, axis=1)
    from PIL import Image

    result = allocate((count, target, *size), request.scratch)

    def fill(block: range) -> None:
        for row in block:
            pixels = images[row, 0] if channels == 1 else images[row].transpose(1, 2, 0)
            picture = Image.fromarray(np.ascontiguousarray(pixels))
            result[row] = to_array(picture, size, "L" if target == 1 else "RGB")

    for _ in parallel(fill, 0, count, request.threads):
        pass
    return result


def to_array(image: "Image", resize: tuple[int, int] | None, mode: str) -> Pixels:
    """A Pillow image as uint8 [C, H, W]: upright, in `mode` (L or RGB), bilinear with antialiasing.

    Transparent pixels are laid over white: their own colour is arbitrary, often black on black. 16-bit
    images are scaled to 8 bits, where Pillow's own conversion would clip them.
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
    if resize is not None and image.size != resize[::-1]:
        image = image.resize(resize[::-1], Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def allocate(shape: tuple[int, ...], scratch: Path | None) -> Pixels:
    """An uninitialised uint8 array; a large one lives in a nameless file in `scratch`, not in memory."""
    size = int(np.prod(shape, dtype=np.int64))
    if scratch is None or size < IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile(dir=scratch) as file:
        _reserve(file, size)
        return np.memmap(file, np.uint8, "r+", shape=shape)


def parallel(work: Callable[[range], Any], start: int, stop: int, threads: int) -> Iterator[Any]:
    """The results of `work` on blocks of start..stop-1, in order; the first error ends the rest."""
    blocks: Iterable[range] = (range(at, min(at + BLOCK, stop)) for at in range(start, stop, BLOCK))
    with quiet():
        if threads <= 1:
            yield from map(work, blocks)
            return
        pool = ThreadPoolExecutor(threads)
        try:
            yield from pool.map(work, blocks)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings about odd metadata: thousands of lines about files that decode well."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        yield


def _reserve(file: Any, size: int) -> None:
    """Claim the space now: writing to a mapped file on a full disk would kill the process."""
    import os

    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


def _first_that_decodes(
    count: int, decode: Callable[[int], Pixels], name: Callable[[int], str], request: Request
) -> tuple[int, Pixels, list[str]]:
    skipped: list[str] = []
    with quiet():
        for row in range(count):
            try:
                return row, decode(row), skipped
            except BadImage as error:
                if request.on_bad_image == "error":
                    raise _bad(name(row), error, request) from error
                skipped.append(name(row))
    raise BakeoffError(f"{request.where}: none of {count} images decodes; the first is {name(0)}")


def _bad(name: str, error: Exception, request: Request) -> BakeoffError:
    return BakeoffError(
        f"{request.where}: {name} does not decode as an image: {error}. "
        "Repair or remove it, or set on_bad_image: skip to leave such files out"
    )


def _two_sizes(
    first: str, first_shape: tuple[int, ...], other: str, other_shape: tuple[int, ...], request: Request
) -> BakeoffError:
    return BakeoffError(
        f"{request.where}: images differ in size: {first} has {first_shape[-2]}x{first_shape[-1]} pixels "
        f"(height x width), {other} has {other_shape[-2]}x{other_shape[-1]}. "
        "Set resize: HEIGHT (square) or resize: [HEIGHT, WIDTH]"
    )
