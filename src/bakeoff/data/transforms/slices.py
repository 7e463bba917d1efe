"""Parts of a batch: slices that fit into the processor's cache, and groups of images that change differently."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import check_probability
from bakeoff.data.transforms.record import Apply

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


def by_group(images: Tensor, group: Tensor, count: int, change: Callable[[int, Tensor, Tensor], Tensor]) -> Tensor:
    """Images [B, ...] in their order, each changed by `change(number of its group, images of the group, their rows)`.

    `group` [B], on the CPU, holds numbers below `count`. Groups without images are left out.
    """
    sizes = group.bincount(minlength=count).tolist()
    order = group.argsort(stable=True)
    if max(sizes) == len(group):  # only one group: nothing to sort
        return change(sizes.index(len(group)), images, order)
    parts = torch.split(images.index_select(0, order.to(images.device)), sizes)
    changed = [
        change(number, part, rows)
        for number, (part, rows) in enumerate(zip(parts, torch.split(order, sizes), strict=True))
        if len(part)
    ]
    return torch.cat(changed).index_select(0, order.argsort().to(images.device))


def sometimes(change: Apply, p: float, where: str) -> Apply:
    """Apply `change` to each image with probability p. Raises BakeoffError that names `where` for a wrong p."""
    check_probability(p, where)

    def apply(images: Tensor, generator: Generator) -> Tensor:
        chosen = (torch.rand(len(images), generator=generator) < p).long()
        return by_group(images, chosen, 2, lambda number, part, _: change(part, generator) if number else part)

    return apply
