"""What a transform is before and after it is built for images of a shape."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor

Shape = tuple[int, int, int]  # channels, height, width
Apply = Callable[[Tensor, Generator], Tensor]  # images [B, C, H, W] → images; the generator is the CPU's
Built = tuple[Apply, Shape]  # the function, and the shape that it leaves


@dataclass(frozen=True)
class BatchTransform:
    """A transform that works on whole batches, each image with its own random numbers.

    `build(shape, **arguments)` takes torchvision's arguments, and gives None for values that only torchvision can do.
    """

    name: str
    description: str
    build: Callable[..., Built | None]
    after_normalization: bool = False


@dataclass(frozen=True)
class Container:
    """A transform of transforms. `build(shape, transforms, **arguments)` gets them built.

    `in_turn`: each is built for the shape that the one before leaves; otherwise all are built for the same shape.
    """

    name: str
    description: str
    build: Callable[..., Built]
    in_turn: bool


@dataclass(frozen=True)
class Step:
    """A built transform, with the names of its parts that run on batches and of those that run image by image."""

    apply: Apply
    shape: Shape
    after_normalization: bool = False
    batched: tuple[str, ...] = ()
    image_by_image: tuple[str, ...] = ()


def in_turn(steps: list[Apply]) -> Apply:
    """One function that applies all of them."""

    def apply(images: Tensor, generator: Generator) -> Tensor:
        for step in steps:
            images = step(images, generator)
        return images

    return apply
