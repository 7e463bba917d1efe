"""Which image files the words of a command line mean."""

import glob
from collections.abc import Sequence
from pathlib import Path

from bakeoff.data.sources.listing import natural
from bakeoff.data.sources.walking import IMAGE_SUFFIXES, files_below, is_image
from bakeoff.errors import BakeoffError


def image_files(words: Sequence[str]) -> list[Path]:
    """Files as they are named, of a folder every image in it and below, and what a pattern such as "photos/*.jpg" or
    "photos/**/*.png" matches, in natural order.

    A file that is not there is kept: it is named when it is read. Raises BakeoffError for a folder or a pattern without
    images.
    """
    return [file for word in words for file in _files_of(word)]


def _files_of(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        found = [file for file in files_below(path) if is_image(file)]
        if not found:
            raise BakeoffError(f"{word}: no images in this folder; a name ends in {', '.join(sorted(IMAGE_SUFFIXES))}")
        return found
    if path.exists() or not glob.has_magic(word):
        return [path]
    matched = sorted(glob.glob(word, recursive=True), key=natural)  # noqa: PTH207  # a pattern may be absolute
    found = [file for name in matched if (file := Path(name)).is_file()]
    if not found:
        raise BakeoffError(f"{word}: matches no file")
    return found
