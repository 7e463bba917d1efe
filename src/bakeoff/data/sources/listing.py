"""Names of images: their natural order, and the text files that list them."""

import re
from pathlib import Path, PurePosixPath

from bakeoff.errors import BakeoffError, Keys


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A key that sorts numbers in names by value and before text, and text by character."""
    parts = re.findall(r"\d+|\D+", name)
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts], name


def read_lines(file: Path) -> list[str]:
    """The lines of a text file, with their ends. Raises BakeoffError when it is missing or not UTF-8 text."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return list(opened)
    except FileNotFoundError as error:
        raise BakeoffError(no_file(file)) from error
    except OSError as error:
        raise BakeoffError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BakeoffError(f"{file}: is not UTF-8 text: {error}") from error


def no_file(file: Path) -> str:
    """What to say of a file that is not there, with what its path is relative to."""
    return f"there is no file {file}{_started_in(file)}; set root to the folder that contains it"


def no_folder(folder: Path) -> str:
    """What to say of a folder that is not there."""
    return f"there is no folder {folder}{_started_in(folder)}; set root to the folder with the images"


def _started_in(path: Path) -> str:
    """ "` in FOLDER` for a relative path: the folder that Bakeoff was started in."""
    return "" if path.is_absolute() else f" in {Path.cwd()}"


def below(root: Path, path: str, place: str = "", keys: Keys = ()) -> Path:
    """`root`/`path`. Raises BakeoffError for a path that could lead elsewhere; `place` leads the message."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise BakeoffError(
            f"{place}{path!r} is not a path below {root}; allowed: relative paths with '/' and without '..'", keys
        )
    return root / pure
