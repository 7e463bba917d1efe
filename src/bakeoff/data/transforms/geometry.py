"""Random rotations and other affine maps: each image is sampled through a matrix of its own.

Matrices and sampling are those of torchvision.transforms.v2.functional for tensors.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bakeoff.data.transforms.argument_values import bounds, color, symmetric_bounds, uniform
from bakeoff.data.transforms.record import BatchTransform, Built, Shape
from bakeoff.data.transforms.slices import by_slice
from bakeoff.errors import BakeoffError

INTERPOLATIONS = ("nearest", "bilinear")

Warp = Callable[[Tensor, Tensor], Tensor]  # images [B, C, H, W], inverse matrices [B, 2, 3] in pixels → images


def inverse_matrices(
    angle: Tensor, translate: Tensor, scale: Tensor, shear: Tensor, center: tuple[float, float]
) -> Tensor:
    """Where each pixel of the result comes from: [B, 2, 3] float64, in pixels from the middle of the image.

    `angle` [B] is in degrees clockwise; `shear` [B, 2] in degrees and `translate` [B, 2] in pixels are (x, y). It is
    the inverse of T·C·R(angle)·S(scale)·Shear·C⁻¹ (translation, centre), as in torchvision's
    _get_inverse_affine_matrix.
    """
    turn, (shear_x, shear_y) = angle.double().deg2rad(), shear.double().deg2rad().unbind(1)
    a = torch.cos(turn - shear_y) / torch.cos(shear_y)
    b = -(a * torch.tan(shear_x) + torch.sin(turn))
    c = torch.sin(turn - shear_y) / torch.cos(shear_y)
    d = torch.cos(turn) - c * torch.tan(shear_x)
    linear = torch.stack([d, -b, -c, a], 1).view(-1, 2, 2) / scale.double().view(-1, 1, 1)
    middle = torch.tensor(center, dtype=torch.float64)
    shift = middle - (linear @ (middle + translate.double()).unsqueeze(2)).squeeze(2)
    return torch.cat([linear, shift.unsqueeze(2)], 2)


def _random_rotation(
    shape: Shape,
    degrees: float | Sequence[float],
    interpolation: str = "nearest",
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: float | Sequence[float] | None = 0,
) -> Built | None:
    if expand or interpolation not in INTERPOLATIONS or fill is None:
        return None
    angles = symmetric_bounds(degrees, "RandomRotation.degrees")
    middle = _center(center, shape, "RandomRotation.center")
    warp = _warp(shape, interpolation, color(fill, shape[0], "RandomRotation.fill"))

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        angle = -uniform(angles, count, generator)  # torchvision's rotations turn against its affine maps
        nothing = torch.zeros(count, 2)
        return warp(images, inverse_matrices(angle, nothing, torch.ones(count), nothing, middle))

    return apply, shape


def _random_affine(
    shape: Shape,
    degrees: float | Sequence[float],
    translate: Sequence[float] | None = None,
    scale: Sequence[float] | None = None,
    shear: float | Sequence[float] | None = None,
    interpolation: str = "nearest",
    fill: float | Sequence[float] | None = 0,
    center: Sequence[float] | None = None,
) -> Built | None:
    if interpolation not in INTERPOLATIONS or fill is None:
        return None
    _, height, width = shape
    angles = symmetric_bounds(degrees, "RandomAffine.degrees")
    across, down = _shares(translate)
    scales = (1.0, 1.0) if scale is None else bounds(scale, "RandomAffine.scale")
    if scales[0] <= 0:
        raise BakeoffError(f"RandomAffine.scale: found {scale}; allowed: numbers above 0")
    shears_x, shears_y = _shears(shear)
    middle = _center(center, shape, "RandomAffine.center")
    warp = _warp(shape, interpolation, color(fill, shape[0], "RandomAffine.fill"))

    def apply(images: Tensor, generator: Generator) -> Tensor:
        count = len(images)
        angle = uniform(angles, count, generator)
        x = uniform((-across * width, across * width), count, generator).round()
        y = uniform((-down * height, down * height), count, generator).round()
        factor = uniform(scales, count, generator)
        sheared = torch.stack([uniform(limits, count, generator) for limits in (shears_x, shears_y)], 1)
        return warp(images, inverse_matrices(angle, torch.stack([x, y], 1), factor, sheared, middle))

    return apply, shape


def _warp(shape: Shape, interpolation: str, fill: list[float]) -> Warp:
    """A function that samples images through matrices; pixels from outside of an image get the colour `fill`."""
    _, height, width = shape
    x = torch.arange(width) - (width - 1) / 2
    y = torch.arange(height) - (height - 1) / 2
    pixels = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)], 2)
    half = torch.tensor([0.5 * width, 0.5 * height], dtype=torch.float64)
    # Sampling gives 0 outside. Other colours depend on how far outside a pixel is, so that is sampled, too. torchvision
    # weights pixels at the edge by it even where the colour is 0.
    needs_mask = any(fill) or interpolation == "bilinear"

    def sample(images: Tensor, matrices: Tensor) -> Tensor:
        device = images.device
        sources = (matrices / half[:, None]).transpose(1, 2).float().to(device)
        grid = (pixels.view(1, -1, 3).to(device) @ sources).view(-1, height, width, 2)
        values = images.float()
        if needs_mask:
            values = torch.cat([values, values.new_ones(len(values), 1, height, width)], 1)
        values = F.grid_sample(values, grid, mode=interpolation, padding_mode="zeros", align_corners=False)
        if needs_mask:
            values, inside = values[:, :-1], values[:, -1:]
            color = torch.tensor(fill, device=device).view(-1, 1, 1)
            if interpolation == "nearest":
                values = torch.where(inside < 0.5, color, values)
            else:
                values = (values - color).mul_(inside).add_(color)
        return values if images.is_floating_point() else values.round_().to(images.dtype)

    return lambda images, matrices: by_slice(images, lambda part, rows: sample(part, matrices[rows]))


def _center(center: Sequence[float] | None, shape: Shape, where: str) -> tuple[float, float]:
    """The fixed point (x, y), from the middle of the image."""
    if center is None:
        return 0.0, 0.0
    if len(center) != 2:
        raise BakeoffError(f"{where}: found {center}; allowed: [x, y] in pixels from the upper left corner")
    return center[0] - shape[2] * 0.5, center[1] - shape[1] * 0.5


def _shares(translate: Sequence[float] | None) -> tuple[float, float]:
    if translate is None:
        return 0.0, 0.0
    if len(translate) != 2 or not all(0 <= share <= 1 for share in translate):
        raise BakeoffError(f"RandomAffine.translate: found {translate}; allowed: [of width, of height], each 0 to 1")
    return translate[0], translate[1]


def _shears(shear: float | Sequence[float] | None) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges in degrees along x and y."""
    where = "RandomAffine.shear"
    if shear is None:
        return (0.0, 0.0), (0.0, 0.0)
    if not isinstance(shear, int | float) and len(shear) == 4:
        return bounds(shear[:2], where), bounds(shear[2:], where)
    return symmetric_bounds(shear, where), (0.0, 0.0)


GEOMETRY = (
    BatchTransform("RandomRotation", "turn by an angle out of `degrees`", _random_rotation),
    BatchTransform("RandomAffine", "turn, shift, scale and shear", _random_affine),
)
