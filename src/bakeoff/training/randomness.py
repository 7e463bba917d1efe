"""Randomness comes from names: each stream is seeded by a hash of the seed, its name and the epoch.

Hyper-parameters are no part of the hash, so two optimizers with one seed start from the same weights and see
the same order of batches. Streams start anew at each epoch, so a run that is resumed between two needs no saved state
of them.
"""

import hashlib

import torch


def stream_seed(seed: int, stream: str, epoch: int = 0) -> int:
    """A 63-bit seed for a stream ("weights", "order", "augmentation", "dropout", "optimizer") at an epoch."""
    digest = hashlib.sha256(f"{seed}/{stream}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, stream: str, epoch: int = 0) -> torch.Generator:
    """A generator on the CPU, so that what it draws does not depend on the device."""
    return torch.Generator().manual_seed(stream_seed(seed, stream, epoch))


def seed_global(seed: int, stream: str, epoch: int = 0) -> None:
    """Seed torch's global generators: what initial weights and dropout draw from."""
    torch.manual_seed(stream_seed(seed, stream, epoch))
