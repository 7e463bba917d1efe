"""Jobs that take turns on a real GPU, or share it."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bakeoff.jobs.gpus import visible_devices
from bakeoff.jobs.leases import holders
from terminal import BIN, ENVIRONMENT
from training.test_resume import FOLDER, RUN, STUDY, assert_same_run

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one GPU that jobs may use, with leases of their own."""
    first = visible_devices()[0]
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", first)
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path))
    return first


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    folder.mkdir()
    return subprocess.Popen(
        [str(BIN / "bakeoff"), "train", str(STUDY), RUN, *arguments],
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], awaited: str) -> str:
    """What a job has written up to the line that holds `awaited`."""
    assert process.stdout is not None
    log = ""
    for line in process.stdout:
        log += line
        if awaited in line:
            return log
    raise AssertionError(f"{awaited!r} is not in\n{log}")


def provenance_in(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / FOLDER / "result.json").read_text())["provenance"])


def assert_trained_on(device: str, provenance: dict[str, Any]) -> None:
    """The GPU that was leased is the one that PyTorch used; without nvidia-smi its UUID is not known."""
    assert provenance["device"].startswith("cuda:")
    assert provenance["gpu"] == device
    if device.startswith("GPU-"):
        assert provenance["gpu_used"] == device


def test_two_jobs_take_turns_on_a_gpu(tmp_path: Path, device: str) -> None:
    first = start(tmp_path / "a")
    read_until(first, f"GPU {device}, slot 1 of 1")
    second = start(tmp_path / "b")
    said = read_until(second, "waiting for a GPU")
    assert f"{device} is held by process {first.pid} ({RUN})" in said
    logs = [job.communicate()[0] for job in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), logs
    assert f"GPU {device}, slot 1 of 1" in logs[1]
    earlier, later = (provenance_in(tmp_path / name) for name in "ab")
    assert later["started"] >= earlier["finished"]
    for provenance in (earlier, later):
        assert_trained_on(device, provenance)


def test_two_jobs_share_a_gpu_where_the_study_says_so(tmp_path: Path, device: str) -> None:
    """They hold a slot each at one moment, and train to the same bits."""
    shared = ("--set", "jobs_per_gpu=2")
    first, second = (start(tmp_path / name, *shared) for name in "ab")
    read_until(first, " epoch 1/")
    first.send_signal(signal.SIGSTOP)  # while the other comes as far
    read_until(second, " epoch 1/")
    held = holders(tmp_path / f"bakeoff-{os.getuid()}")
    first.send_signal(signal.SIGCONT)
    logs = [job.communicate()[0] for job in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), logs
    by_slot = dict(line.split(": ", 1) for line in held)
    assert sorted(by_slot) == [f"{device}.0", f"{device}.1"]
    assert sorted(by_slot.values()) == sorted(f"process {job.pid} ({RUN})" for job in (first, second))
    found = [provenance_in(tmp_path / name) for name in "ab"]
    assert sorted(provenance["gpu_slot"] for provenance in found) == [0, 1]
    for provenance in found:
        assert_trained_on(device, provenance)
    assert_same_run(tmp_path / "a" / FOLDER, tmp_path / "b" / FOLDER)
