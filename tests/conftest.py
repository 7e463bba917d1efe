"""Fixtures that several test files share."""

from pathlib import Path

import pytest

from commands import STUDIES, snakemake


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny study that the real Snakemake has run. Only to be read."""
    folder = tmp_path_factory.mktemp("finished")
    ended = snakemake(folder, STUDIES / "tiny.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder
