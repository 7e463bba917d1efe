"""Which files prepared data were made from, and whether these are still as they were.

Whatever a source does, Python says which files it opens and which folders it lists (PEP 578). So every source is
watched, a user's own as well, and images that were not chosen do not count.
"""

import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bakeoff
from bakeoff.files import stamp, write_atomically

SOURCE_FILES = "source_files.json"
UNKNOWN = "it is not known which files it was made from"
DOWNLOADS = "bakeoff.downloads"  # an event like Python's own: a download begins (True) or ends (False)
FORMAT = 2  # of the file; the first, without a number, is of when EXIF turned pictures twice: they are prepared again
READING_FLAGS = os.O_WRONLY | os.O_RDWR  # neither of these: a file is opened to be read

Stamps = dict[str, list[int] | None]  # path → `files.stamp` of it when it was read


@contextmanager
def files_read(besides: Path) -> Iterator[Stamps]:
    """The files that are opened to be read, and the folders that are listed, while the block runs, in any thread.

    Python's own files and the folder `besides` are passed over, and so are files that are gone at the end. Nothing
    counts that was read before the end of a download: the source then begins again.
    """
    stamps: Stamps = {}
    passed_over = tuple(f"{os.path.abspath(path)}{os.sep}" for path in (*_of_python(), str(besides)))  # noqa: PTH100
    watching, downloading = True, False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal downloading
        if watching and event == DOWNLOADS:
            downloading = arguments[0]
            stamps.clear()
        if not watching or downloading or event not in ("open", "os.listdir", "os.scandir"):
            return
        if event == "open" and arguments[2] & READING_FLAGS:
            return
        if isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  # Path.absolute leaves `..` in
            if path not in stamps and not f"{path}{os.sep}".startswith(passed_over):
                stamps[path] = stamp(path)

    sys.addaudithook(watch)  # hooks cannot be removed; this one returns at once after the block
    try:
        yield stamps
    finally:
        watching = False
        for path in [path for path, read in stamps.items() if read is not None and stamp(path) is None]:
            del stamps[path]


def write_source_files(folder: Path, stamps: Stamps) -> None:
    """Keep beside prepared data what they were made from."""
    with write_atomically(folder / SOURCE_FILES) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "files": stamps}), encoding="utf-8")


def read_source_files(folder: Path) -> Stamps | None:
    """What `write_source_files` wrote; None where that cannot be read, or has another form."""
    try:
        content = json.loads((folder / SOURCE_FILES).read_text(encoding="utf-8"))
        files: Stamps | None = content["files"] if content.get("format") == FORMAT else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None
    return files


def changed_source(folder: Path) -> str | None:
    """What has changed in the files that prepared data were made from, in a few words; None where nothing has.

    None also where all of them are gone: the prepared data are what is left. Of what was prepared before there was this
    file, or when it had another form, it is UNKNOWN.
    """
    try:
        content = json.loads((folder / SOURCE_FILES).read_text(encoding="utf-8"))
        is_older = content.get("format") != FORMAT
        known: Stamps = content if is_older else content["files"]
        changed = [(path, now) for path, then in known.items() if (now := stamp(path)) != then]
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return UNKNOWN
    if known and len(changed) == len(known) and all(now is None for _, now in changed):
        return None
    if is_older:
        return UNKNOWN
    if not changed:
        return None
    path, now = changed[0]
    what = "is gone" if now is None else "has other files" if Path(path).is_dir() else "has changed"
    return f"{path} {what}" + (f", and {len(changed) - 1:,} more" if len(changed) > 1 else "")


def _of_python() -> list[str]:
    """Where Python and its packages lie, and the kernel's files."""
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    own |= {*site.getsitepackages(), site.getusersitepackages(), str(Path(bakeoff.__file__).parent)}
    return [*filter(None, own), "/proc", "/sys", "/dev"]
