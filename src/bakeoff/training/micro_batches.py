"""Batches in parts, where memory does not hold a whole one: the same steps with smaller forward passes."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def parts(images: Tensor, targets: Tensor, size: int | None, least: int) -> list[tuple[Tensor, Tensor]]:
    """A batch in nearly equal parts of about `size` images, none of fewer than `least`; whole without a size.

    With `least` 2, a part of an odd batch may have one image more than `size`.
    """
    if size is None or size >= len(targets):
        return [(images, targets)]
    number = max(1, min(-(-len(targets) // size), len(targets) // least))
    return list(zip(images.tensor_split(number), targets.tensor_split(number), strict=True))


def least_part(network: nn.Module) -> int:
    """The fewest images that a network can train on at a time: batch normalisation needs two."""
    return 2 if any(isinstance(module, _BatchNorm) for module in network.modules()) else 1


def halved(size: int, least: int) -> int | None:
    """Half of a batch size, rounded up; None where that would be no less, or too little to train on."""
    half = (size + 1) // 2
    return half if least <= half < size else None
