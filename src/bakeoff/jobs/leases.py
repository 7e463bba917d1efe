"""Which GPU a training job uses: a lock file per slot of a device, held for the life of the process.

Snakemake only counts GPUs. The kernel frees a lock when its process dies, however it dies, so no lease is ever lost.
"""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from bakeoff.errors import BakeoffError
from bakeoff.jobs.gpus import visible_devices

SECONDS_BETWEEN_TRIES = 0.5


@dataclass(frozen=True)
class Lease:
    """A slot of a device, for as long as the descriptor `lock` is open; held `since` a moment of time.monotonic().

    A bare descriptor: Python closes its files while it shuts down, when the process still has memory on the device.
    """

    device: str
    slot: int
    lock: int
    since: float


def lease_folder() -> Path:
    """A folder of this user on this machine alone. Raises BakeoffError when it belongs to someone else.

    Not XDG_RUNTIME_DIR: it goes when its user logs out, and the locks of jobs that go on with it.
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
) -> Lease:
    """Take a free slot of one of the devices, a device with the fewest jobs first; wait for one when all are taken.

    `holder` is written into the lock file for others to read. Raises BakeoffError naming the holders after
    `seconds_to_wait`.
    """
    started, told = time.monotonic(), False
    while True:
        for slot in range(slots):
            for device in devices:
                lock = _try(_lock(folder, device, slot), holder)
                if lock is not None:
                    return Lease(device, slot, lock, time.monotonic())
        if time.monotonic() - started > seconds_to_wait:
            held = "; ".join(_holders(devices, slots, folder))
            raise BakeoffError(
                f"no GPU was free for {seconds_to_wait:g} s: {held}. Ask Snakemake for no more than "
                f"--resources gpu={len(devices) * slots}, end what holds them, or raise gpu_wait_seconds in the study"
            )
        if not told:
            print(f"waiting for a GPU: {'; '.join(_holders(devices, slots, folder))}", file=sys.stderr, flush=True)
            told = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def lease_gpu(device: str, jobs_per_gpu: int, holder: str, seconds_to_wait: float) -> Lease | None:
    """Lease one of the GPUs that this process may use and show torch no other; None where none is wanted or there.

    To be called before torch is imported. The kernel takes the lease back when the process is gone.
    Raises BakeoffError after `seconds_to_wait`.
    """
    devices = visible_devices() if device != "cpu" else []
    if not devices:
        return None
    taken = lease(devices, jobs_per_gpu, f"process {os.getpid()} ({holder})", lease_folder(), seconds_to_wait)
    os.environ["CUDA_VISIBLE_DEVICES"] = taken.device
    print(f"GPU {taken.device}, slot {taken.slot + 1} of {jobs_per_gpu}", flush=True)
    return taken


def holders(folder: Path) -> list[str]:
    """The slots that are held now, and by whom: `GPU-1111.0: process 7 (digits/mlp/sgd/plain/seed0)`."""
    held = [path for path in sorted(folder.glob("*.lock")) if is_locked(path)]
    return [f"{unquote(path.stem)}: {path.read_text(encoding='utf-8') or 'another process'}" for path in held]


def is_locked(path: Path) -> bool:
    """Whether a living process holds a lock file; the kernel frees it when the process dies.

    Who only looks may not be allowed to write, and shares the moment in which it looks with others.
    """
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(folder: Path, device: str, slot: int) -> Path:
    """The lock file of a slot; names of parts of GPUs may have slashes: `MIG-GPU-1111/1/0`."""
    return folder / f"{quote(device, safe='')}.{slot}.lock"


def _try(path: Path, holder: str) -> int | None:
    """The open lock file, or None when another process has it."""
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


def _holders(devices: Sequence[str], slots: int, folder: Path) -> list[str]:
    paths = [(device, _lock(folder, device, slot)) for device in devices for slot in range(slots)]
    return [f"{device} is held by {path.read_text(encoding='utf-8') or 'another process'}" for device, path in paths]
