"""Nothing half-written ever stands under a final name."""

import errno
import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from bakeoff.files import is_explained, remove_leftovers, user_name, write_atomically, write_json

WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from bakeoff.files import write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as a disk with 1,000 bytes left
write_json(Path(sys.argv[1]), ["x" * 100_000])
"""


def test_what_is_written_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.json"
    write_json(path, {"old": 1})
    write_json(path, {"loss": float("nan"), "rates": [float("inf"), 0.5]})
    assert json.loads(path.read_text()) == {"loss": None, "rates": [None, 0.5]}
    assert list(path.parent.iterdir()) == [path]


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), write_atomically(path) as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in ("x.pt", ".y.pt.abc.pt", ".x.pt.notes", "x.pt.abc.pt")]
    for path in kept:
        path.touch()
    code = "import os, signal, sys, pathlib; from bakeoff.files import write_atomically\n"
    code += "with write_atomically(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.pt")], check=False)
    assert len(list(tmp_path.iterdir())) == len(kept) + 1
    remove_leftovers(tmp_path / "x.pt", tmp_path / "missing" / "z.pt")
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), False),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), False),
        (URLError("Name or service not known"), False),
    ],
)
def test_what_is_told_in_one_line(error: OSError, told: bool) -> None:
    assert is_explained(error) == told


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user_name() == f"user {os.getuid()}"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")
    ended = subprocess.run(
        [sys.executable, "-c", WRITE_TOO_MUCH, str(path)], capture_output=True, text=True, check=False
    )
    assert "File too large" in ended.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
