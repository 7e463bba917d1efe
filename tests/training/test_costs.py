"""What a run says that it used, against what the kernel says."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bakeoff.errors import BakeoffError
from bakeoff.jobs.leases import lease
from bakeoff.training.costs import Spent, metered
from terminal import BIN, ENVIRONMENT, STUDIES

RUN = "digits/cnn/sgd/first/seed3"


def test_what_is_spent_adds_up_and_peaks_do_not() -> None:
    first, second = Spent(1.0, 2.0, None, 10, None), Spent(3.0, 4.0, 0.5, 7, 20)
    assert first + second == second + first == Spent(4.0, 6.0, 0.5, 10, 20)
    assert first + Spent() == first


# In a process of its own, as it takes memory: what it starts begins with its peak, in the kernel's account.
KERNELS_ACCOUNT = """
import os, signal, subprocess, sys

seconds, peak = 0.0, 0
for awaited in (" epoch 3/12", " epoch 6/12", None):
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if awaited and awaited in line:
            process.send_signal(signal.SIGTERM)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    seconds += used.ru_utime + used.ru_stime
    peak = max(peak, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
print(seconds, peak)
"""


def test_processor_time_of_all_attempts_is_in_the_result(tmp_path: Path) -> None:
    """Two attempts that are asked to stop, and one that ends: the kernel's account of the three processes."""
    command = [sys.executable, "-c", KERNELS_ACCOUNT, BIN / "bakeoff", "train", STUDIES / "stages.yaml", RUN]
    account = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    seconds, peak = map(float, account.stdout.split())
    cost = json.loads((tmp_path / f"results/stages/runs/{RUN}/result.json").read_text())["cost"]
    assert 0.7 * seconds < cost["cpu_seconds"] <= seconds  # but for the ends of the processes
    assert 0.7 * peak < cost["peak_host_memory_bytes"] <= peak
    assert (cost["gpu_seconds"], cost["energy_kwh"], cost["peak_device_memory_bytes"]) == (0, None, None)


def test_the_memory_of_who_started_a_process_is_not_its_own() -> None:
    ask = "import torch; from bakeoff.training.costs import metered\n"
    ask += "with metered(torch.device('cpu'), None, False) as spent: print(spent().peak_host_memory_bytes)"
    lean = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}])"
    peaks = [
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for code in (lean, f"held = bytearray(b'1') * (2 << 30); {lean}")
    ]
    assert all(100 << 20 < peak < 2 << 30 for peak in peaks)


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
