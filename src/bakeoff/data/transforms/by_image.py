"""Transforms without a batched form: torchvision's own classes, applied image by image where they draw at random."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from bakeoff.data.transforms.record import Built, Shape
from bakeoff.errors import BakeoffError, first_line
from bakeoff.study.arguments import check_arguments, nearest

PROBES = 8  # images that a transform must take when it is built: policies draw a new operation for each

_REASONS = {
    "images are tensors already, and are scaled to 0..1 as batches are handed out; leave it out": (
        "ConvertImageDtype", "PILToTensor", "ToDtype", "ToImage", "ToPILImage", "ToPureTensor", "ToTensor",
    ),
    "images have no boxes or key points here": (
        "ClampBoundingBoxes", "ClampKeyPoints", "ConvertBoundingBoxFormat", "RandomIoUCrop", "SanitizeBoundingBoxes",
        "SanitizeKeyPoints", "SetClampingMode",
    ),
    "it leaves images of different sizes, which cannot form a batch; use RandomResizedCrop": (
        "RandomResize", "RandomShortestSize", "RandomZoomOut", "ScaleJitter",
    ),
    "it makes several images from one": ("FiveCrop", "TenCrop"),
    "a study file cannot hold its arguments; write a plugin (docs/plugins.md)": ("Lambda", "LinearTransformation"),
    "the recipe's `normalize` does it": ("Normalize",),
    "it is for videos": ("UniformTemporalSubsample",),
}  # fmt: skip
REFUSED = {name: reason for reason, names in _REASONS.items() for name in names}
DRAW_NOTHING = frozenset({"CenterCrop", "Identity", "Pad", "RGB", "Resize"})  # one call is enough for a whole batch


def torchvision_names() -> list[str]:
    """The classes of torchvision.transforms.v2 that a recipe may name."""
    from torchvision.transforms import v2

    found = [name for name, item in vars(v2).items() if isinstance(item, type) and issubclass(item, v2.Transform)]
    return [name for name in found if name not in REFUSED and name != "Transform"]


def build_by_image(name: str, arguments: Mapping[str, Any], shape: Shape) -> Built:
    """torchvision's transform of that name, for uint8 images of `shape`.

    It draws from torch's global generator, which is seeded for each batch and restored afterwards. Raises BakeoffError
    for a wrong argument or images that it cannot take.
    """
    from torchvision.transforms import v2

    check_arguments(getattr(v2, name), arguments, name)
    try:
        transform = getattr(v2, name)(**_named_values(name, arguments))
    except (TypeError, ValueError, RuntimeError) as error:
        raise BakeoffError(f"{name} cannot be built with {dict(arguments)}: {error}") from error

    def at_once(images: Tensor, generator: Generator) -> Tensor:
        return transform(images)

    def one_by_one(images: Tensor, generator: Generator) -> Tensor:
        seed = int(torch.randint(2**63 - 1, (), generator=generator))
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator, too
            torch.default_generator.manual_seed(seed)
            return torch.stack([transform(image) for image in images.cpu()]).to(images.device)

    apply = at_once if name in DRAW_NOTHING else one_by_one
    probe = Generator().manual_seed(0)
    images = torch.randint(0, 256, (PROBES, *shape), dtype=torch.uint8, generator=probe)
    try:
        left = apply(images, probe)
    except (TypeError, ValueError, RuntimeError, IndexError, AssertionError) as error:
        raise BakeoffError(f"{name} cannot take images of shape {shape}: {first_line(error)}") from error
    if left.dtype != torch.uint8 or left.ndim != 4:
        raise BakeoffError(f"{name} leaves {left.dtype} of shape {tuple(left.shape[1:])}; images are uint8 here")
    channels, height, width = left.shape[1:]
    return apply, (channels, height, width)


def _named_values(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with members of torchvision's enumerations in place of the strings that a study gives."""
    from torchvision.transforms import v2

    enumerations: dict[str, Any] = {"interpolation": v2.InterpolationMode, "policy": v2.AutoAugmentPolicy}
    values = dict(arguments)
    for key in values.keys() & enumerations.keys():
        allowed = {member.value: member for member in enumerations[key]}
        text = str(values[key]).lower()
        if text not in allowed:
            raise BakeoffError(f"{name}.{key}: unknown value {values[key]!r}; {nearest(text, allowed)}")
        values[key] = allowed[text]
    return values
