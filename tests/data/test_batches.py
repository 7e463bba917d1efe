import subprocess
import sys

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def split(count: int, channels: int = 3, size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(7)
    images = torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=random)
    return images, torch.randint(0, 10, (count,), generator=random)


@pytest.mark.parametrize(("count", "size"), [(100, 7), (4000, 32), (64, 64), (5, 8), (5, 1)])
def test_an_epoch_has_every_image_once(count, size):
    images, labels = split(count)
    batches = Batches(images, labels, size)
    seen = list(batches.epoch(generator(), generator()))
    rows = torch.cat([row for *_, row in seen])
    assert sorted(rows.tolist()) == list(range(count))
    assert len(seen) == batches.batches_per_epoch
    for given, targets, row in seen:
        assert torch.equal(targets, labels[row])
        assert torch.equal(given, images[row] * torch.tensor(1 / 255))
        assert given.shape[0] <= size


def test_a_last_batch_of_one_is_left_out():
    batches = Batches(*split(33), 8)
    assert [len(images) for images, *_ in batches.epoch(generator(), generator())] == [8] * 4
    assert batches.batches_per_epoch == 4
    assert sum(len(labels) for _, labels in batches.ordered()) == 33
    assert Batches(*split(33), 1).batches_per_epoch == 33


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("channels_last", [False, True])
def test_normalisation_is_torchvisions(channels, channels_last):
    images, labels = split(50, channels)
    mean, std = [0.2, 0.4, 0.6][:channels], [0.3, 0.25, 0.2][:channels]
    expected = v2.functional.normalize(images / 255, mean, std)
    batches = Batches(images, labels, 16, "cpu", mean, std, channels_last=channels_last)
    given = torch.cat([part for part, _ in batches.ordered()])
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=2e-6)
    for part, _, rows in batches.epoch(generator(), generator()):
        torch.testing.assert_close(part, expected[rows], rtol=1e-5, atol=2e-6)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        assert part.is_contiguous(memory_format=layout)


def test_dtype_and_a_channel_that_never_varies():
    images, labels = split(10, 1)
    batches = Batches(torch.full_like(images, 51), labels, 5, "cpu", [0.2], [0.0], dtype=torch.bfloat16)
    (first, _), _ = batches.ordered()
    assert first.dtype == torch.bfloat16 and first.abs().max() < 1e-6


def test_generators_decide_everything():
    images, labels = split(200)
    chain = build_augmentation([("RandomCrop", {"size": 8, "padding": 2}), ("RandomErasing", {})], (3, 8, 8))
    batches = Batches(images, labels, 32, "cpu", [0.5] * 3, [0.5] * 3, chain)

    def epoch(order, augmentation):
        parts = zip(*batches.epoch(generator(order), generator(augmentation)), strict=True)
        return [torch.cat(part) for part in parts]

    first, again, other_order, other_augmentation = epoch(1, 2), epoch(1, 2), epoch(3, 2), epoch(1, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[2], other_order[2])
    assert torch.equal(first[2], other_augmentation[2]) and not torch.equal(first[0], other_augmentation[0])


def test_mapped_files_stay_as_they_are(tmp_path):
    images, labels = split(40)
    np.save(tmp_path / "images.npy", images.numpy())
    before = (tmp_path / "images.npy").read_bytes()
    mapped = np.load(tmp_path / "images.npy", mmap_mode="c")
    chain = build_augmentation([("RandomErasing", {"p": 1.0}), ("RandomHorizontalFlip", {})], (3, 8, 8))
    for part, *_ in Batches(mapped, labels.numpy(), 8, augmentation=chain).epoch(generator(), generator()):
        part.zero_()
    assert (tmp_path / "images.npy").read_bytes() == before
    assert np.array_equal(mapped, images.numpy())


def test_batches_need_no_torchvision():
    code = (
        "import sys, bakeoff.data.batches, bakeoff.data.prepare;"
        "sys.exit(bool({'torchvision', 'sklearn', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
