"""MixUp and CutMix against torchvision's."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches
from bakeoff.data.transforms.mixing import Mix, cut_box, mix_targets
from bakeoff.errors import BakeoffError

CLASSES = 5


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixing(name: str, arguments: dict[str, Any]) -> Mix:
    mix = build_augmentation([(name, arguments)], (1, 8, 10)).mix
    assert mix is not None
    return mix


def batch(count: int = 6) -> tuple[Tensor, Tensor]:
    """Images of one colour each, another for each, and their labels."""
    images = torch.arange(1, count + 1).float().view(-1, 1, 1, 1).expand(count, 1, 8, 10)
    return images, torch.arange(count) % CLASSES


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_images_and_targets_are_mixed_alike(name: str) -> None:
    images, labels = batch()
    for seed in range(20):
        mixed, targets = mixing(name, {})(images, labels, CLASSES, generator(seed))
        assert mixed.shape == images.shape and targets.shape == (6, CLASSES) and targets.dtype == torch.float32
        neighbours, own = targets[torch.arange(6), labels.roll(1)], targets[torch.arange(6), labels]
        torch.testing.assert_close(targets.sum(1), torch.ones(6))
        expected = own * images[:, 0, 0, 0] + neighbours * images.roll(1, 0)[:, 0, 0, 0]
        distinct = labels != labels.roll(1)
        torch.testing.assert_close(mixed.mean((1, 2, 3))[distinct], expected[distinct])
    assert torch.equal(batch()[0], images)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.62, 1.0])
def test_targets_and_boxes_are_torchvisions(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the share that Beta gives, and the place of the box, set by hand."""
    _, labels = batch()
    images = torch.rand(6, 1, 8, 10, generator=generator())
    one_hot = torch.nn.functional.one_hot(labels, CLASSES).float()
    theirs = v2.MixUp(num_classes=CLASSES)
    theirs._dist = SimpleNamespace(sample=lambda _: torch.tensor([share], dtype=torch.float64))
    torch.testing.assert_close(mix_targets(one_hot, share), theirs(images, labels)[1])
    cut = v2.CutMix(num_classes=CLASSES)
    cut._dist = theirs._dist
    for x, y in ((0, 0), (9, 7), (5, 3)):
        drawn = iter([torch.tensor([x]), torch.tensor([y])])
        monkeypatch.setattr(torch, "randint", lambda *_, drawn=drawn, **__: next(drawn))
        assert cut_box(8, 10, share, x, y) == cut.make_params([images])["box"]


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_distributions_are_torchvisions(name: str, alpha: float) -> None:
    torch.manual_seed(2)
    images, labels = batch(2)
    source = generator()
    mix, theirs = mixing(name, {"alpha": alpha}), getattr(v2, name)(alpha=alpha, num_classes=CLASSES)
    ours = [float(mix(images, labels, CLASSES, source)[1][0, 0]) for _ in range(1500)]
    others = [float(theirs(images, labels)[1][0, 0]) for _ in range(1500)]
    assert stats.ks_2samp(ours, others).pvalue > 0.001


def test_the_spelling_of_the_paper() -> None:
    images, labels = batch()
    (ours, _), (theirs, _) = (mixing(name, {})(images, labels, CLASSES, generator(3)) for name in ("Mixup", "MixUp"))
    assert torch.equal(ours, theirs)
    mixing("RandomChoice", {"transforms": ["Mixup", "CutMix"]})


def test_with_probability_p_and_a_choice_of_the_two() -> None:
    images, labels = batch()
    source = generator()
    sometimes = mixing("MixUp", {"p": 0.3})
    results = [sometimes(images, labels, CLASSES, source) for _ in range(600)]
    left = [torch.equal(mixed, images) for mixed, _ in results]
    assert 0.62 < np.mean(left) < 0.78
    kept = results[left.index(True)][1]
    assert torch.equal(kept, torch.nn.functional.one_hot(labels, CLASSES).float())

    either = mixing("RandomChoice", {"transforms": ["MixUp", {"CutMix": {"alpha": 0.5}}], "p": [1, 3]})
    cut = [either(images, labels, CLASSES, source)[0][0].unique().numel() != 1 for _ in range(600)]
    always = mixing("CutMix", {"alpha": 0.5})
    whole = [always(images, labels, CLASSES, source)[0][0].unique().numel() != 1 for _ in range(600)]
    assert np.mean(cut) == pytest.approx(0.75 * np.mean(whole), abs=0.07)


def test_several_labels_and_ignored_ones() -> None:
    labels = torch.tensor([[1, 0, 255], [1, 1, 0]], dtype=torch.uint8)
    _, targets = mixing("MixUp", {})(batch(2)[0], labels, 3, generator())
    share = float(targets[1, 1])
    assert targets[:, 0].tolist() == pytest.approx([1, 1]) and 0 < share < 1
    assert float(targets[0, 1]) == pytest.approx(1 - share)
    assert targets[:, 2].tolist() == [255, 255]


def test_batches_hand_out_mixed_images_after_normalisation() -> None:
    augmentation = build_augmentation([("MixUp", {}), ("RandomInvert", {"p": 1})], (1, 4, 4))
    images = torch.randint(0, 256, (50, 1, 4, 4), dtype=torch.uint8, generator=generator())
    labels = torch.arange(50) % CLASSES
    batches = Batches(images, labels, 8, augmentation=augmentation, mean=[0.5], std=[0.5], classes=CLASSES)
    for mixed, targets, rows in batches.epoch(generator(1), generator(2)):
        normalised = (255 - images[rows]).float() / 127.5 - 1
        one_hot = torch.nn.functional.one_hot(labels[rows], CLASSES).float()
        assert targets.shape == one_hot.shape
        differs = (normalised - normalised.roll(1, 0)).abs() > 0.1
        share = ((mixed - normalised.roll(1, 0)) / (normalised - normalised.roll(1, 0)))[differs]
        assert float(share.max() - share.min()) < 1e-4
        torch.testing.assert_close(targets, one_hot * share.mean() + one_hot.roll(1, 0) * (1 - share.mean()))
    with pytest.raises(ValueError, match="number of classes"):
        Batches(images, labels, 8, augmentation=augmentation)


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        ([("MixUp", {"alpha": 0})], r"MixUp\.alpha: found 0"),
        ([("CutMix", {"p": 2})], r"CutMix\.p: found 2"),
        ([("CutMix", {"apha": 2})], "did you mean 'alpha'"),
        ([("CutMix", {"p": "often"})], "CutMix cannot be built with"),
        ([("RandomChoice", {"transforms": ["MixUp", "CutMix"], "p": 0.5})], "RandomChoice: p is a list; write"),
        ([("MixUp", {}), ("CutMix", {})], "put them into one RandomChoice"),
        ([("RandomChoice", {"transforms": ["MixUp", {"CutMix": {"alpha": -1}}]})], r"transforms\.1 CutMix\.alpha"),
        ([("RandomApply", {"transforms": ["MixUp"]})], r"RandomApply\.transforms\.0 MixUp mixes whole batches"),
    ],
)  # fmt: skip
def test_mistakes(transforms: list[tuple[str, dict[str, Any]]], said: str) -> None:
    with pytest.raises(BakeoffError, match=said):
        build_augmentation(transforms, (1, 8, 8))
