"""From a name and arguments, as a recipe gives them, to a transform for images of a shape."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator

from bakeoff.data.transforms.by_image import DRAW_NOTHING, REFUSED, build_by_image, torchvision_names
from bakeoff.data.transforms.mixing import MIXERS
from bakeoff.data.transforms.nesting import CONTAINERS, nested_transforms
from bakeoff.data.transforms.record import BatchTransform, Container, Shape, Step
from bakeoff.data.transforms.registry import BATCHED
from bakeoff.errors import BakeoffError
from bakeoff.study import plugin_files
from bakeoff.study.arguments import check_arguments, nearest
from bakeoff.study.plugin_files import Plugin

GIVEN = frozenset({"shape"})  # arguments that Bakeoff gives, not a study


def build_transform(name: str, arguments: Mapping[str, Any], shape: Shape) -> Step:
    """The transform for images of `shape`: a container, a batched form, a plugin's, or torchvision's image by image.

    Raises BakeoffError for an unknown name, a wrong argument, or images that it cannot take.
    """
    if name in CONTAINERS:
        return _build_container(CONTAINERS[name], arguments, shape)
    if name in BATCHED:
        return _build_batched(BATCHED[name], arguments, shape)
    own = plugin_files.registered("transform", {*CONTAINERS, *BATCHED, *MIXERS})
    if name in own:
        return _build_plugin(own[name], arguments, shape)
    if name in MIXERS:
        raise BakeoffError(f"{name} mixes whole batches: put it beside the others, or in a RandomChoice of mixers only")
    if name in REFUSED:
        raise BakeoffError(f"{name} has no place in a recipe: {REFUSED[name]}")
    named = torchvision_names()
    if name not in named:
        allowed = {*CONTAINERS, *BATCHED, *own, *MIXERS, *named}
        raise BakeoffError(f"unknown transform {name!r}; {nearest(name, allowed)}")
    apply, left = build_by_image(name, arguments, shape)
    return Step(apply, left, batched=(name,)) if name in DRAW_NOTHING else Step(apply, left, image_by_image=(name,))


def comes_late(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a transform works on normalised images, and so comes after the others."""
    if name in CONTAINERS:
        return all(comes_late(item.name, item.arguments) for item in nested_transforms(name, arguments))
    return name in BATCHED and BATCHED[name].after_normalization


def _build_container(record: Container, arguments: Mapping[str, Any], shape: Shape) -> Step:
    check_arguments(record.build, arguments, record.name, ignore=GIVEN)
    steps: list[Step] = []
    for index, item in enumerate(nested_transforms(record.name, arguments)):
        given = steps[-1].shape if steps and record.in_turn else shape
        try:
            steps.append(build_transform(item.name, item.arguments, given))
        except BakeoffError as error:
            raise BakeoffError(f"{record.name}.transforms.{index} {error}") from error
    if len({step.after_normalization for step in steps}) > 1:
        raise BakeoffError(
            f"{record.name}.transforms: RandomErasing works on normalised images, the others do not; take it out"
        )
    try:
        apply, left = record.build(shape, **{**arguments, "transforms": steps})
    except (TypeError, ValueError, RuntimeError) as error:
        raise BakeoffError(f"{record.name} cannot be built with {dict(arguments)}: {error}") from error
    return Step(
        apply,
        left,
        steps[0].after_normalization,
        tuple(name for step in steps for name in step.batched),
        tuple(name for step in steps for name in step.image_by_image),
    )


def _build_batched(record: BatchTransform, arguments: Mapping[str, Any], shape: Shape) -> Step:
    check_arguments(record.build, arguments, record.name, ignore=GIVEN)
    try:
        built = record.build(shape, **arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BakeoffError(f"{record.name} cannot be built with {dict(arguments)}: {error}") from error
    if built is None:
        apply, left = build_by_image(record.name, arguments, shape)
        return Step(apply, left, image_by_image=(record.name,))
    return Step(*built, record.after_normalization, batched=(record.name,))


def _build_plugin(plugin: Plugin, arguments: Mapping[str, Any], shape: Shape) -> Step:
    check_arguments(plugin.build, arguments, plugin.name, ignore=GIVEN)
    probe = Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, *shape), dtype=torch.uint8, generator=probe)
    try:
        apply = plugin.build(shape, **arguments)
        left = apply(images.clone(), probe)
    except Exception as error:  # a user's function may raise anything
        raise BakeoffError(
            f"{plugin.name} (a plugin) fails on images of shape {shape}: {plugin_files.reason(error)}"
        ) from error
    if not isinstance(left, torch.Tensor) or left.shape != images.shape or left.dtype != images.dtype:
        found = f"{left.dtype} {tuple(left.shape)}" if isinstance(left, torch.Tensor) else type(left).__name__
        raise BakeoffError(
            f"{plugin.name} (a plugin) returns {found} for images torch.uint8 {tuple(images.shape)}; keep both"
        )
    return Step(apply, shape, batched=(plugin.name,))
