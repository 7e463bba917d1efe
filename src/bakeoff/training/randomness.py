"""Randomness comes from names: each stream is seeded by a hash of the seed, its name and the epoch.

Hyper-parameters are not part of the hash, so that two optimizers with one seed start from the same weights and see the
same order of batches. Streams start anew at each epoch, so that a run resumed between epochs needs no saved state.

This is where every random number of training begins: initial weights (`training/assembly.py`), the order of batches and
their augmentation (`training/trainer.py`), dropout (`training/trainer.py`), and AdaHessian's own draws
(`training/optimizers.py`). Splits are drawn from the study's `split_seed` (`data/splits.py`).
"""

import hashlib

import torch


def stream_seed(seed: int, stream: str, epoch: int = 0) -> int:
    """A 63-bit seed for a stream ("weights", "order", "augmentation", "dropout", "optimizer") at an epoch."""
    digest = hashlib.sha256(f"{seed}/{stream}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, stream: str, epoch: int = 0) -> torch.Generator:
    """A generator on the CPU, so that its draws do not depend on the device."""
    return torch.Generator().manual_seed(stream_seed(seed, stream, epoch))


def seed_global(seed: int, stream: str, epoch: int = 0) -> None:
    """Seed torch's global generators: what initial weights and dropout draw from, on a GPU where one is in use.

    For a GPU that is not in use yet `torch.manual_seed` keeps the seed with a stack trace, which takes 1 ms an epoch.
    """
    of_all = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    (torch.manual_seed if of_all else torch.default_generator.manual_seed)(stream_seed(seed, stream, epoch))
