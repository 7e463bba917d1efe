"""Batches of features that were computed before: what a classifier on a frozen backbone trains on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from bakeoff.data.batches import SplitBatches
from bakeoff.data.source import Labels


class FeatureBatches(SplitBatches):
    """The batches of one split of features float32 [N, F], in the order in which `Batches` gives the images."""

    def __init__(self, features: NDArray[np.float32], labels: Labels, batch_size: int, device: torch.device) -> None:
        super().__init__(torch.as_tensor(features), torch.as_tensor(labels), batch_size, device)

    def epoch(self, order: Generator, augmentation: Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(features, labels, rows) of an epoch in an order drawn from `order`; there is nothing to augment."""
        for rows in self._parts(order, self.batch_size):
            yield *self._gather(rows), rows

    def ordered(self, batch_size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """(features, labels) of the whole split in its own order."""
        return self._in_order(batch_size)
