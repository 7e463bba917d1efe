"""Batches of a split held in memory: uint8 on the device, normalised as they are handed out."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from bakeoff.data.augmentation import Augmentation
from bakeoff.data.source import Labels

# Batches are gathered and augmented in chunks, which spares small batches the cost of calls. Chunks of more than a few
# megabytes would leave the processor's cache, and so would whole chunks of floats: batches are normalised one by one.
# Chunks are the same on every device: random numbers are drawn for a chunk at a time.
CHUNK_BYTES = 2 << 20
CHUNK_BATCHES = 32
DEVICE_SHARE = 0.5  # of a device's free memory that a split may take


class Batches:
    """The batches of one split.

    `images` uint8 [N, C, H, W] and `labels` int64 [N] or uint8 [N, L] may be mapped files: on the CPU they stay so, and
    jobs share the pages; on another device they are copied there when they take at most half of its free
    memory, else chunk by chunk. `mean` and `std` are per channel, of pixels in 0..1; None leaves 0..1.
    `classes` is the width of mixed targets: needed when the augmentation mixes images of labels [N].
    """

    def __init__(
        self,
        images: Tensor | NDArray[np.uint8],
        labels: Tensor | Labels,
        batch_size: int,
        device: torch.device | str = "cpu",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        augmentation: Augmentation | None = None,
        dtype: torch.dtype = torch.float32,
        channels_last: bool = False,
        classes: int | None = None,
    ) -> None:
        self.device = torch.device(device)
        pixels = torch.as_tensor(images)
        self._labels = torch.as_tensor(labels).to(self.device)
        self._images = pixels.to(self.device) if fits(pixels, self.device) else pixels
        self._augmentation = augmentation
        if augmentation is not None and augmentation.mix is not None and classes is None:
            raise ValueError("an augmentation that mixes images needs to know the number of classes")
        self._classes = classes or 0
        self._dtype = dtype
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._scale, self._shift = _scale_and_shift(mean, std, pixels.shape[1], self.device)
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Images in the split."""
        return len(self._images)

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one training epoch."""
        return -(-images_per_epoch(len(self), self.batch_size) // self.batch_size)

    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(images, targets, rows) of an epoch in an order drawn from `order`; rows are on the CPU.

        Targets are labels, or float [B, classes] where the augmentation mixes images. Both generators are the CPU's, so
        that every device sees the same batches.
        """
        rows = epoch_order(len(self), self.batch_size, order)
        step = self._chunk(self.batch_size)
        for start in range(0, len(rows), step):
            chunk = rows[start : start + step]
            pixels, labels = self._gather(chunk)
            if self._augmentation is not None:
                pixels = self._augmentation.before(pixels, augmentation)
            for first in range(0, len(chunk), self.batch_size):
                batch = slice(first, first + self.batch_size)
                images, targets = self._normalize(pixels[batch]), labels[batch]
                if self._augmentation is not None:
                    images = self._augmentation.after(images, augmentation)
                    if self._augmentation.mix is not None:
                        images, targets = self._augmentation.mix(images, targets, self._classes, augmentation)
                yield images.to(self._dtype), targets, chunk[batch]

    def ordered(self, batch_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """(images, labels) of the whole split in its own order, not augmented."""
        size = batch_size or self.batch_size
        for start in range(0, len(self), size):
            pixels = self._images[start : start + size].to(self.device, non_blocking=True)
            yield self._normalize(pixels).to(self._dtype), self._labels[start : start + size]

    def _chunk(self, batch_size: int) -> int:
        """Images of a chunk: whole batches."""
        batch_bytes = batch_size * self._images[0].numel()
        return batch_size * min(CHUNK_BATCHES, max(1, CHUNK_BYTES // batch_bytes))

    def _gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        there = rows.to(self.device, non_blocking=True)
        home = there if self._images.device == self.device else rows
        pixels = self._images.index_select(0, home).to(self.device, non_blocking=True)
        return pixels, self._labels.index_select(0, there)

    def _normalize(self, pixels: Tensor) -> Tensor:
        return pixels.to(torch.float32, memory_format=self._format).mul_(self._scale).add_(self._shift)


def images_per_epoch(count: int, batch_size: int) -> int:
    """Batch-norm cannot take a last batch of one image: it is left out, another one each epoch."""
    return count - (batch_size > 1 and count % batch_size == 1)


def epoch_order(count: int, batch_size: int, order: Generator) -> Tensor:
    """The rows of a split in the order of an epoch."""
    return torch.randperm(count, generator=order)[: images_per_epoch(count, batch_size)]


def fits(images: Tensor, device: torch.device) -> bool:
    """Whether a split may lie on the device as a whole."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= DEVICE_SHARE * free


def _scale_and_shift(
    mean: Sequence[float] | None, std: Sequence[float] | None, channels: int, device: torch.device
) -> tuple[Any, Any]:
    """(x / 255 - mean) / std as x * scale + shift; plain numbers for one channel, which is faster.

    A channel that never varies has std 0 and becomes 0.
    """
    means = np.zeros(channels) if mean is None else np.asarray(mean, np.float64)
    stds = np.ones(channels) if std is None else np.asarray(std, np.float64)
    stds = np.where(stds == 0, 1, stds)
    scale, shift = 1 / (255 * stds), -means / stds
    if channels == 1:
        return float(scale[0]), float(shift[0])
    per_channel = torch.tensor(np.stack([scale, shift]), dtype=torch.float32, device=device)[:, :, None, None]
    return per_channel[0], per_channel[1]
