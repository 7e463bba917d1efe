"""The cluster that all tests of this folder share."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm import PROFILE, SCRIPT, Cluster

CONFIGURATION = Path("/etc/slurm/slurm.conf")
PREFIX = "bakeoff-slurm-"


def why_not() -> str | None:
    """What keeps a cluster from being started on this machine."""
    if os.getuid() != 0:
        return "starting a SLURM needs root"
    if not shutil.which("apt-get"):
        return "SLURM is installed from Debian's packages, and there is no apt-get"
    if CONFIGURATION.exists() and PREFIX not in str(CONFIGURATION.resolve()):
        return f"this machine has a SLURM of its own: {CONFIGURATION}"
    return None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A SLURM of two nodes with two make-believe GPUs each, and one without; one at a time on a machine."""
    if reason := why_not():
        pytest.skip(reason)
    with Path(tempfile.gettempdir(), f"{PREFIX}lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if CONFIGURATION.exists():  # of a session that was killed: it would hold the lock
            subprocess.run([SCRIPT, "down", CONFIGURATION.resolve().parent], check=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            subprocess.run([SCRIPT, "up", folder], check=True)
            yield Cluster(folder, filled_in(tmp_path_factory.mktemp("profile")))
        finally:
            subprocess.run([SCRIPT, "down", folder], check=True)


def filled_in(folder: Path) -> Path:
    """The project's profile with all that a user has to fill in: account and partition."""
    text = PROFILE.read_text()
    for key, value in (("account", "bakeoff"), ("partition", "gpu")):
        text, count = re.subn(rf"(slurm_{key}: )\S+", rf"\g<1>{value}", text)
        assert count == 1
    (folder / "config.yaml").write_text(text)
    return folder
