"""Leases of make-believe GPUs, under kills."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch

from bakeoff.errors import BakeoffError
from bakeoff.jobs import leases
from bakeoff.training.devices import refuse_unleased
from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff, snakemake

DEVICES, SLOTS = ["GPU-a", "GPU-b", "GPU-c", "GPU-d"], 2
# Takes a slot, says so in a file of its own, works, and checks all the while that nobody else has said the same.
JOB = f"""
import os, sys, time
from pathlib import Path
from bakeoff.jobs.leases import lease
folder, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
taken = lease({DEVICES!r}, {SLOTS}, name, folder, 60)
mine = folder / f"using-{{taken.device}}.{{taken.slot}}"
def alive(pid):
    try:
        os.readlink(f"/proc/{{pid}}/exe")  # gone before a dying process closes its files
        return True
    except (ProcessLookupError, FileNotFoundError):
        return False
if mine.exists() and alive(int(mine.read_text() or 0)):
    (folder / f"collision-{{name}}").write_text(mine.name)
mine.write_text(str(os.getpid()))
time.sleep(seconds)
if mine.read_text() != str(os.getpid()):
    (folder / f"collision-{{name}}").write_text(mine.name)
mine.unlink()
(folder / f"done-{{name}}").write_text(taken.device)
"""


def start(folder: Path, name: str, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(folder), name, str(seconds)], stderr=subprocess.DEVNULL)


def test_two_hundred_jobs_under_kills_never_share_a_slot_and_none_is_lost(tmp_path: Path) -> None:
    chance = random.Random(0)
    names = [f"job{number}" for number in range(200)]
    kills = 0
    waiting, running = list(names), {}
    while waiting or running:
        while waiting and len(running) < 12:  # more than there are slots
            name = waiting.pop(0)
            running[name] = start(tmp_path, name, chance.uniform(0, 0.05))
        time.sleep(0.01)
        for name, process in list(running.items()):
            if kills < 80 and chance.random() < 0.03:
                process.send_signal(chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
                kills += 1
            if process.poll() is not None:
                del running[name]
                if not (tmp_path / f"done-{name}").exists():
                    waiting.append(name)  # as Snakemake's next attempt
    assert kills == 80
    assert not list(tmp_path.glob("collision-*"))
    assert {path.name for path in tmp_path.glob("done-*")} == {f"done-{name}" for name in names}
    assert {path.read_text() for path in tmp_path.glob("done-*")} == set(DEVICES)
    free = [leases.lease(DEVICES, SLOTS, "test", tmp_path, 0) for _ in range(len(DEVICES) * SLOTS)]
    assert len({(one.device, one.slot) for one in free}) == len(DEVICES) * SLOTS


def test_devices_are_spread_before_slots_are_shared(tmp_path: Path) -> None:
    taken = [leases.lease(["GPU-a", "GPU-b"], 2, "x", tmp_path, 0) for _ in range(4)]
    assert [(one.device, one.slot) for one in taken] == [("GPU-a", 0), ("GPU-b", 0), ("GPU-a", 1), ("GPU-b", 1)]


def test_parts_of_gpus_have_slots_too(tmp_path: Path) -> None:
    held = leases.lease(["MIG-GPU-a/1/0"], 1, "process 7", tmp_path, 0)
    assert leases.holders(tmp_path) == ["MIG-GPU-a/1/0.0: process 7"]
    os.close(held.lock)


def test_waiting_too_long_says_who_holds_the_devices(tmp_path: Path) -> None:
    held = leases.lease(["GPU-a"], 1, "process 7 (digits/mlp/seed0)", tmp_path, 0)
    with pytest.raises(BakeoffError, match=r"GPU-a is held by process 7 \(digits/mlp/seed0\)"):
        leases.lease(["GPU-a"], 1, "me", tmp_path, 0)
    os.close(held.lock)
    assert leases.lease(["GPU-a"], 1, "me", tmp_path, 0).device == "GPU-a"


@pytest.mark.usefixtures("two_gpus")
def test_a_training_job_holds_the_gpu_that_it_was_given(tmp_path: Path) -> None:
    """Make-believe devices, as torch sees none: it trains on the CPU, and the lease is as real."""
    folder = tmp_path / f"bakeoff-{os.getuid()}"
    folder.mkdir(mode=0o700)
    held = leases.lease(["GPU-1111"], 1, "test", folder, 0)
    run = "digits/logistic/sgd/plain/seed0"
    trained = bakeoff(tmp_path, "train", STUDIES / "tiny.yaml", run)
    os.close(held.lock)
    assert trained.returncode == 0, trained.stderr
    assert "GPU GPU-2222, slot 1 of 1" in trained.stdout
    result = json.loads((tmp_path / "results/tiny/runs" / run / "result.json").read_text())
    assert result["provenance"]["gpu"] == "GPU-2222"
    assert leases.lease(["GPU-2222"], 1, "test", folder, 0).device == "GPU-2222"


@pytest.mark.usefixtures("two_gpus")
def test_what_another_process_trains_is_taken_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one holds the only GPU; once it is done, someone else does."""
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "0")
    run = "digits/logistic/sgd/plain/seed0"
    command = ("train", STUDIES / "tiny.yaml", run, "--set", "gpu_wait_seconds=0")
    state = tmp_path / "results/tiny/state" / run

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BIN / "bakeoff", *command], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
        )

    orphan = start()
    while not (state / "progress.json").exists():
        time.sleep(0.01)
    orphan.send_signal(signal.SIGSTOP)
    successor = start()
    assert successor.stdout is not None
    assert f"waiting for process {orphan.pid}, which trains this run already" in successor.stdout.readline()
    orphan.send_signal(signal.SIGCONT)
    assert "GPU GPU-1111, slot 1 of 1" in orphan.communicate()[0]
    assert successor.communicate()[0] == f"{run} is finished already\n"
    assert (orphan.returncode, successor.returncode) == (0, 0)
    held = leases.lease(["GPU-1111"], 1, "test", tmp_path / f"bakeoff-{os.getuid()}", 0)
    again = bakeoff(tmp_path, *command)
    os.close(held.lock)
    assert (again.returncode, again.stdout) == (0, f"{run} is finished already\n"), again.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("two_gpus")
