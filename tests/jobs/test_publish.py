"""Finished files become outputs one by one: a kill between two leaves no result beside another's model."""

import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff.jobs.handover import publish
from bakeoff.study.paths import RunPaths

KILLED_AT_FILE = """
import os, signal, sys
from pathlib import Path
from bakeoff.jobs.handover import publish
from bakeoff.study.paths import RunPaths

link, links = os.link, 0

def link_or_die(source, target):
    global links
    links += 1
    if links == int(sys.argv[1]):
        target.touch()  # as where the file is copied
        os.kill(os.getpid(), signal.SIGKILL)
    link(source, target)

os.link = link_or_die
publish(RunPaths(Path("run"), Path("state"), Path("log")))
"""


def write_all(paths: RunPaths, content: str) -> None:
    paths.folder.mkdir(parents=True)
    for path in paths.files:
        path.write_text(content)


@pytest.mark.parametrize("killed_at", [1, 2, 3, 4])
def test_a_kill_while_publishing_leaves_no_older_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = RunPaths(Path("run"), Path("state"), Path("log"))
    write_all(paths, "old")
    write_all(paths.finished, "new")
    subprocess.run([sys.executable, "-c", KILLED_AT_FILE, str(killed_at)], check=False)
    assert [path.read_text() for path in paths.files[: killed_at - 1]] == ["new"] * (killed_at - 1)
    assert not paths.result.exists()
    publish(paths)
    assert set(paths.folder.iterdir()) == set(paths.files)  # and no temporary file
    assert [path.read_text() for path in paths.files] == ["new"] * 4
