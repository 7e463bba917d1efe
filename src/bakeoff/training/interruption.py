"""Signals that ask a training to end early: from a terminal, Snakemake, or a cluster that takes its node back."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


@contextmanager
def signals_ask_to_stop() -> Iterator[Callable[[], bool]]:
    """In this block the process survives these signals; the function says whether one has come.

    A second Ctrl-C ends the process at once.
    """
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, remember) for number in ASKING}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
