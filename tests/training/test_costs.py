"""What a run says that it used, against what the kernel says."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bakeoff.errors import BakeoffError
from bakeoff.leases import lease
from bakeoff.training.costs import Spent, metered
from commands import BIN, ENVIRONMENT, STUDIES

RUN = "digits/cnn/sgd/first/seed3"


def test_what_is_spent_adds_up_and_peaks_do_not() -> None:
    first, second = Spent(1.0, 2.0, None, 10, None), Spent(3.0, 4.0, 0.5, 7, 20)
    assert first + second == second + first == Spent(4.0, 6.0, 0.5, 10, 20)
    assert first + Spent() == first


def test_processor_time_of_all_attempts_is_in_the_result(tmp_path: Path) -> None:
    """Two attempts that are asked to stop, and one that ends: the kernel's account of the three processes."""
    command = [str(BIN / "bakeoff"), "train", str(STUDIES / "stages.yaml"), RUN]
    seconds, peak = 0.0, 0
    for awaited in (" epoch 3/12", " epoch 6/12", None):
        process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if awaited and awaited in line:
                process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        seconds += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    cost = json.loads((tmp_path / f"results/stages/runs/{RUN}/result.json").read_text())["cost"]
    assert 0.7 * seconds < cost["cpu_seconds"] <= seconds  # but for the ends of the processes
    assert 0.7 * peak < cost["peak_host_memory_bytes"] <= peak
    assert (cost["gpu_seconds"], cost["energy_kwh"], cost["peak_device_memory_bytes"]) == (0, None, None)


def test_a_gpu_counts_from_when_it_is_leased(tmp_path: Path) -> None:
    taken = lease(["GPU-a"], 1, "test", tmp_path, 0)
    with metered(torch.device("cpu"), taken, energy=False) as spent:
        assert 0 < spent().gpu_seconds < spent().gpu_seconds
    with metered(torch.device("cpu"), None, energy=False) as spent:
        assert spent().gpu_seconds == 0


def test_energy_without_codecarbon_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with (
        pytest.raises(BakeoffError, match=r"pip install 'bakeoff\[energy\]'"),
        metered(torch.device("cpu"), None, energy=True),
    ):
        pass


def test_energy_grows_and_writes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("codecarbon", reason="codecarbon is not installed: pip install 'bakeoff[energy]'")
    monkeypatch.chdir(tmp_path)
    with metered(torch.device("cpu"), None, energy=True) as spent:
        readings = [spent().energy_kwh]
        for _ in range(2):
            until = time.process_time() + 0.3
            while time.process_time() < until:
                sum(range(10_000))
            readings.append(spent().energy_kwh)
    assert readings[0] is not None and readings == sorted(set(readings))
    assert not list(tmp_path.iterdir())
