"""Many pictures into one array, in parallel."""

import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bakeoff.data.depth import UnreadablePixels, UsedRange, warnings_of
from bakeoff.data.pixels import resized, shallow, to_array, to_picture
from bakeoff.data.source import Pixels, Request
from bakeoff.data.splits import Rows
from bakeoff.errors import BakeoffError, first_line
from bakeoff.files import spelled

if TYPE_CHECKING:
    from PIL.Image import Image

IN_MEMORY_BYTES = 1 << 30
BLOCK = 64  # images per task: a task costs some 20 microseconds
PROGRESS_SECONDS = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Collected:
    """Decoded images [N, C, H, W], which of the pictures they are, their names and those skipped, and what to say."""

    images: Pixels
    rows: Rows
    names: list[str]
    skipped: list[str]
    warnings: list[str]


def decode_files(files: list[Path], request: Request) -> Collected:
    """The images in files; without `mode` they become RGB. Raises BakeoffError as `collect` does."""

    def name(row: int) -> str:
        """A plugin's file may lie outside the root."""
        file = files[row]
        return spelled(file.relative_to(request.root) if file.is_relative_to(request.root) else file)

    return collect(len(files), lambda row: open_picture(files[row]), name, request)


def decode_picture(picture: "Image", request: Request) -> tuple[Pixels, UsedRange | None]:
    """A picture as uint8 [C, H, W]; without `mode` it becomes RGB. Of a deep one also the range that it uses.

    Raises UnreadablePixels, and for a broken file whatever Pillow's readers raise.
    """
    picture, used = shallow(picture, request.pixel_range)
    return to_array(picture, request.resize, request.mode or "RGB", request.center_crop), used


def collect(
    count: int, open_image: Callable[[int], "Image"], name: Callable[[int], str], request: Request
) -> Collected:
    """Decode pictures 0..count-1 in parallel into one array.

    `open_image` gives a Pillow image, which may be lazy; `name` gives what messages call it. Raises BakeoffError for a
    picture that cannot be decoded (unless such are skipped), for pictures of two sizes, and for a range of pixels that
    none of them has.
    """
    deep: dict[int, UsedRange] = {}

    def decode(row: int) -> Pixels | None:
        """None for a picture that is skipped."""
        try:
            pixels, used = decode_picture(open_image(row), request)
        except Exception as error:  # on a broken file, Pillow's readers may raise anything
            if isinstance(error, BakeoffError | MemoryError) and not isinstance(error, UnreadablePixels):
                raise
            if request.on_bad_image == "skip":
                return None
            raise BakeoffError(
                f"{name(row)} cannot be decoded as an image: {reason(error)}. "
                "Repair or remove it, or set on_bad_image: skip to leave such files out"
            ) from error
        if used is not None:
            deep[row] = used
        return pixels

    with quiet():
        decoded = ((row, image) for row in range(count) if (image := decode(row)) is not None)
        first, image = next(decoded, (count, None))
    if image is None:
        raise BakeoffError(f"none of {count} images can be decoded; the first is {name(0)}")
    images = allocate((count, *image.shape), request.scratch)
    images[first] = image

    def fill(block: range) -> list[int]:
        """The rows that are skipped."""
        skipped = []
        for row in block:
            image = decode(row)
            if image is None:
                skipped.append(row)
            elif image.shape != images.shape[1:]:
                raise BakeoffError(
                    f"images differ in size: {name(first)} has {images.shape[2]}x{images.shape[3]} pixels "
                    f"(height x width), {name(row)} has {image.shape[1]}x{image.shape[2]}. "
                    "Set resize: HEIGHT (square), resize: [HEIGHT, WIDTH], or center_crop with it"
                )
            else:
                images[row] = image
        return skipped

    blocks = parallel(fill, first + 1, count, request.threads)
    skipped = [*range(first), *(row for rows in _shown(blocks, "decoded", first + 1, count) for row in rows)]
    rows = np.setdiff1d(np.arange(count), skipped)
    for at, row in enumerate(rows if skipped else ()):  # in place: the array may be larger than memory
        images[at] = images[row]
    if request.pixel_range is not None and not deep:
        raise BakeoffError("no image here is deeper than 8 bits; leave pixel_range out", ["pixel_range"])
    used = ((name(row), deep[row]) for row in sorted(deep))
    warned = warnings_of(used, request.pixel_range is not None)
    return Collected(images[: len(rows)], rows, [*map(name, rows)], [*map(name, skipped)], warned)


def fit(images: Pixels, rows: Rows | None, request: Request) -> Pixels | None:
    """The images [N, C, H, W] of `rows` in the mode and size that the entry asks for; None if they are so already."""
    channels, height, width = images.shape[1:]
    size = request.center_crop or resized(height, width, request.resize)
    target = {"L": 1, "RGB": 3, None: channels}[request.mode]
    if channels not in (1, 3):
        raise BakeoffError(f"images have {channels} channels; allowed: 1 (L) or 3 (RGB)")
    if request.center_crop is None and size == (height, width) and target >= channels:
        if target == channels:
            return None
        return np.repeat(images if rows is None else images[rows], target, axis=1)
    chosen = np.arange(len(images)) if rows is None else rows
    result = allocate((len(chosen), target, *size), request.scratch)

    def fill(block: range) -> None:
        for at in block:
            picture = to_picture(images[chosen[at]])
            result[at] = to_array(picture, request.resize, "L" if target == 1 else "RGB", request.center_crop)

    for _ in _shown(parallel(fill, 0, len(chosen), request.threads), "resized", 0, len(chosen)):
        pass
    return result


def allocate(shape: tuple[int, ...], scratch: Path | None) -> Pixels:
    """An uninitialised uint8 array; a large one lives in a nameless file in `scratch`, not in memory."""
    size = int(np.prod(shape, dtype=np.int64))
    if scratch is None or size < IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile(dir=scratch) as file:
        _reserve(file, size)
        return np.memmap(file, np.uint8, "r+", shape=shape)


def parallel(work: Callable[[range], Result], start: int, stop: int, threads: int) -> Iterator[Result]:
    """The results of `work` on blocks of start..stop-1, in order; the first error cancels the rest."""
    blocks = (range(at, min(at + BLOCK, stop)) for at in range(start, stop, BLOCK))
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
    """Silence Pillow's warnings about odd metadata: thousands of lines about files that decode well."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        yield


def _shown(blocks: Iterator[Result], verb: str, start: int, count: int) -> Iterator[Result]:
    """Pass the blocks on; every few seconds, print how many images are done."""
    began = said = time.monotonic()
    done = start
    for block in blocks:
        yield block
        done, now = min(done + BLOCK, count), time.monotonic()
        if now - said >= PROGRESS_SECONDS:
            said = now
            speed = (done - start) / (now - began)
            print(f"{verb} {done:,} of {count:,} images, {speed:,.0f}/s", file=sys.stderr, flush=True)


def open_picture(file: Path) -> "Image":
    """A picture that is not decoded yet. Raises BakeoffError where the file cannot be read, and what Pillow raises."""
    from PIL import Image

    try:
        content = file.read_bytes()
    except OSError as error:  # the machine's fault, not the picture's: never skipped
        raise BakeoffError(f"{file}: cannot be read: {error.strerror}") from error
    return Image.open(io.BytesIO(content))


def reason(error: Exception) -> str:
    """Why a picture cannot be decoded. Pillow names what it read from, which is not the file but its content."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "it is empty, cut short, or of no format that Pillow knows"
    return first_line(error).rstrip(".")


def _reserve(file: Any, size: int) -> None:
    """Claim the space now: writing to a mapped file on a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
