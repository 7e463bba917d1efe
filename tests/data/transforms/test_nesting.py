"""Transforms of transforms: shapes, places of mistakes, plugins."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from bakeoff.data.augmentation import build_augmentation
from bakeoff.errors import BakeoffError
from bakeoff.plugins import transform
from bakeoff.study import plugin_files


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, side: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator(99))


def test_shapes_go_from_one_to_the_next() -> None:
    crops = [{"RandomCrop": {"size": 6}}, {"RandomCrop": {"size": 4}}]
    assert build_augmentation([("Compose", {"transforms": crops})], (3, 8, 8)).shape == (3, 4, 4)
    same = [
        {"RandomCrop": {"size": 5}},
        {"Compose": {"transforms": [{"RandomCrop": {"size": [5, 5]}}, "RandomInvert"]}},
    ]
    choice = build_augmentation([("RandomChoice", {"transforms": same}), ("RandomHorizontalFlip", {})], (3, 8, 8))
    assert choice(images(9), generator()).shape == (9, 3, 5, 5)


def test_transforms_of_normalised_images_come_last_in_containers_too() -> None:
    erase = {"RandomApply": {"transforms": [{"RandomErasing": {"p": 1, "value": 0}}], "p": 0.5}}
    chain = build_augmentation(
        [*((name, value) for name, value in erase.items()), ("RandomInvert", {"p": 1})], (3, 8, 8)
    )
    given = images(400).clamp(min=1)
    assert torch.equal(chain.before(given, generator()), 255 - given)
    erased = (chain.after(given, generator()) == 0).flatten(1).any(1).double().mean()
    assert 0.4 < erased < 0.6


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        (
            "RandomChoice",
            {"transforms": ["RandomInvert", {"RandomRotation": {"degree": 10}}]},
            r"^RandomChoice\.transforms\.1 RandomRotation: unknown argument 'degree'; did you mean 'degrees'\?",
        ),
        (
            "RandomApply",
            {"transforms": [{"RandomOrder": {"transforms": [{"ColorJitter": {"hue": 0.7}}]}}]},
            r"^RandomApply\.transforms\.0 RandomOrder\.transforms\.0 ColorJitter\.hue: found 0\.7",
        ),
        ("RandomChoice", {"transforms": ["RandomRotate"]}, r"transforms\.0 unknown transform 'RandomRotate'; did"),
        ("RandomChoice", {"transforms": ["ToTensor"]}, r"transforms\.0 ToTensor has no place in a recipe: images are"),
        ("RandomChoice", {"transforms": [{"A": {}, "B": {}}]}, r"transforms\.0: found .*; write a transform as Name"),
        ("RandomChoice", {"transforms": "RandomInvert"}, r"RandomChoice\.transforms: found 'RandomInvert'; allowed"),
        ("RandomChoice", {}, r"RandomChoice\.transforms: found None"),
        ("RandomChoice", {"transforms": ["RandomInvert"], "p": [1, 2]}, r"RandomChoice\.p: found \[1, 2\]; allowed: 1"),
        ("RandomChoice", {"transforms": ["RandomInvert", {"RandomCrop": {"size": 4}}]}, "leave images of shapes"),
        ("RandomChoice", {"transforms": ["RandomInvert", "RandomErasing"]}, "RandomErasing works on normalised images"),
        ("RandomChoice", {"transforms": ["RandomInvert", "MixUp"]}, r"transforms\.1 MixUp mixes whole batches"),
        ("RandomApply", {"transforms": [{"RandomCrop": {"size": 4}}]}, "leave images of shapes"),
        ("RandomApply", {"transforms": ["RandomInvert"], "p": 3}, r"RandomApply\.p: found 3"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(name: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BakeoffError, match=said):
        build_augmentation([(name, arguments)], (3, 8, 8))


@pytest.fixture
def own() -> Iterator[Callable[[Callable[..., Any]], None]]:
    """Registers a function as the plugin transform `Own`."""

    def register(build: Callable[..., Any]) -> None:
        transform("Own")(build)

    yield register
    plugin_files.REGISTRIES["transform"].pop("Own", None)


def test_a_plugin_is_found_by_name_and_may_stand_in_containers(own: Any) -> None:
    def build(shape, amount=1):  # type: ignore[no-untyped-def]
        return lambda given, generator: given // 2 + amount

    own(build)
    chain = build_augmentation([("RandomApply", {"transforms": [{"Own": {"amount": 3}}], "p": 1})], (3, 8, 8))
    assert chain.batched == ("Own",)
    assert torch.equal(chain(images(5), generator()), images(5) // 2 + 3)
    with pytest.raises(BakeoffError, match="Own: unknown argument 'amout'; did you mean 'amount'"):
        build_augmentation([("Own", {"amout": 1})], (3, 8, 8))
    with pytest.raises(BakeoffError, match="did you mean 'Own'"):
        build_augmentation([("Ownn", {})], (3, 8, 8))


@pytest.mark.parametrize(
    ("apply", "said"),
    [
        (lambda given, generator: given[:, :, 1:], r"returns torch.uint8 \(2, 3, 7, 8\) for images .*\(2, 3, 8, 8\)"),
        (lambda given, generator: given.float(), "returns torch.float32"),
        (lambda given, generator: None, "returns NoneType"),
        (lambda given, generator: given @ given[:, :1, 1:], r"Own \(a plugin\) fails on images .* RuntimeError"),
    ],
)
def test_a_plugin_that_breaks_images_is_an_error(own: Any, apply: Callable[..., Any], said: str) -> None:
    own(lambda shape: apply)
    with pytest.raises(BakeoffError, match=said):
        build_augmentation([("Own", {})], (3, 8, 8))
