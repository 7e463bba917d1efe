"""Batched transforms against torchvision's own: the same pixels for the same parameters, and the same distributions."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.transforms import color
from bakeoff.data.transforms.slices import SLICE_BYTES
from bakeoff.errors import BakeoffError

SHAPE = (3, 11, 14)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """Noise, with gray, black and white images among it."""
    found = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator(99))
    found[: count // 8] = found[: count // 8, :1]
    found[0], found[1] = 0, 255
    return found


def augmented(name: str, arguments: dict[str, Any], given: Tensor, seed: int = 0) -> Tensor:
    chain = build_augmentation([(name, arguments)], tuple(given.shape[1:]))
    assert not chain.image_by_image
    return chain(given, generator(seed))


def assert_close(ours: Tensor, theirs: Tensor, levels: int = 1, share: float = 0.002) -> None:
    """Gray levels differ by at most `levels`, and only in a few places, where rounding goes the other way."""
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    difference = (ours.int() - theirs.int()).abs()
    assert difference.max() <= levels
    assert (difference > 0).double().mean() <= share


@pytest.mark.parametrize(
    ("name", "channels"),
    [("brightness", 3), ("contrast", 3), ("saturation", 3), ("hue", 3), ("brightness", 1), ("contrast", 1)],
)
def test_each_image_is_adjusted_by_its_own_factor(name: str, channels: int) -> None:
    given = images(64, (channels, 9, 8))
    factors = torch.rand(64, generator=generator(1)) * 2
    factors = factors / 2 - 0.5 if name == "hue" else factors
    adjust: Callable[[Tensor, Tensor], Tensor] = getattr(color, f"adjust_{name}")
    ours = adjust(given.float(), factors.view(-1, 1, 1, 1)).to(torch.uint8)
    theirs = getattr(functional, f"adjust_{name}")
    assert_close(ours, torch.stack([theirs(image, float(f)) for image, f in zip(given, factors, strict=True)]))


def test_color_of_one_channel_is_left_alone() -> None:
    given = images(8, (1, 9, 8))
    assert torch.equal(augmented("ColorJitter", {"saturation": [0, 0.5], "hue": 0.5}, given), given)


@pytest.mark.parametrize("channels", [1, 3])
def test_grayscale(channels: int) -> None:
    given = images(16, (channels, 9, 8))
    for outputs in (1, 3):
        ours = augmented("Grayscale", {"num_output_channels": outputs}, given)
        assert_close(ours, functional.rgb_to_grayscale(given, outputs), share=0)
    assert_close(augmented("RandomGrayscale", {"p": 1}, given), functional.rgb_to_grayscale(given, channels), share=0)


@pytest.mark.parametrize("shape", [SHAPE, (1, 8, 8)])
@pytest.mark.parametrize("fill", [0, 77])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle", [0, 17.3, -90, 90, 130, 180])
def test_rotation(shape: tuple[int, int, int], angle: float, interpolation: str, fill: int) -> None:
    given = images(8, shape)
    for center in (None, [2, 5]):
        arguments = {"degrees": [angle, angle], "interpolation": interpolation, "center": center, "fill": fill}
        mode = v2.InterpolationMode(interpolation)
        theirs = functional.rotate(given, angle, mode, center=center, fill=[fill])
        assert_close(augmented("RandomRotation", arguments, given), theirs, share=0.01)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    ("angle", "scale", "shear", "center", "fill"),
    [
        (0, 1, (0, 0), None, [0]),
        (20, 0.7, (0, 0), None, [3, 2, 1]),
        (-33, 1.4, (12, 0), None, [9]),
        (5, 1.1, (-8, 21), [3.5, 6], [0]),
    ],
)
def test_affine(
    angle: float,
    scale: float,
    shear: tuple[float, float],
    center: list[float] | None,
    fill: list[int],
    interpolation: str,
) -> None:
    given = images(8)
    arguments = {
        "degrees": [angle, angle],
        "scale": [scale, scale],
        "shear": [shear[0], shear[0], shear[1], shear[1]],
        "center": center,
        "fill": fill,
        "interpolation": interpolation,
    }
    mode = v2.InterpolationMode(interpolation)
    theirs = functional.affine(given, angle, [0, 0], scale, list(shear), mode, [float(f) for f in fill], center)
    assert_close(augmented("RandomAffine", arguments, given), theirs, share=0.01)


def test_translations_are_whole_pixels_up_to_the_limit() -> None:
    given = torch.zeros(4000, 1, 9, 9, dtype=torch.uint8)
    given[:, 0, 4, 4] = 1
    moved = augmented("RandomAffine", {"degrees": 0, "translate": [0.3, 0.1]}, given)
    _, _, y, x = moved.nonzero(as_tuple=True)
    assert len(x) == len(given)
    for found, limit in ((x - 4, 0.3 * 9), (y - 4, 0.1 * 9)):
        edges = torch.arange(-round(limit), round(limit) + 1)
        expected = [min(e + 0.5, limit) - max(e - 0.5, -limit) for e in edges.tolist()]
        counts = [int((found == e).sum()) for e in edges]
        assert sum(counts) == len(given)
        assert stats.chisquare(counts, [len(given) * e / (2 * limit) for e in expected]).pvalue > 0.001


@pytest.mark.parametrize("size", [1, 3, [5, 3], [7, 9]])
@pytest.mark.parametrize("sigma", [0.1, 0.8, 3])
def test_blur(size: int | list[int], sigma: float) -> None:
    given = images(16)
    sizes = [size, size] if isinstance(size, int) else size
    theirs = functional.gaussian_blur(given, sizes, [sigma])
    assert_close(augmented("GaussianBlur", {"kernel_size": size, "sigma": sigma}, given), theirs)


def test_inverting_and_solarizing() -> None:
    given = images(16)
    assert torch.equal(augmented("RandomInvert", {"p": 1}, given), functional.invert(given))
    assert torch.equal(augmented("RandomSolarize", {"threshold": 128, "p": 1}, given), functional.solarize(given, 128))


@pytest.mark.parametrize("channels", [1, 3])
def test_tones(channels: int) -> None:
    given = images(64, (channels, 24, 30))
    given[10:20] = given[10:20] // 4 + 70
    given[20, :, :9] = 7
    assert torch.equal(augmented("RandomAutocontrast", {"p": 1}, given), functional.autocontrast(given))
    assert torch.equal(augmented("RandomEqualize", {"p": 1}, given), functional.equalize(given))
    for bits in range(9):
        expected = functional.posterize(given, bits)
        assert torch.equal(augmented("RandomPosterize", {"bits": bits, "p": 1}, given), expected)


JITTER = {"brightness": 0.5, "contrast": [0.2, 1.5], "saturation": 0.9, "hue": 0.3}
BLUR = ("GaussianBlur", {"kernel_size": 5, "sigma": [0.1, 2]})
TURN = ("RandomRotation", {"degrees": 40})
INVERT = ("RandomInvert", {"p": 1})


def entry(item: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {item[0]: item[1]}


def theirs_of(item: tuple[str, dict[str, Any]]) -> v2.Transform:
    return getattr(v2, item[0])(**item[1])


@pytest.mark.parametrize(
    ("name", "arguments", "parts"),
    [
        ("ColorJitter", {"brightness": 0.5}, None),
        ("ColorJitter", {"contrast": 0.9}, None),
        ("ColorJitter", {"saturation": [0.5, 3]}, None),
        ("ColorJitter", {"hue": [-0.1, 0.4]}, None),
        ("ColorJitter", JITTER, None),
        ("RandomGrayscale", {}, None),
        ("RandomInvert", {"p": 0.2}, None),
        (*TURN, None),
        ("RandomRotation", {"degrees": [10, 100], "interpolation": "bilinear", "fill": [9, 99, 200]}, None),
        ("RandomAffine", {"degrees": 20, "translate": [0.2, 0.3], "scale": [0.5, 1.5], "shear": 20}, None),
        ("RandomAffine", {"degrees": 0, "shear": [0, 10, -30, 0], "interpolation": "bilinear"}, None),
        (*BLUR, None),
        ("RandomEqualize", {"p": 0.3}, None),
        ("RandomPosterize", {"bits": 2}, None),
        ("RandomChoice", {"p": [1, 3, 2]}, [BLUR, TURN, INVERT]),
        ("RandomApply", {"p": 0.3}, [TURN, BLUR]),
        ("RandomOrder", {}, [("RandomSolarize", {"threshold": 90, "p": 1}), ("ColorJitter", JITTER), TURN]),
        ("Compose", {}, [BLUR, TURN]),
    ],
)  # fmt: skip
def test_distributions_are_torchvisions(
    name: str, arguments: dict[str, Any], parts: list[tuple[str, dict[str, Any]]] | None
) -> None:
    """Projections of many augmented copies of one image on fixed directions have one distribution."""
    torch.manual_seed(1)
    given = images(40)[20].repeat(1200, 1, 1, 1)
    nested = {} if parts is None else {"transforms": [entry(part) for part in parts]}
    ours = augmented(name, {**arguments, **nested}, given)
    built = {} if parts is None else {"transforms": [theirs_of(part) for part in parts]}
    transform = getattr(v2, name)(**{**arguments, **built})
    theirs = torch.stack([transform(image) for image in given])
    directions = torch.randn(ours[0].numel(), 4, generator=generator(3))
    directions[:, 0] = 1
    for mine, other in zip(*((part.flatten(1).float() @ directions).T for part in (ours, theirs)), strict=True):
        assert stats.ks_2samp(mine.numpy(), other.numpy()).pvalue > 0.001


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("ColorJitter", JITTER), BLUR, ("RandomAffine", {"degrees": 30, "scale": [0.5, 2]}), ("RandomEqualize", {"p": 1})],
)
def test_large_batches_are_changed_slice_by_slice(
    name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = images(50)
    whole = augmented(name, arguments, given)
    assert given.nbytes < SLICE_BYTES
    monkeypatch.setattr("bakeoff.data.transforms.slices.SLICE_BYTES", 7 * given[0].nbytes)
    assert torch.equal(augmented(name, arguments, given), whole)


def test_random_numbers_are_each_images_own_and_come_from_the_generator() -> None:
    given = images(20)[10].repeat(300, 1, 1, 1)
    transforms = [
        {"RandomOrder": {"transforms": [{"ColorJitter": JITTER}, {"RandomRotation": {"degrees": 30}}]}},
        {"RandomChoice": {"transforms": [entry(BLUR), {"RandomAffine": {"degrees": 30, "scale": [0.5, 2]}}]}},
    ]
    state = torch.random.get_rng_state()
    first, again, other = (augmented("Compose", {"transforms": transforms}, given, seed) for seed in (1, 1, 2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(first.flatten(1).unique(dim=0)) > 290


def test_posterize_takes_a_number_of_bits_not_true() -> None:
    with pytest.raises(BakeoffError, match=r"RandomPosterize\.bits: found True"):
        augmented("RandomPosterize", {"bits": True}, images(2))
