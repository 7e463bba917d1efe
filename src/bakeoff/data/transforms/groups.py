"""Different changes for different images of a batch."""

from collections.abc import Callable

import torch
from torch import Tensor


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
