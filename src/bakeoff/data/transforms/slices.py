"""Parts of a batch that the processor's cache holds."""

from collections.abc import Callable

import torch
from torch import Tensor

SLICE_BYTES = 512 << 10  # of uint8 pixels: computing with them makes floats of four times the size, several times


def by_slice(images: Tensor, change: Callable[[Tensor, slice], Tensor]) -> Tensor:
    """`change(images of a slice, the slice)` for images [B, C, H, W], put together.

    Random numbers are to be drawn before, for the whole batch: then results do not depend on the size of slices.
    """
    size = max(1, SLICE_BYTES // images.shape[1:].numel())
    if images.device.type != "cpu" or len(images) <= size:
        return change(images, slice(None))
    slices = [slice(first, first + size) for first in range(0, len(images), size)]
    return torch.cat([change(images[part], part) for part in slices])
