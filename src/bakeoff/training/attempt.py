"""One process's attempt at a run: all that it is given, and the signals that ask it to end early."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import FrameType

import torch

from bakeoff.data.prepared import PreparedData
from bakeoff.jobs.leases import Lease
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.specification import Specification
from bakeoff.training.costs import Spent


@dataclass(frozen=True)
class Place:
    """Where a run is trained: what is here may change how long it takes, but not what comes out.

    `device` is what the study asks for (auto, cpu or cuda), `lease` the GPU that this process holds,
    `checkpoint_seconds` the least time between two checkpoints at the ends of epochs. `plan` is what the plan step
    found of the network, where that has not the name of the run's own specification.
    """

    layout: Layout
    device: str = "auto"
    threads: int = 1
    lease: Lease | None = None
    measure_energy: bool = False
    checkpoint_seconds: float = 10.0
    plan: Path | None = None


@dataclass(frozen=True)
class Attempt:
    """`stop` says whether somebody asks it to end, `spent` what it has used so far."""

    specification: Specification
    place: Place
    data: PreparedData
    device: torch.device
    started: datetime
    stop: Callable[[], bool]
    spent: Callable[[], Spent]

    @cached_property
    def paths(self) -> RunPaths:
        return self.place.layout.run(self.specification.run)

    @property
    def checkpoint(self) -> Path:
        return self.paths.checkpoint(self.specification.hash)

    @property
    def halving(self) -> Path:
        """What is known of the memory, beside the checkpoint."""
        return self.checkpoint.with_name("halving.json")


@contextmanager
def signals_ask_to_stop() -> Iterator[Callable[[], bool]]:
    """In this block the process survives SIGTERM, SIGUSR1 and SIGINT: from a terminal, Snakemake, or a cluster that
    takes its node back. The function that it yields says whether one has come. A second Ctrl-C ends the process."""
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
