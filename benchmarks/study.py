"""The default study, from the command to the report, beside the same 40 trainings as a loop in one process."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from jobs import result_in, seconds_of_study
from table import Row
from timing import ROOT, THREADS, in_turns, seconds_of_command

LOOP = Path(__file__).with_name("notebook_loop.py")


def measure() -> list[Row]:
    """The loop's time is the better one of one thread and of two."""
    rounds = in_turns(ours, partial(loop, 1), partial(loop, THREADS))
    mine, *loops = rounds.medians()
    best = 1 + loops.index(min(loops))
    return [
        Row(
            "the default study of 40 runs, with its report",
            f"{mine:.1f} s",
            f"notebook loop without report {loops[best - 1]:.1f} s (threads: {best})",
            f"{rounds.ratio(of=best, to=0):.2f}× as fast",
            "≥ 1.2×",
        )
    ]


def ours() -> float:
    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_of_study(Path(folder), ROOT / "config.yaml")
        found = list(Path(folder).glob("results/digits/runs/**/result.json"))
        assert len(found) == 40 and all(result_in(path.parent)["status"] == "completed" for path in found)
        return seconds


def loop(threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds_of_command([sys.executable, str(LOOP), str(threads)], Path(folder))
