"""Checkpoints: the whole state of a run after a step or an epoch, with a checksum."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bakeoff.errors import BakeoffError, first_line
from bakeoff.files import write_atomically
from bakeoff.training.devices import is_out_of_memory

DIGEST_BYTES = hashlib.sha256().digest_size


class DamagedCheckpoint(Exception):
    """A checkpoint that is not what was written."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a SHA-256 digest and the state as torch.save writes it, atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getbuffer()
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        file.write(hashlib.sha256(payload).digest())
        file.write(payload)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state on the CPU, or None when there is no checkpoint. Raises DamagedCheckpoint.

    Never unpickles arbitrary objects.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
        raise DamagedCheckpoint(f"{path}: {len(content)} bytes do not match their checksum")
    state: dict[str, Any] = torch.load(io.BytesIO(content[DIGEST_BYTES:]), map_location="cpu", weights_only=True)
    return state


@contextmanager
def on_the_way_to(path: Path) -> Iterator[None]:
    """Around what brings a run back to its checkpoint. It once had enough memory to get there, so if memory runs out
    now, the run is not to blame: a BakeoffError is raised. Without a checkpoint the exception stays as it is."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error) or not path.exists():
            raise
        raise BakeoffError(
            f"memory ran out before training could go on from {path}: {first_line(error)}; start again when nothing "
            "else takes the memory"
        ) from error
