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
    (commands / "bakeoff").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > asked\necho 2\n')
    (commands / "snakemake").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > given\nexit "${STATUS:-0}"\n')
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
    assert (project / "asked").read_text().splitlines() == ["gpus", name]
    assert (project / "given").read_text().splitlines() == [
        "--configfile", name, "--cores", "all", "--resources", "gpu=2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["study: some", "study: some   # names the folders", "study: 'some' # x", 'study: "some"']
)
def test_the_report_is_named_also_where_a_comment_follows_the_name(project: Path, line: str) -> None:
    (project / "config.yaml").write_text(f"title: T\n{line}\nseeds: 1\n")
    assert "report:" not in make(project).stdout
    page = project / "report/some/report.html"
    page.parent.mkdir(parents=True)
    page.touch()
    made = make(project)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1] == "report: report/some/report.html"


def test_a_study_that_is_not_finished_is_said(project: Path) -> None:
    (project / "config.yaml").write_text("study: some\n")
    made = make(project, STATUS="1")
    assert made.returncode != 0
    assert "not finished: bakeoff status config.yaml" in made.stdout
