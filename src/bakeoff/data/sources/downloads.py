"""Downloading into the folder of a dataset."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from filelock import FileLock

from bakeoff.data.source import Request
from bakeoff.data.source_files import DOWNLOADS


@contextmanager
def folder_to_write(request: Request) -> Iterator[None]:
    """Allow one download at a time, since datasets may share files; a failed one leaves no empty folders.

    What is seen here decides no data: another dataset may come into the folder later. So who notes which files are read
    (`files_read`) is told of the download.
    """
    root = request.root
    absent = [folder for folder in (root, *root.parents) if not folder.exists()]
    lock = FileLock(request.scratch.parent / ".download.lock") if request.scratch else nullcontext()
    with lock:
        root.mkdir(parents=True, exist_ok=True)
        sys.audit(DOWNLOADS, True)
        before = set(root.rglob("*"))
        try:
            yield
        finally:
            added = [path for path in root.rglob("*") if path.is_dir() and path not in before]
            for folder in (*sorted(added, reverse=True), *absent):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
            sys.audit(DOWNLOADS, False)
