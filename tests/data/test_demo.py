"""Generated data: torchvision reads them, they can be learned, and they never replace real ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from torchvision import datasets

from bakeoff.data.demo import write_demo_data
from bakeoff.data.demo_formats import FORMATS
from bakeoff.errors import BakeoffError

ENTRIES: dict[str, dict[str, Any]] = {
    "digits": {"source": "digits"},
    "torchvision/MNIST": {"source": "torchvision", "dataset": "MNIST"},
    "torchvision/FashionMNIST": {"source": "torchvision", "dataset": "FashionMNIST"},
    "torchvision/KMNIST": {"source": "torchvision", "dataset": "KMNIST"},
    "torchvision/CIFAR10": {"source": "torchvision", "dataset": "CIFAR10", "check_md5": False},
    "voc": {"source": "voc"},
    "tiny_imagenet": {"source": "tiny_imagenet"},
    "csv": {"source": "csv", "table": "cars/labels.csv", "label": "color", "test": 0.2},
    "folder": {"source": "folder"},
}
VARIANTS = [
    {"source": "voc", "year": 2007},
    {"source": "csv", "table": "t.tsv", "tags": "tags", "folder": "a/b", "suffix": ".jpg", "test": 0.2},
    {"source": "csv", "table": "t.csv", "labels": ["x", "y", "z"], "image": "file", "split": "part"},
    {"source": "csv", "table": "x/t.csv", "label": "kind", "split": "part"},
    {"source": "folder", "test": 0.2},
]


def test_every_format_is_tested() -> None:
    assert ENTRIES.keys() == FORMATS.keys()


@pytest.mark.parametrize("entry", [*ENTRIES.values(), *VARIANTS], ids=str)
def test_the_source_reads_what_was_written(tmp_path: Path, entry: dict[str, Any]) -> None:
    dataset = dataset_of(data_root="demo", **entry)
    write_demo_data([dataset], tmp_path / "demo")
    card = prepare_entry(data_root="demo", **entry).card
    assert min(card["counts"].values()) >= 4
    if entry["source"] != "digits":
        assert max(card["counts"].values()) <= 150
    again = {path: path.read_bytes() for path in (tmp_path / "demo").rglob("*") if path.is_file()}
    write_demo_data([dataset], tmp_path / "demo")
    assert {path: path.read_bytes() for path in (tmp_path / "demo").rglob("*") if path.is_file()} == again


def test_classes_can_be_told_apart(tmp_path: Path) -> None:
    entry = {"data_root": str(tmp_path), **ENTRIES["torchvision/CIFAR10"]}
    write_demo_data([dataset_of(**entry)], tmp_path)
    splits = prepare_entry(**entry).splits
    (images, labels), (test_images, test_labels) = (
        (pixels.reshape(len(pixels), -1).astype(float), labels) for pixels, labels in (splits["train"], splits["test"])
    )
    means = np.stack([images[labels == label].mean(0) for label in range(10)])
    nearest = ((test_images[:, None] - means) ** 2).sum(2).argmin(1)
    assert (nearest == test_labels).mean() > 0.95


def test_torchvisions_own_classes_read_them(tmp_path: Path) -> None:
    for name in ("torchvision/MNIST", "torchvision/CIFAR10", "voc"):
        write_demo_data([dataset_of(data_root=str(tmp_path), **ENTRIES[name])], tmp_path)

    digits = datasets.MNIST(tmp_path, train=True)
    assert digits.data.shape[1:] == (28, 28) and sorted(set(digits.targets.tolist())) == list(range(10))

    class Cifar10(datasets.CIFAR10):  # generated files have other sums than the real ones
        train_list = [[file, None] for file, _ in datasets.CIFAR10.train_list]  # noqa: RUF012
        test_list = [[file, None] for file, _ in datasets.CIFAR10.test_list]  # noqa: RUF012
        meta = {**datasets.CIFAR10.meta, "md5": None}  # noqa: RUF012

    cifar = Cifar10(tmp_path, train=False)
    assert cifar.data.shape[1:] == (32, 32, 3) and cifar.classes[3] == "cat"

    photos = datasets.VOCDetection(tmp_path, year="2012", image_set="train")
    found = [thing for _, target in photos for thing in target["annotation"]["object"]]
    assert {thing["difficult"] for thing in found} == {"0", "1"}
    assert len({thing["name"] for thing in found}) == 20


def test_real_data_are_never_written_over(tmp_path: Path) -> None:
    real = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"real")
    dataset = dataset_of(data_root=str(tmp_path), **ENTRIES["torchvision/MNIST"])
    with pytest.raises(BakeoffError, match=r"MNIST exists and was not generated"):
        write_demo_data([dataset], tmp_path)
    assert real.read_bytes() == b"real"
    write_demo_data([dataset_of(data_root=str(tmp_path), **ENTRIES["voc"])], tmp_path)  # beside them is well


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"source": "torchvision", "dataset": "SVHN"},
            r"datasets\.data: no data can be generated for 'torchvision/SVHN'",
        ),
        ({"source": "voc", "root": "/data"}, r"datasets\.data\.root: .*remove root"),
    ],
)
def test_what_cannot_be_generated_says_so(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(BakeoffError, match=message):
        write_demo_data([dataset_of(**entry)], tmp_path)
    assert not list(tmp_path.iterdir())
