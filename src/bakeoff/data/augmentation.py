"""The augmentation of a recipe: its transforms as one chain that works on batches.

Names, arguments and distributions are those of torchvision.transforms.v2. Random numbers are drawn on the CPU, so the
same generator gives the same transforms on every device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from bakeoff.data.transforms.build import build_transform, comes_late
from bakeoff.data.transforms.mixing import Mix, build_mix, mixers_in
from bakeoff.data.transforms.record import Apply, Shape, Step, in_turn
from bakeoff.errors import BakeoffError


@dataclass(frozen=True)
class Augmentation:
    """A chain of transforms: `before` is for pixels 0..255, `after` for normalised ones, `mix` for images and labels.

    `mix(images, labels, classes, generator)` comes last and gives images and float targets [B, classes]. `batched` and
    `image_by_image` name the transforms that run so, in their order.
    """

    before: Apply
    after: Apply
    shape: Shape
    mix: Mix | None = None
    batched: tuple[str, ...] = ()
    image_by_image: tuple[str, ...] = ()

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """The chain without mixing, for images that are not normalised in between."""
        return self.after(self.before(images, generator), generator)


def build_augmentation(transforms: Sequence[tuple[str, Mapping[str, Any]]], shape: Shape) -> Augmentation:
    """The chain for images of `shape` [C, H, W]. Raises BakeoffError for an unknown name or wrong argument.

    Transforms keep their order, but those that work on normalised pixels (RandomErasing) come last, before MixUp and
    CutMix.
    """
    mixing = [item for item in transforms if mixers_in(*item)]
    if len(mixing) > 1:
        raise BakeoffError("MixUp or CutMix is given more than once; put them into one RandomChoice")
    others = [item for item in transforms if not mixers_in(*item)]
    steps: list[Step] = []
    for name, arguments in sorted(others, key=lambda item: comes_late(*item)):
        steps.append(build_transform(name, arguments, steps[-1].shape if steps else shape))
    return Augmentation(
        in_turn([step.apply for step in steps if not step.after_normalization]),
        in_turn([step.apply for step in steps if step.after_normalization]),
        steps[-1].shape if steps else shape,
        build_mix(*mixing[0]) if mixing else None,
        tuple(name for step in steps for name in step.batched) + (mixers_in(*mixing[0]) if mixing else ()),
        tuple(name for step in steps for name in step.image_by_image),
    )
