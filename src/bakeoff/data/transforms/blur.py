"""Gaussian blur."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import bounds, uniform
from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.data.transforms.slices import by_slice
from bakeoff.errors import BakeoffError


def gaussian_kernels(size: int, sigma: Tensor) -> Tensor:
    """Kernels [B, size] for `sigma` [B], each with sum 1.

    As torchvision's _get_gaussian_kernel1d: exp(−x²/(2σ²)) at whole pixels x, divided by the sum.
    """
    x = torch.arange(size) - (size - 1) / 2
    return (-0.5 * (x / sigma[:, None]) ** 2).softmax(1)


def blur(images: Tensor, kernel_x: Tensor, kernel_y: Tensor) -> Tensor:
    """Images [B, C, H, W] as floats, each blurred by its kernels [B, odd sizes]; edges are reflected."""
    across, down = kernel_x.shape[1] // 2, kernel_y.shape[1] // 2
    padded = F.pad(images.float(), (across, across, down, down), mode="reflect")
    return _weighted_shifts(_weighted_shifts(padded, kernel_y, 2), kernel_x, 3)


def _weighted_shifts(images: Tensor, kernels: Tensor, dimension: int) -> Tensor:
    """Convolution along one dimension, as a sum of shifted batches: faster than a grouped convolution."""
    size = images.shape[dimension] - kernels.shape[1] + 1
    weights = kernels.view(*kernels.shape, 1, 1, 1).unbind(1)
    total = images.narrow(dimension, 0, size) * weights[0]
    for shift, weight in enumerate(weights[1:], start=1):
        total.addcmul_(images.narrow(dimension, shift, size), weight)
    return total


def _gaussian_blur(
    shape: Shape, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)
) -> Built:
    _, height, width = shape
    sizes = [kernel_size] if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) not in (1, 2) or not all(isinstance(size, int) and size > 0 and size % 2 for size in sizes):
        raise BakeoffError(f"GaussianBlur.kernel_size: found {kernel_size}; allowed: an odd number, or two, [x, y]")
    across, down = sizes[0], sizes[-1]
    if across // 2 >= width or down // 2 >= height:
        raise BakeoffError(
            f"GaussianBlur.kernel_size: found {kernel_size}; allowed: below twice the image of {width}x{height} pixels"
        )
    limits = (sigma, sigma) if isinstance(sigma, int | float) else bounds(list(sigma), "GaussianBlur.sigma")
    if limits[0] <= 0:
        raise BakeoffError(f"GaussianBlur.sigma: found {sigma}; allowed: a number of pixels above 0, or [least, most]")

    def apply(images: Tensor, generator: Generator) -> Tensor:
        chosen = uniform(limits, len(images), generator)
        kernel_x, kernel_y = (gaussian_kernels(size, chosen).to(images.device) for size in (across, down))

        def change(part: Tensor, rows: slice) -> Tensor:
            blurred = blur(part, kernel_x[rows], kernel_y[rows])
            return blurred if images.is_floating_point() else blurred.round_().to(images.dtype)

        return by_slice(images, change)

    return apply, shape


GAUSSIAN_BLUR = BatchTransform("GaussianBlur", "a blur of a random sigma", _gaussian_blur)
