"""Batches of features that were computed before: what a classifier on a frozen backbone trains on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from bakeoff.data.batches import epoch_order, fits, images_per_epoch
from bakeoff.data.source import Labels


class FeatureBatches:
    """The batches of one split of features float32 [N, F], in the order in which `Batches` gives the images."""

    def __init__(self, features: NDArray[np.float32], labels: Labels, batch_size: int, device: torch.device) -> None:
        values = torch.as_tensor(features)
        self.device = device
        self._features = values.to(device) if fits(values, device) else values
        self._labels = torch.as_tensor(labels).to(device)
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Images in the split."""
        return len(self._features)

    @property
    def batches_per_epoch(self) -> int:
        """Batches of one training epoch."""
        return -(-images_per_epoch(len(self), self.batch_size) // self.batch_size)

    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(features, labels, rows) of an epoch in an order drawn from `order`; there is nothing to augment."""
        rows = epoch_order(len(self), self.batch_size, order)
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            there = chosen.to(self.device)
            home = there if self._features.device == self.device else chosen
            yield self._features.index_select(0, home).to(self.device), self._labels.index_select(0, there), chosen

    def ordered(self, batch_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """(features, labels) of the whole split in its own order."""
        size = batch_size or self.batch_size
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield self._features[rows].to(self.device), self._labels[rows]
