"""torchvision's own transforms, image by image."""

from typing import Any

import pytest
import torch
from torchvision.transforms import v2

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.transforms.by_image import REFUSED, torchvision_names
from bakeoff.errors import BakeoffError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, shape: tuple[int, int, int] = (3, 16, 16)) -> torch.Tensor:
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator(99))


@pytest.mark.parametrize(
    ("name", "arguments", "theirs"),
    [
        ("RandAugment", {"interpolation": "bilinear"}, {"interpolation": v2.InterpolationMode.BILINEAR}),
        ("AutoAugment", {"policy": "CIFAR10"}, {"policy": v2.AutoAugmentPolicy.CIFAR10}),
        ("TrivialAugmentWide", {}, {}),
        ("AugMix", {}, {}),
        ("RandomResizedCrop", {"size": 16, "scale": [0.2, 1]}, {}),
        ("ElasticTransform", {"alpha": 20, "sigma": 1}, {}),
        ("RandomPhotometricDistort", {}, {}),
    ],
)  # fmt: skip
def test_it_is_torchvisions_transform_with_its_global_generator_seeded(
    name: str, arguments: dict[str, Any], theirs: dict[str, Any]
) -> None:
    given = images(30)
    chain = build_augmentation([(name, arguments)], (3, 16, 16))
    assert chain.image_by_image == (name,) and chain.batched == ()
    state = torch.random.get_rng_state()
    ours = chain(given, generator(7))
    assert torch.equal(torch.random.get_rng_state(), state)  # dropout draws from it
    transform = getattr(v2, name)(**{**arguments, **theirs})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**63 - 1, (), generator=generator(7))))
        expected = torch.stack([transform(image) for image in given])
    assert torch.equal(ours, expected)
    assert torch.equal(chain(given, generator(7)), ours)
    assert not torch.equal(chain(given, generator(8)), ours)


def test_values_that_a_batched_form_does_not_take_run_image_by_image() -> None:
    turn = build_augmentation([("RandomRotation", {"degrees": [90, 90], "expand": True})], (3, 10, 20))
    assert turn.image_by_image == ("RandomRotation",) and turn.shape == (3, 20, 10)
    given = images(4, (3, 10, 20))
    assert torch.equal(turn(given, generator()), given.rot90(1, (2, 3)))
    assert build_augmentation([("RandomAffine", {"degrees": 9, "fill": None})], (3, 8, 8)).image_by_image


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CenterCrop", {"size": [7, 20]}),
        ("Identity", {}),
        ("Pad", {"padding": [1, 2], "fill": 9}),
        ("RGB", {}),
        ("Resize", {"size": [20, 9]}),
    ],
)
def test_what_draws_nothing_is_called_once_for_a_batch(name: str, arguments: dict[str, Any]) -> None:
    given = images(5, (1, 16, 16))
    chain = build_augmentation([(name, arguments)], (1, 16, 16))
    assert chain.batched == (name,)
    source = generator()
    state = source.get_state()
    transform = getattr(v2, name)(**arguments)
    expected = torch.stack([transform(image) for image in given])
    assert torch.equal(chain(given, source), expected) and chain.shape == expected.shape[1:]
    assert torch.equal(source.get_state(), state)


def test_batched_and_other_transforms_in_one_container() -> None:
    nested = [{"RandomChoice": {"transforms": ["TrivialAugmentWide", "RandomInvert"]}}, "RandomGrayscale"]
    chain = build_augmentation([("RandomApply", {"transforms": nested, "p": 0.5})], (3, 16, 16))
    assert chain.batched == ("RandomInvert", "RandomGrayscale") and chain.image_by_image == ("TrivialAugmentWide",)
    given = images(200)
    ours = chain(given, generator())
    assert torch.equal(ours, chain(given, generator()))
    untouched = (ours == given).flatten(1).all(1).double().mean()
    assert 0.4 < untouched < 0.65


def test_every_name_of_torchvision_is_known_or_refused_with_a_reason() -> None:
    transforms = {name for name in dir(v2) if isinstance(getattr(v2, name), type)}
    transforms = {name for name in transforms if issubclass(getattr(v2, name), v2.Transform)}
    assert transforms == {*torchvision_names(), *(REFUSED.keys() & transforms), "Transform"}
    for name in REFUSED:
        with pytest.raises(BakeoffError, match=f"{name} has no place in a recipe: "):
            build_augmentation([(name, {})], (3, 8, 8))


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "said"),
    [
        ("RandAugment", {"interpolation": "bilinaer"}, (3, 8, 8), r"RandAugment.interpolation: .* 'bilinear'"),
        ("AutoAugment", {"policy": "CIFAR"}, (3, 8, 8), r"AutoAugment.policy: .*did you mean 'cifar10'"),
        ("RandAugment", {"magnitud": 1}, (3, 8, 8), "unknown argument 'magnitud'; did you mean 'magnitude'"),
        ("RandomResizedCrop", {"size": [1, 2, 3]}, (3, 8, 8), "RandomResizedCrop cannot be built"),
        ("RandAugment", {}, (2, 8, 8), r"RandAugment cannot take images of shape \(2, 8, 8\): .*channel"),
        ("RandomRotation", {"degrees": 40, "expand": True}, (3, 8, 8), "RandomRotation cannot take images"),
        ("RandomRotation", {"degrees": 40, "interpolation": "cubic"}, (3, 8, 8), r"RandomRotation.interpolation: "),
    ],
)  # fmt: skip
def test_what_cannot_be_built(name: str, arguments: dict[str, Any], shape: tuple[int, int, int], said: str) -> None:
    with pytest.raises(BakeoffError, match=said):
        build_augmentation([(name, arguments)], shape)
