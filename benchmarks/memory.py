"""Batches from a mapped array of which at most an eighth may stay in memory, and from the same array in memory.

Limiting a process's memory takes rights that not everyone has. Instead, each time an eighth has been read, all pages of
the file are given back. The disk decides the result.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.data.batches import Batches
from table import Row
from timing import ROOT, in_turns, seconds_per_image

SHAPE = ((3 << 29) // (3 * 300 * 300), 3, 300, 300)  # 1.5 GiB


def measure() -> list[Row]:
    """Images per second of both."""
    torch.set_num_threads(1)  # what a study gives a job unless it says otherwise
    with tempfile.TemporaryDirectory(dir=ROOT) as name:  # /tmp may itself be memory
        path = Path(name) / "images.npy"
        write_noise(path)
        images = np.load(path, mmap_mode="c")
        batches = Batches(images, np.zeros(len(images), np.int64), 16, "cpu", [0.5] * 3, [0.25] * 3)

        def in_memory() -> float:
            for chunk in np.array_split(images, 64):
                chunk.max()
            return seconds_per_image(batches.epoch(torch.Generator(), torch.Generator()))

        def mapped() -> float:
            forget(images, path)
            return seconds_per_image(forgetting(batches, images, path))

        rounds = in_turns(in_memory, mapped)
    held, mine = rounds.medians()
    return [
        Row(
            "data path of a mapped array, memory for an eighth of it",
            f"{1 / mine:,.0f} images/s on 1 thread",
            f"all in memory {1 / held:,.0f} images/s",
            f"{rounds.ratio(of=1, to=0):.1f}× slower",
            "",
        )
    ]


def write_noise(path: Path) -> None:
    written = np.lib.format.open_memmap(path, "w+", np.uint8, SHAPE)
    for start in range(0, len(written), 256):
        part = written[start : start + 256]
        part[:] = np.random.default_rng(start).integers(0, 256, part.shape, dtype=np.uint8)
    written.flush()


def forgetting(batches: Batches, images: NDArray[np.uint8], path: Path) -> Iterator[tuple[torch.Tensor, ...]]:
    """The batches of an epoch; the array's pages are given back after each eighth of it."""
    since = 0
    for batch in batches.epoch(torch.Generator(), torch.Generator()):
        yield batch
        since += len(batch[0])
        if since >= len(images) // 8:
            forget(images, path)
            since = 0


def forget(images: NDArray[np.uint8], path: Path) -> None:
    """Give back the pages of a mapped file, the process's and the system's."""
    images._mmap.madvise(mmap.MADV_DONTNEED)
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
