"""A GPU sees the batches that the CPU sees, whether a split lies in its memory or not."""

from typing import Any

import pytest
import torch

from bakeoff.data import batches
from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches
from bakeoff.data.transforms.registry import BATCHED

pytestmark = pytest.mark.gpu

GRAY_LEVELS = 255 * 0.5  # of a normalised pixel, with the standard deviation below
ARGUMENTS: dict[str, dict[str, Any]] = {
    "RandomCrop": {"size": 8, "padding": 2},
    "RandomRotation": {"degrees": 30},
    "RandomAffine": {"degrees": 20, "translate": [0.2, 0.2], "scale": [0.8, 1.2], "shear": 10},
    "ColorJitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1},
    "Grayscale": {"num_output_channels": 3},
    "RandomSolarize": {"threshold": 128},
    "RandomPosterize": {"bits": 3},
    "GaussianBlur": {"kernel_size": 3},
}
CHAINS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    **{name: [(name, ARGUMENTS.get(name, {}))] for name in BATCHED},
    "image by image": [("ElasticTransform", {"sigma": 0.5})],
    "MixUp": [("MixUp", {})],
    "CutMix": [("CutMix", {})],
    "several": [
        ("RandomCrop", ARGUMENTS["RandomCrop"]),
        ("RandomOrder", {"transforms": [{"GaussianBlur": {"kernel_size": 3}}, {"RandomAffine": {"degrees": 20}}]}),
        ("RandomErasing", {}),
        ("RandomChoice", {"transforms": ["MixUp", "CutMix"]}),
    ],
}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images_on(device: str, transforms: list[tuple[str, dict[str, Any]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and targets of an epoch."""
    images = torch.randint(0, 256, (200, 3, 8, 8), dtype=torch.uint8, generator=generator(7))
    labels = torch.randint(0, 10, (200,), generator=generator(8))
    chain = build_augmentation(transforms, (3, 8, 8))
    split = Batches(images, labels, 32, device, [0.5] * 3, [0.5] * 3, chain, classes=10)
    seen = list(split.epoch(generator(0), generator(1)))
    assert all(images.device.type == targets.device.type == device for images, targets, _ in seen)
    return torch.cat([images.cpu() for images, *_ in seen]), torch.cat([targets.cpu() for _, targets, _ in seen])


@pytest.mark.parametrize("chain", CHAINS)
def test_a_gpu_sees_the_same_batches(chain: str) -> None:
    (ours, targets), (theirs, expected) = (images_on(device, CHAINS[chain]) for device in ("cuda", "cpu"))
    off = ((ours - theirs) * GRAY_LEVELS).abs() > 0.5
    assert off.double().mean() < 0.01  # sums in another order round the other way now and then
    torch.testing.assert_close(targets, expected)


def test_a_split_that_does_not_fit_is_copied_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = images_on("cuda", CHAINS["several"])
    monkeypatch.setattr(batches, "DEVICE_SHARE", 0)
    for ours, theirs in zip(images_on("cuda", CHAINS["several"]), expected, strict=True):
        assert torch.equal(ours, theirs)