def test_another_device_on_the_command_line_reaches_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "0")
    folder = tmp_path / f"bakeoff-{os.getuid()}"
    folder.mkdir(mode=0o700)
    held = leases.lease(["GPU-1111"], 1, "test", folder, 0)  # who would want it would wait
    run = "digits/logistic/sgd/plain/seed0"
    result = f"results/tiny/runs/{run}/result.json"
    ended = snakemake(tmp_path, STUDIES / "tiny.yaml", "--config", "device=cpu", "--", result)
    os.close(held.lock)
    assert ended.returncode == 0, ended.stderr
    provenance = json.loads((tmp_path / result).read_text())["provenance"]
    assert (provenance["device_wanted"], provenance["gpu"], provenance["gpu_used"]) == ("cpu", None, None)
    assert provenance["device"].startswith("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_one_line(tmp_path: Path) -> None:
    ended = bakeoff(tmp_path, "train", STUDIES / "tiny.yaml", "digits/logistic/sgd/plain/seed0", "--set", "device=cuda")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: device: cuda, but PyTorch sees no CUDA device here")
    assert ended.stderr.count("\n") == 1 and "Traceback" not in ended.stdout


def test_a_gpu_that_cannot_be_leased_is_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Radeon Instinct")
    with pytest.raises(BakeoffError, match="PyTorch sees Radeon Instinct, which nvidia-smi does not list"):
        refuse_unleased("auto", None)
    monkeypatch.setattr(torch.version, "hip", "6.2")
    with pytest.raises(BakeoffError, match=r"sees Radeon Instinct through ROCm, .* NVIDIA GPUs only: say device: cpu"):
        refuse_unleased("auto", None)
    refuse_unleased("cpu", None)
    refuse_unleased("cuda", leases.Lease("GPU-a", 0, 0, 0.0))


@pytest.mark.usefixtures("two_gpus")
def test_a_study_says_how_long_a_job_waits_for_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "0")
    folder = tmp_path / f"bakeoff-{os.getuid()}"
    folder.mkdir(mode=0o700)
    held = leases.lease(["GPU-1111"], 1, "process 7 (digits/mlp/seed0)", folder, 0)
    run = "digits/logistic/sgd/plain/seed0"
    ended = bakeoff(tmp_path, "train", STUDIES / "tiny.yaml", run, "--set", "gpu_wait_seconds=0")
    os.close(held.lock)
    assert ended.returncode == 1
    assert "no GPU was free for 0 s: GPU-1111 is held by process 7 (digits/mlp/seed0)" in ended.stderr


@pytest.mark.usefixtures("two_gpus")
def test_a_run_that_waits_for_a_gpu_is_shown_as_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "0")
    folder, study = tmp_path / f"bakeoff-{os.getuid()}", str(STUDIES / "tiny.yaml")
    folder.mkdir(mode=0o700)
    held = leases.lease(["GPU-1111"], 1, "process 7 (digits/mlp/seed0)", folder, 0)
    command = [str(BIN / "bakeoff"), "train", study, "digits/logistic/sgd/plain/seed0"]
    job = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert job.stderr is not None and job.stderr.readline().startswith("waiting for a GPU")
    time.sleep(0.2)
    shown = bakeoff(tmp_path, "status", study).stdout
    assert re.search(r"logistic/sgd/seed0 +waiting", shown)
    os.close(held.lock)
    assert job.wait() == 0
    assert re.search(r"logistic/sgd/seed0 +completed", bakeoff(tmp_path, "status", study).stdout)


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"bakeoff-{os.getuid()}").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(BakeoffError, match="set TMPDIR"):
        leases.lease_folder()


def test_the_folder_stays_when_its_user_logs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs in tmux go on, and those that start later must see their locks."""
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    before = leases.lease_folder()
    (tmp_path / "run").rmdir()
    assert leases.lease_folder() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_someone_else_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    os.chown(leases.lease_folder(), 65534, 65534)
    with pytest.raises(BakeoffError, match="belongs to user 65534 and cannot be written by this one, 0; set TMPDIR"):
        leases.lease_folder()
