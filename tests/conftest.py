"""Fixtures that several test files share."""

import os
import signal
from pathlib import Path

# Before torch is imported: the threads of two workers would wait for each other most of the time. What tests start has
# it, too; trainings set the threads that their study gives them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from terminal import ENVIRONMENT, STUDIES, snakemake

# What a shell starts in the background ignores SIGINT, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Files in which one worker would be busy when the other has nothing left to do.
LONGEST = ("test_storm.py", "test_cluster.py", "test_warm.py", "test_again.py", "test_resume.py", "test_workflow.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `gpu` need one."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU, and PyTorch sees none")


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


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """A folder with an nvidia-smi that knows two GPUs."""
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "nvidia-smi").write_text("#!/bin/sh\necho '0, GPU-1111'\necho '1, GPU-2222'\n")
    (folder / "nvidia-smi").chmod(0o755)
    return folder


@pytest.fixture
def two_gpus(driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands, with leases of their own; torch sees none of the two, and trains on the CPU."""
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{driver}:{ENVIRONMENT['PATH']}")
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path))
    monkeypatch.delitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", raising=False)
