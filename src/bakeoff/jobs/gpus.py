"""The GPUs of this machine, found without torch: Snakemake's planning and the leases need them."""

import os
import subprocess
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from bakeoff.errors import BakeoffError

DEVICE_FILES = Path("/dev")  # holds the NVIDIA driver's nvidiactl, and nvidia0, nvidia1, … for its GPUs
SECONDS_TO_ANSWER = 60


def visible_devices() -> list[str]:
    """The GPUs that this process may use: all, or those of CUDA_VISIBLE_DEVICES, where indices are nvidia-smi's.

    By UUID where the driver tells it, else by index. Raises BakeoffError when the driver does not answer.
    """
    known = _driver_devices()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(known.values())
    found = (_named(name.strip(), known) for name in named.split(","))
    return list(takewhile(bool, found))  # like CUDA, which ignores what follows an invalid entry


def gpus_of_a_run(device: str, elsewhere: bool) -> int:
    """How many GPUs a training job asks Snakemake for: one, or none where it will train on the CPU.

    Where jobs run `elsewhere`, on a cluster, `auto` asks for one, whatever this machine has.
    """
    return int(device == "cuda" or (device == "auto" and (elsewhere or bool(visible_devices()))))


def room_on_gpus(device: str, jobs_per_gpu: int) -> int:
    """How many training jobs can use the GPUs of this machine at the same time."""
    return len(visible_devices()) * jobs_per_gpu if device != "cpu" else 0


def advice_on_gpus(device: str, jobs_per_gpu: int, asked: int | None) -> str:
    """Advice on `--resources gpu=N` before training starts on this machine; `asked` is N. Empty when all is well.

    Raises BakeoffError when N is more than there is room for, when it is zero (which limits nothing), and for
    `device: cuda` without a GPU. Without GPUs and without `device: cuda` any N is harmless.
    """
    room = room_on_gpus(device, jobs_per_gpu)
    if device == "cuda" and not room:
        raise BakeoffError("device: cuda, but there is no GPU here; say device: auto to train on the CPU")
    if not room or asked == room:
        return ""
    there = f"GPUs here: {room // jobs_per_gpu}, jobs_per_gpu: {jobs_per_gpu}"
    if asked is None:
        return f"{there}. Without --resources gpu={room} more jobs may start than there are GPUs; they wait for one"
    if asked < 1:
        raise BakeoffError(f"--resources gpu={asked} limits nothing. {there}; say gpu={room}, or --config device=cpu")
    if asked > room:
        raise BakeoffError(f"--resources gpu={asked} is more than there is. {there}; say gpu={room}, or less")
    return f"{there}. --resources gpu={asked} leaves room: gpu={room} uses all of it"


def ask_driver(properties: Sequence[str]) -> list[str] | None:
    """A line for each GPU with these properties, named as in `nvidia-smi --help-query-gpu`.

    None where nvidia-smi is missing or fails. Raises BakeoffError when it does not answer.
    """
    command = ["nvidia-smi", f"--query-gpu={','.join(properties)}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False)
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise BakeoffError(
            f"nvidia-smi has not answered for {SECONDS_TO_ANSWER} s: a GPU or its driver hangs; "
            "restart the machine, or train with device: cpu"
        ) from error
    return answer.stdout.splitlines() if answer.returncode == 0 else None


def _named(name: str, known: dict[str, str]) -> str:
    """The device that an entry of CUDA_VISIBLE_DEVICES means: an index, or the beginning of a UUID; "" for none.

    Names that cannot be looked up are taken as they are: parts of GPUs (MIG-…), which the driver does not list, and
    UUIDs where only indices are known.
    """
    if name in known:
        return known[name]
    listed = [uuid for uuid in known.values() if name and uuid.startswith(name)]
    if listed:
        return listed[0]
    unlisted = ("MIG-", "GPU-") if list(known) == list(known.values()) else ("MIG-",)
    return name if known and name.startswith(unlisted) else ""


def _driver_devices() -> dict[str, str]:
    """Index → UUID of each GPU, as the driver counts them; empty without a driver.

    In a container with GPUs whose nvidia-smi is missing or fails, the indices stand for the UUIDs.
    """
    lines = ask_driver(["index", "uuid"])
    if lines is None:
        found = [path for path in DEVICE_FILES.glob("nvidia*") if path.name.removeprefix("nvidia").isdecimal()]
        return {str(index): str(index) for index in range(len(found))}
    pairs = (line.partition(",") for line in lines)
    return {index.strip(): uuid.strip() for index, comma, uuid in pairs if comma}
