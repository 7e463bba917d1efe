"""Parts of a batch that fit into the processor's cache."""

from collections.abc import Callable

import torch
from torch import Tensor

SLICE_BYTES = 512 << 10  # of uint8 pixels: computations turn them into several floats of four times the size


def by_slice(images: Tensor, change: Callable[[Tensor, slice], Tensor]) -> Tensor:
    """Images [B, C, H, W], each slice of them changed by `change(images of the slice, the slice)`.

    Random numbers must be drawn before, for the whole batch, so that results do not depend on the size of slices.
    """
    size = max(1, SLICE_BYTES // images.shape[1:].numel())
    if images.device.type != "cpu" or len(images) <= size:
        return change(images, slice(None))
    slices = [slice(first, first + size) for first in range(0, len(images), size)]
    return torch.cat([change(images[part], part) for part in slices])
