"""Batches of a split: images, uint8 on the device and normalised as they are handed out, or features of a backbone."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from bakeoff.data.augmentation import Augmentation, build_augmentation
from bakeoff.data.source import Labels

# Batches are gathered and augmented in chunks, which spares small batches the cost of many calls. Larger chunks would
# not fit into the processor's cache, nor would chunks of floats, so batches are normalised one by one. Chunks are the
# same on every device, since random numbers are drawn for a chunk at a time.
CHUNK_BYTES = 2 << 20
CHUNK_BATCHES = 32
DEVICE_SHARE = 0.5  # of a device's free memory that a split may take


def images_per_epoch(images: int, batch_size: int) -> int:
    """Batch-norm cannot take a last batch of one image: it is left out, a different one in each epoch."""
    return images - (batch_size > 1 and images % batch_size == 1)


def steps_per_epoch(images: int, batch_size: int, accumulate: int = 1) -> int:
    """Optimizer steps of one training epoch, each of `accumulate` batches; the last may be of fewer."""
    return math.ceil(math.ceil(images_per_epoch(images, batch_size) / batch_size) / accumulate)


class SplitBatches(ABC):
    """The batches of one split: `values` [N, ...] and `labels` [N, ...].

    Both may be mapped files: on the CPU they stay so, and jobs share the pages. Another device gets a copy of the
    labels, and of the values when they take at most half of its free memory; else values are copied as needed.
    """

    def __init__(
        self, values: Tensor | NDArray[Any], labels: Tensor | Labels, batch_size: int, device: torch.device
    ) -> None:
        self.batch_size = batch_size
        values = torch.as_tensor(values)
        self._values = values.to(device) if _fits(values, device) else values
        self._labels = torch.as_tensor(labels).to(device)
        self.device = self._labels.device  # `cuda:0` where `cuda` was given; the two do not compare equal

    def __len__(self) -> int:
        """Images in the split."""
        return len(self._values)

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one training epoch."""
        return steps_per_epoch(len(self), self.batch_size)

    @abstractmethod
    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(inputs, targets, rows) of an epoch in an order drawn from `order`; rows are on the CPU."""

    def ordered(self, batch_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """(inputs, labels) of the whole split in its own order, not augmented."""
        size = batch_size or self.batch_size
        for start in range(0, len(self), size):
            values = self._values[start : start + size].to(self.device, non_blocking=True)
            yield values, self._labels[start : start + size]

    def _parts(self, order: Generator, size: int) -> Iterator[Tensor]:
        """The rows of the split in the order of an epoch, `size` at a time."""
        rows = torch.randperm(len(self), generator=order)[: images_per_epoch(len(self), self.batch_size)]
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def _gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Values and labels of `rows`, on the device."""
        there = rows.to(self.device, non_blocking=True)
        home = there if self._values.device == self.device else rows
        values = self._values.index_select(0, home).to(self.device, non_blocking=True)
        return values, self._labels.index_select(0, there)


class Batches(SplitBatches):
    """The batches of one split of images uint8 [N, C, H, W], labels int64 [N] or uint8 [N, L].

    `mean` and `std` are per channel, of pixels in 0..1; None leaves 0..1. `classes` is the width of mixed targets:
    needed when the augmentation mixes images of labels [N].
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
        super().__init__(images, labels, batch_size, torch.device(device))
        channels, height, width = images.shape[1:]
        self._augmentation = augmentation or build_augmentation((), (channels, height, width))
        if self._augmentation.mix is not None and classes is None:
            raise ValueError("an augmentation that mixes images needs to know the number of classes")
        self._classes = classes or 0
        self._dtype = dtype
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._scale, self._shift = scale_and_shift(mean, std, channels, self.device)

    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(images, targets, rows) of an epoch in an order drawn from `order`; rows are on the CPU.

        Targets are labels, or float [B, classes] where the augmentation mixes images. Both generators are the CPU's, so
        that every device sees the same batches.
        """
        for chunk in self._parts(order, self._chunk_size()):
            pixels, labels = self._gather(chunk)
            pixels = self._augmentation.before(pixels, augmentation)
            for first in range(0, len(chunk), self.batch_size):
                batch = slice(first, first + self.batch_size)
                images, targets = self._normalize(pixels[batch]), labels[batch]
                images = self._augmentation.after(images, augmentation)
                if self._augmentation.mix is not None:
                    images, targets = self._augmentation.mix(images, targets, self._classes, augmentation)
                yield images.to(self._dtype), targets, chunk[batch]

    def ordered(self, batch_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        for pixels, labels in super().ordered(batch_size):
            yield self._normalize(pixels).to(self._dtype), labels

    def _chunk_size(self) -> int:
        """Images of a chunk: whole batches."""
        batch_bytes = self.batch_size * self._values[0].numel()
        return self.batch_size * min(CHUNK_BATCHES, max(1, CHUNK_BYTES // batch_bytes))

    def _normalize(self, pixels: Tensor) -> Tensor:
        return pixels.to(torch.float32, memory_format=self._format).mul_(self._scale).add_(self._shift)


class FeatureBatches(SplitBatches):
    """The batches of one split of features float32 [N, F], computed before by a frozen backbone.

    They come in the order in which `Batches` gives the images; there is nothing to augment.
    """

    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for rows in self._parts(order, self.batch_size):
            yield *self._gather(rows), rows


def _fits(values: Tensor, device: torch.device) -> bool:
    """Whether a split may lie on the device as a whole."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return values.nbytes <= DEVICE_SHARE * free


def scale_and_shift(
    mean: Sequence[float] | None, std: Sequence[float] | None, channels: int, device: torch.device
) -> tuple[Any, Any]:
    """(x / 255 - mean) / std as x * scale + shift; plain numbers for one channel, which are faster.

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
