import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.transforms.registry import BATCHED
from bakeoff.errors import BakeoffError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, channels: int = 3, height: int = 8, width: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator(99))


def position_images(count: int, height: int, width: int) -> torch.Tensor:
    """Every pixel says where it is."""
    return torch.arange(1, height * width + 1, dtype=torch.float32).view(1, 1, height, width).repeat(count, 1, 1, 1)


@pytest.mark.parametrize(("name", "dimension"), [("RandomHorizontalFlip", 3), ("RandomVerticalFlip", 2)])
def test_flips(name, dimension):
    given = images(4000)
    for p, low, high in ((0.5, 0.47, 0.53), (0.2, 0.18, 0.22), (0, 0, 0), (1, 1, 1)):
        result = build_augmentation([(name, {"p": p})], (3, 8, 8))(given, generator())
        flipped = (result == given.flip(dimension)).flatten(1).all(1)
        same = (result == given).flatten(1).all(1)
        assert (flipped ^ same).all()
        assert low <= flipped.double().mean() <= high


def test_crop_offsets_are_uniform_and_what_torchvision_cuts():
    given = position_images(8000, 6, 5)
    result = build_augmentation([("RandomCrop", {"size": [6, 5], "padding": [1, 2]})], (1, 6, 5))(given, generator())
    theirs = {}
    padded = v2.functional.pad(given[:1], [1, 2])
    for top in range(5):
        for left in range(3):
            theirs[top, left] = v2.functional.crop(padded, top, left, 6, 5)[0]
    counts = {place: int((result == cut).flatten(1).all(1).sum()) for place, cut in theirs.items()}
    assert sum(counts.values()) == len(given)
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [2, [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_padding_is_torchvisions(mode, padding, dtype):
    given = images(3, height=5, width=4).to(dtype)
    fill = [1, 2, 3] if mode == "constant" else 0
    expected = v2.functional.pad(given, padding, fill=fill, padding_mode=mode)
    arguments = {"size": list(expected.shape[2:]), "padding": padding, "fill": fill, "padding_mode": mode}
    result = build_augmentation([("RandomCrop", arguments)], (3, 5, 4))(given, generator())
    assert result.dtype == dtype and torch.equal(result, expected)


def test_crop_changes_the_shape_and_pads_if_needed():
    assert build_augmentation([("RandomCrop", {"size": 5})], (3, 8, 7)).shape == (3, 5, 5)
    chain = build_augmentation([("RandomCrop", {"size": 10, "pad_if_needed": True})], (3, 8, 8))
    assert chain(images(2), generator()).shape == (2, 3, 10, 10)


def holes(result: torch.Tensor) -> np.ndarray:
    """Height, width, top and left of what is zero in each image that has zeros."""
    rows = []
    for mask in (result[:, 0] == 0).numpy():
        y, x = np.nonzero(mask)
        if len(y):
            assert len(y) == (np.ptp(y) + 1) * (np.ptp(x) + 1)
            rows.append((np.ptp(y) + 1, np.ptp(x) + 1, y.min(), x.min()))
    return np.array(rows)


@pytest.mark.parametrize(
    "arguments", [{"p": 1.0}, {"p": 0.3, "scale": [0.1, 0.9], "ratio": [0.5, 4]}, {"p": 1.0, "scale": [0.6, 1.0]}]
)
def test_erasing_has_torchvisions_distribution(arguments):
    torch.manual_seed(1)
    given = position_images(3000, 12, 16)
    ours = holes(build_augmentation([("RandomErasing", arguments)], (1, 12, 16))(given, generator()))
    transform = v2.RandomErasing(**arguments)
    theirs = holes(torch.stack([transform(image) for image in given]))
    assert len(ours) / 3000 == pytest.approx(len(theirs) / 3000, abs=0.04)
    for measure in (lambda h: h[:, 0] * h[:, 1], lambda h: h[:, 0] / h[:, 1], lambda h: h[:, 2], lambda h: h[:, 3]):
        assert stats.ks_2samp(measure(ours), measure(theirs)).pvalue > 0.001


def test_erasing_values():
    given = images(50).float() + 1
    per_channel = build_augmentation([("RandomErasing", {"p": 1, "value": [-1, -2, -3]})], (3, 8, 8))(
        given, generator()
    )
    mask = (per_channel != given)[:, 0]
    assert mask.any() and (per_channel[:, 2][mask] == -3).all()
    noise = build_augmentation([("RandomErasing", {"p": 1, "value": "random"})], (3, 8, 8))(given, generator())
    changed = noise[noise != given]
    assert abs(changed.mean()) < 0.2 and abs(changed.std() - 1) < 0.2


def test_order_and_determinism():
    transforms = [
        ("RandomErasing", {"p": 1.0}),
        ("RandomCrop", {"size": 8, "padding": 2}),
        ("RandomHorizontalFlip", {}),
    ]
    chain = build_augmentation(transforms, (3, 8, 8))
    given = images(64)
    state = generator(5)
    assert torch.equal(chain(given, generator(5)), chain.after(chain.before(given, state), state))
    assert not torch.equal(chain(given, generator(5)), chain(given, generator(6)))
    assert torch.equal(build_augmentation([], (3, 8, 8))(given, generator()), given)
    assert torch.equal(given, images(64))  # what is given stays as it is


@pytest.mark.parametrize(
    ("name", "arguments", "part"),
    [
        ("RandomCorp", {}, "did you mean 'RandomCrop'"),
        ("RandomCrop", {}, "missing 'size'"),
        ("RandomCrop", {"size": 13, "padding": 2}, "larger than the padded image, 12x12"),
        ("RandomCrop", {"size": 8, "paddding": 2}, "did you mean 'padding'"),
        ("RandomCrop", {"size": 8, "padding": 9, "padding_mode": "reflect"}, "at most 7"),
        ("RandomCrop", {"size": 8, "padding_mode": "mirror"}, "padding_mode"),
        ("RandomCrop", {"size": "8"}, "size"),
        ("RandomCrop", {"size": 8, "padding": [1, 2, 3]}, "padding"),
        ("RandomCrop", {"size": 8, "fill": [1, 2]}, "fill"),
        ("RandomHorizontalFlip", {"p": 2}, "probability"),
        ("RandomHorizontalFlip", {"p": "half"}, "RandomHorizontalFlip"),
        ("RandomErasing", {"scale": [0, 2]}, "scale"),
        ("RandomErasing", {"ratio": 3}, "ratio"),
        ("RandomErasing", {"value": "noise"}, "value"),
    ],
)
def test_wrong_arguments(name, arguments, part):
    with pytest.raises(BakeoffError, match=part):
        build_augmentation([(name, arguments)], (3, 8, 8))


def test_names_and_arguments_are_torchvisions():
    for name in BATCHED:
        assert hasattr(v2, name)
