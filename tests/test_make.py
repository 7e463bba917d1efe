"""`make study`, with commands that only say what they were given."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from terminal import ROOT

NAMES = ["plain.yaml", "with blanks.yaml", "a 'b' \"c\" $d %e {f}.yaml"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose folder has a blank in its name, set up with commands of ours."""
    folder = tmp_path / "my project"
    commands = folder / ".venv/bin"
    commands.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (commands / "bakeoff").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > asked\nexit "${STATUS:-0}"\n')
    for command in commands.iterdir():
        command.chmod(0o755)
    (commands / ".ready").touch()
    return folder


def make(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make study` as in a terminal of its own: the tests themselves are started by a `make`."""
    outside = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        ["make", "study", *arguments], cwd=project, env={**outside, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_study_may_be_called_what_its_user_likes(project: Path, name: str) -> None:
    (project / name).write_text("study: some\n")
    made = make(project, f"STUDY={name}")
    assert made.returncode == 0, made.stderr
    assert (project / "asked").read_text().splitlines() == ["run", name, "--cores", "all"]


def test_cores_and_gpus_may_be_said(project: Path) -> None:
    made = make(project, "CORES=8", "GPUS=2")
    assert made.returncode == 0, made.stderr
    assert (project / "asked").read_text().split() == [
        "run", "config.yaml", "--cores", "8", "--gpus", "2",
    ]  # fmt: skip


def test_a_study_that_is_not_finished_fails(project: Path) -> None:
    assert make(project, STATUS="1").returncode != 0
