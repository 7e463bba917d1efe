"""The process that follows a study for TensorBoard, beside Snakemake: it begins and ends with it."""

import atexit
import os
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec

from bakeoff.errors import BakeoffError

SECONDS_TO_END = 60


def check_live(tool: str | None) -> None:
    """Raise BakeoffError, which says what to install, where the tool that is to be written for is missing."""
    if tool is not None and find_spec(tool) is None:
        raise BakeoffError(f"live: the package {tool} is not installed; pip install 'bakeoff[{tool}]'", ["live"])


def start_following(study: Sequence[str]) -> None:
    """Start `bakeoff live` for what a command line says of the study. It ends when this process does, however that
    ends: it then finds the other end of a pipe closed, and writes the rest."""
    life, ours = os.pipe()  # nobody else has the second end
    command = ["bakeoff", "live", *study, f"--life={life}"]
    process = subprocess.Popen(command, pass_fds=(life,), stdin=subprocess.DEVNULL, start_new_session=True)
    os.close(life)
    atexit.register(_end, process, ours)


def _end(process: subprocess.Popen[bytes], ours: int) -> None:
    os.close(ours)
    process.wait(SECONDS_TO_END)
