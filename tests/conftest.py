"""Fixtures that several test files share."""

from pathlib import Path

import pytest

from commands import STUDIES, snakemake


@pytest.fixture(autouse=True)
def _away_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a study has left in the project's folder, or a test would leave there, is no part of tests."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny study that the real Snakemake has run. Only to be read."""
    folder = tmp_path_factory.mktemp("finished")
    ended = snakemake(folder, STUDIES / "tiny.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder
