"""What training a run uses: processor, GPU, memory, and energy where it is measured."""

import logging
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bakeoff.errors import BakeoffError
from bakeoff.jobs.leases import Lease


@dataclass(frozen=True)
class Spent:
    """What attempts at a run have used. Several attempts add up, except for memory, whose maximum counts. What a killed
    attempt used after its last report is unknown.

    `cpu_seconds` is user and system time, start-up included. `gpu_seconds` is the time for which a GPU, or a slot of
    one, was held. `energy_kwh` is None where it is not measured, `peak_device_memory_bytes` is None without a GPU.
    """

    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    energy_kwh: float | None = None
    peak_host_memory_bytes: int = 0
    peak_device_memory_bytes: int | None = None

    def __add__(self, other: "Spent") -> "Spent":
        energies = [energy for energy in (self.energy_kwh, other.energy_kwh) if energy is not None]
        peaks = [spent.peak_device_memory_bytes for spent in (self, other)]
        return Spent(
            self.cpu_seconds + other.cpu_seconds,
            self.gpu_seconds + other.gpu_seconds,
            sum(energies) if energies else None,
            max(self.peak_host_memory_bytes, other.peak_host_memory_bytes),
            max((peak for peak in peaks if peak is not None), default=None),
        )

    def at_least(self, other: "Spent") -> "Spent":
        """The larger number of each kind: of two that were noted at different moments of the same attempts."""
        mine, theirs = asdict(self), asdict(other)
        known = {name: [value for value in (mine[name], theirs[name]) if value is not None] for name in mine}
        most: dict[str, Any] = {name: max(values, default=None) for name, values in known.items()}
        return Spent(**most)


@contextmanager
def metered(device: torch.device, lease: Lease | None, energy: bool) -> Iterator[Callable[[], Spent]]:
    """Yields a function that says what this process has used. Raises BakeoffError when energy cannot be measured."""
    held_since = lease.since if lease else time.monotonic()
    holds_gpu = lease is not None or device.type == "cuda"
    with _energy_meter(energy) as energy_kwh:
        yield lambda: Spent(
            sum(os.times()[:4]),  # includes the processes that torch.compile starts
            time.monotonic() - held_since if holds_gpu else 0.0,
            energy_kwh(),
            _peak_host_memory_bytes(),
            torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        )


def _peak_host_memory_bytes() -> int:
    """The most memory of the host that the process held at once, shared pages included."""
    with suppress(FileNotFoundError):  # Linux, whose ru_maxrss begins with the peak of what started this process
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        if peak := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            return int(peak[1]) * 1024
    peak_so_far = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_so_far if sys.platform == "darwin" else peak_so_far * 1024  # others count in KiB


@contextmanager
def _energy_meter(wanted: bool) -> Iterator[Callable[[], float | None]]:
    """Yields a function that says how many kWh were used: codecarbon's estimate for this process and its GPU."""
    if not wanted:
        yield lambda: None
        return
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError as error:
        raise BakeoffError(
            "measure_energy: codecarbon is not installed; pip install 'bakeoff[energy]', or leave measure_energy out"
        ) from error
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    tracker = OfflineEmissionsTracker(
        country_iso_code="USA",  # required, for emissions that are not used
        tracking_mode="process",
        allow_multiple_runs=True,
        save_to_file=False,
        log_level="critical",
    )
    tracker.start_task()
    used = 0.0

    def read() -> float:
        nonlocal used
        used += tracker.stop_task().energy_consumed
        tracker.start_task()
        return used

    try:
        yield read
    finally:
        tracker.stop_task()
        tracker.stop()
