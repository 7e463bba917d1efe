"""Checkpoints: a run's whole state at an epoch boundary, behind a checksum."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from bakeoff.files import write_atomically

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
