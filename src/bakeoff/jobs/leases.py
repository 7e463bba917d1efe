"""Which GPU a training job uses: a device has a lock file for each of its slots, and a job holds one while it lives.

Snakemake only counts GPUs. The kernel frees a lock however its process dies, so no lease is ever lost.
"""

import fcntl
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from bakeoff.errors import BakeoffError
from bakeoff.jobs.gpus import visible_devices

SECONDS_BETWEEN_TRIES = 0.5


@dataclass(frozen=True)
class Lease:
    """A slot of a device, held as long as the file descriptor `lock` is open; `since` is a time of time.monotonic().

    A bare descriptor, not a file object: Python closes files at shutdown, while the process still has memory on the
    device.
    """

    device: str
    slot: int
    lock: int
    since: float


def lease_folder() -> Path:
    """The folder of lock files, for this user on this machine. Raises BakeoffError when it belongs to someone else.

    Not in XDG_RUNTIME_DIR, which is deleted when its user logs out, even while jobs are still running.
    """
    folder = Path(tempfile.gettempdir()) / f"bakeoff-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BakeoffError(f"{folder}: cannot make the folder of GPU leases: {error.strerror}; set TMPDIR") from error
    if folder.stat().st_uid != os.getuid() or not os.access(folder, os.W_OK):
        raise BakeoffError(
            f"{folder}: the folder of GPU leases belongs to user {folder.stat().st_uid} and cannot be written by this "
            f"one, {os.getuid()}; set TMPDIR to another"
        )
    return folder


def lease(
    devices: Sequence[str],
    slots: int,
    holder: str,
    folder: Path,
    seconds_to_wait: float,
    waits: Callable[[bool], None] = lambda waiting: None,
) -> Lease:
    """Take a free slot, on a device with the fewest jobs; wait for one when all are taken.

    Each device has so many `slots`. `holder` is written into the lock file for others to read. `waits` is told when all
    are taken, and when one is free at last. Raises BakeoffError naming the holders after `seconds_to_wait`.
    """
    started, told = time.monotonic(), False
    while True:
        for slot, device in itertools.product(range(slots), devices):
            if (lock := _take(_lock_file(folder, device, slot), holder)) is not None:
                if told:
                    waits(False)
                return Lease(device, slot, lock, time.monotonic())
        if time.monotonic() - started > seconds_to_wait:
            raise BakeoffError(
                f"no GPU was free for {seconds_to_wait:g} s: {_all_holders(devices, slots, folder)}. "
                f"Ask Snakemake for no more than --resources gpu={len(devices) * slots}, stop the processes that hold "
                "them, or raise gpu_wait_seconds in the study"
            )
        if not told:
            print(f"waiting for a GPU: {_all_holders(devices, slots, folder)}", file=sys.stderr, flush=True)
            waits(True)
            told = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def lease_gpu(
    device: str,
    jobs_per_gpu: int,
    holder: str,
    seconds_to_wait: float,
    waits: Callable[[bool], None] = lambda waiting: None,
) -> Lease | None:
    """Lease one of the GPUs that this process may use, and hide the others from torch. `waits` as in `lease`.

    None when the study wants no GPU or there is none. To be called before torch is imported. The lease ends with the
    process. Raises BakeoffError after `seconds_to_wait`.
    """
    devices = visible_devices() if device != "cpu" else []
    if not devices:
        return None
    taken = lease(devices, jobs_per_gpu, f"process {os.getpid()} ({holder})", lease_folder(), seconds_to_wait, waits)
    os.environ["CUDA_VISIBLE_DEVICES"] = taken.device
    print(f"GPU {taken.device}, slot {taken.slot + 1} of {jobs_per_gpu}", flush=True)
    return taken


def holders(folder: Path) -> list[str]:
    """The slots that are held now, and their holders: `GPU-1111.0: process 7 (digits/mlp/sgd/plain/seed0)`."""
    return [f"{unquote(path.stem)}: {_holder(path)}" for path in sorted(folder.glob("*.lock")) if is_locked(path)]


def is_locked(path: Path) -> bool:
    """Whether a living process holds a lock file.

    Tried with a shared lock, so that readers need not be able to write and do not see one another as holders.
    """
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock_file(folder: Path, device: str, slot: int) -> Path:
    """The lock file of a slot. Names of parts of GPUs may have slashes: `MIG-GPU-1111/1/0`."""
    return folder / f"{quote(device, safe='')}.{slot}.lock"


def _take(path: Path, holder: str) -> int | None:
    """The descriptor of the lock file, now locked, or None when another process holds it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BakeoffError(f"{path}: cannot open the lock of a GPU: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    os.truncate(file, 0)
    os.write(file, holder.encode())
    return file


def _all_holders(devices: Sequence[str], slots: int, folder: Path) -> str:
    """Who holds the slots of these devices: `GPU-1111 is held by process 7 (…); …`."""
    paths = [(device, _lock_file(folder, device, slot)) for device in devices for slot in range(slots)]
    return "; ".join(f"{device} is held by {_holder(path)}" for device, path in paths)


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8") or "another process"
