"""What Ctrl-C does to Snakemake: its jobs stop after their step, and the last line says how to go on."""

import atexit
import logging
import signal
import sys
import threading
from types import FrameType

import psutil

STOPPED = "stopped; type the same command to go on"  # the last line, also of `bakeoff run`


def stop_jobs_on_interrupt(logger: logging.Logger) -> None:
    """From now on SIGINT asks the jobs below this process to stop, also when it comes to this process alone.

    Snakemake itself waits for them, and then logs each as failed, with a stack. They are not, so that is left out.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one is for Snakemake alone
        logger.addFilter(lambda record: record.levelno < logging.ERROR)
        atexit.register(print, STOPPED, file=sys.stderr)
        for job in psutil.Process().children(recursive=True):
            try:
                job.terminate()
            except psutil.NoSuchProcess:
                continue
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
