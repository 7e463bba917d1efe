"""One process's attempt at a run: all that it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import torch

from bakeoff.data.prepared import PreparedData
from bakeoff.jobs.leases import Lease
from bakeoff.study.entries import Recipe
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.study import Study
from bakeoff.training.costs import Spent
from bakeoff.training.devices import device_name


@dataclass(frozen=True)
class Attempt:
    """`stop` says whether somebody asks it to end, `spent` what it has used so far."""

    study: Study
    run: Run
    layout: Layout
    data: PreparedData
    device: torch.device
    lease: Lease | None
    threads: int
    checkpoint_seconds: float
    started: datetime
    stop: Callable[[], bool]
    spent: Callable[[], Spent]

    @property
    def place(self) -> str:
        """What it trains on: on another device, or with other threads, numbers differ in their last digits."""
        return f"{device_name(self.device)}, {self.threads} threads"

    @property
    def recipe(self) -> Recipe:
        return self.study.recipes[self.run.recipe]

    @property
    def paths(self) -> RunPaths:
        return self.layout.run(self.run)
