"""How things are timed: beside their peer and in turns with it, so that a busy machine slows both."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BAKEOFF, SNAKEMAKE = str(BIN / "bakeoff"), str(BIN / "snakemake")
REPEATS = 3
THREADS = 2


@dataclass(frozen=True)
class Rounds:
    """What each measurement took: a row for each round, a column for each measurement."""

    rows: list[tuple[float, ...]]

    def medians(self) -> list[float]:
        """The median of each column."""
        return [statistics.median(column) for column in zip(*self.rows, strict=True)]

    def ratio(self, of: int, to: int) -> float:
        """The median over rounds of one column divided by another."""
        return statistics.median(row[of] / row[to] for row in self.rows)


def in_turns(*measurements: Callable[[], float], rounds: int = REPEATS) -> Rounds:
    """Make each measurement once a round."""
    return Rounds([tuple(measurement() for measurement in measurements) for _ in range(rounds)])


def seconds_of(work: Callable[[], object]) -> float:
    """The wall time of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seconds_per_image(batches: Iterable[tuple[object, ...]]) -> float:
    """The wall time of going through batches, divided by their images."""
    started = time.perf_counter()
    seen = sum(len(images) for images, *_ in batches)  # type: ignore[arg-type, misc]
    return (time.perf_counter() - started) / seen


def seconds_of_command(command: list[str], folder: Path) -> float:
    """The wall time of a command that is run in a folder."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}  # rules call `bakeoff` by its name
    return seconds_of(lambda: subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True))
