"""Writes files so that none is ever half-written under its final name, and explains why one cannot be written."""

import errno
import getpass
import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError


@contextmanager
def write_atomically(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it over `path` when the block succeeds.

    With `durable` the content and the folder are flushed to disk, so that a machine that loses power keeps either the
    old file or the new one. After an exception the temporary file is removed. An OSError without a file name, such as
    a full disk's, gets the name of `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}{path.suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        if durable:
            _flush(temporary)
        temporary.replace(path)
        if durable:
            _flush(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(*paths: Path) -> None:
    """Remove the temporary files that killed writers of these paths left. Only for the one process that writes them."""
    for path in paths:
        for leftover in path.parent.glob(f".{escape(path.name)}.*{escape(path.suffix)}"):
            leftover.unlink()


def check_writable(*folders: Path) -> None:
    """Raise BakeoffError for a folder that this user may not write in; one that is not there counts as its parent."""
    for folder in folders:
        there = existing(folder)
        if not os.access(there, os.W_OK | os.X_OK):
            code = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
            raise BakeoffError(explain(OSError(code, os.strerror(code), str(folder))))


def is_explained(error: OSError) -> bool:
    """Whether `explain` says all there is to say: for a full disk, and where this user may not write.

    Other errors, such as those of a network or a lack of memory, need their traceback.
    """
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def explain(error: OSError) -> str:
    """One line for the user: the file, what is wrong, and what to do about a full disk or a folder of someone else."""
    problem = f"{error.filename or 'writing'}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{problem}; make room and start again: everything written before is intact"
    if isinstance(error, PermissionError) and error.filename:
        there = existing(Path(error.filename))
        mode = stat.filemode(there.stat().st_mode)
        problem += f": {there} ({mode}) belongs to {owner(there)}, and this is {user_name()}; "
        return f"{problem}run in a folder of your own"
    return problem


def owner(path: Path) -> str:
    """The name of the user who owns a file, or the number of a user without a name."""
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def user_name() -> str:
    """The name of this process's user, or the number of one without a name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        return f"user {os.getuid()}"


def write_json(path: Path, content: Any, durable: bool = True) -> None:
    """Write `content` as indented JSON, atomically. Numbers that are not finite become null."""
    text = json.dumps(in_every_value(content, finite), indent=2, ensure_ascii=False)
    with write_atomically(path, durable) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def describe_file(path: Path) -> dict[str, Any]:
    """`{"bytes": size, "sha256": checksum}` of a file."""
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": checksum}


def stamp(path: Path | str) -> list[int] | None:
    """The size in bytes (0 for a folder) and the time of modification in nanoseconds; None where nothing is."""
    try:
        found = os.stat(path)  # noqa: PTH116  # of 100,000 files: Path.stat takes twice the time
    except OSError:
        return None
    return [0 if stat.S_ISDIR(found.st_mode) else found.st_size, found.st_mtime_ns]


def in_every_value(content: Any, change: Callable[[Any], Any]) -> Any:
    """The content of a JSON or YAML file with each value changed that is no mapping or list."""
    if isinstance(content, dict):
        return {key: in_every_value(item, change) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [in_every_value(item, change) for item in content]
    return change(content)


def spelled(path: Path) -> str:
    """A path as text; bytes that are not UTF-8, as in names unpacked from a Windows archive, look like "caf\\xe9"."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def existing(path: Path) -> Path:
    """The path, or its nearest parent that is there."""
    # os.path.exists, as Path.exists raises PermissionError inside a folder that this user may not enter
    return next(item for item in (path, *path.absolute().parents) if os.path.exists(item))  # noqa: PTH110


def finite(value: Any) -> Any:
    """JSON has no NaN or infinity: a diverged loss is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
