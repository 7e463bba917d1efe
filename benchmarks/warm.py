"""A run that is forked by the server for warm starts, beside its training and beside a cold start; and the figures of
the default study, drawn by such a job."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bakeoff.jobs.warm import start_server
from jobs import beside_training, seconds_of_study
from table import Row
from timing import BAKEOFF, BIN, REPEATS, ROOT, THREADS, seconds_of_command

STUDY = ROOT / "config.yaml"
RUNS = [f"digits/perceptron/{optimizer}/plain/seed{seed}" for optimizer in ("sgd", "adam") for seed in range(5)]


def measure() -> list[Row]:
    """A row of runs, and one of figures. None where there are no warm starts."""
    if sys.platform != "linux":
        return []
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), Path(name, "results/digits/runs")
        seconds_of_study(folder, STUDY)  # its runs are trained again below, its figures drawn again
        with warm_bakeoff() as bakeoff:
            warm = statistics.median(beside_training(bakeoff, str(STUDY), run, runs) for run in RUNS)
            figures = statistics.median(
                seconds_of_command([bakeoff, "figures", str(STUDY), f"--threads={THREADS}"], folder)
                for _ in range(REPEATS)
            )
        cold = statistics.median(beside_training(BAKEOFF, str(STUDY), run, runs) for run in RUNS[:REPEATS])
    drawn = f"all figures of the default study, on {THREADS} cores"
    return [
        Row("a warm run beside its training", f"{warm:.2f} s", f"a cold one {cold:.2f} s", "", "≤ 0.15 s"),
        Row(drawn, f"{figures:.1f} s", "", "", "≤ 2.5 s"),
    ]


@contextmanager
def warm_bakeoff() -> Iterator[str]:
    """The command of a server that has imported all it needs."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{BIN}{os.pathsep}{before}"
    life = start_server([str(STUDY)])
    assert life is not None
    server = max(psutil.Process().children(), key=psutil.Process.create_time)
    while still_works(server):
        pass
    yield str(Path(os.environ["PATH"].split(os.pathsep)[0]) / "bakeoff")
    os.close(life)
    server.wait()
    os.environ["PATH"] = before


def still_works(server: psutil.Process) -> bool:
    """Whether it uses the processor in this second."""
    before = processor_seconds(server)
    time.sleep(1)
    return processor_seconds(server) > before


def processor_seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])
