import gzip
import pickle
import struct

import numpy as np
import pytest
from entries import prepare_entry
from PIL import Image

from bakeoff.data.sources.idx import read_idx
from bakeoff.errors import BakeoffError

RANDOM = np.random.default_rng(0)
COUNTS = {"train": 60, "t10k": 20}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(folder, compress=False, prefixes=("train", "t10k"), labels=range(10)):
    folder.mkdir(parents=True)
    arrays = {}
    for prefix, count in zip(prefixes, COUNTS.values(), strict=True):
        images = RANDOM.integers(0, 256, (count, 28, 28))
        targets = np.resize(labels, count)
        arrays[prefix] = images
        for name, array in (("images-idx3", images), ("labels-idx1", targets)):
            content = idx(array)
            path = folder / f"{prefix}-{name}-ubyte{'.gz' if compress else ''}"
            path.write_bytes(gzip.compress(content) if compress else content)
    return arrays


def read_only(root):
    for path in [*root.rglob("*"), root]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def writable(root):
    for path in [root, *root.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)


def prepared(tmp_path, **entry):
    return prepare_entry(**{"source": "torchvision", "root": str(tmp_path / "in"), "validation": 0.2, **entry})


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("layout", ["FashionMNIST/raw", "."])
def test_idx_in_either_layout_of_a_read_only_folder(tmp_path, layout, compress):
    arrays = write_idx(tmp_path / "in" / layout, compress)
    listed = sorted((tmp_path / "in").rglob("*"))
    read_only(tmp_path / "in")
    try:
        data = prepared(tmp_path, dataset="FashionMNIST")
    finally:
        writable(tmp_path / "in")
    assert sorted((tmp_path / "in").rglob("*")) == listed
    assert data.card["counts"] == {"train": 48, "validation": 12, "test": 20}
    assert data.card["classes"][0] == "T-shirt/top"
    images, labels = data.splits["test"]
    assert (images[:, 0] == arrays["t10k"]).all()
    assert labels[:12].tolist() == [*range(10), 0, 1]


def test_our_reader_agrees_with_torchvision(tmp_path):
    from torchvision.datasets import MNIST

    write_idx(tmp_path / "in" / "MNIST" / "raw")
    images, labels = prepared(tmp_path, dataset="MNIST").splits["test"]
    theirs = MNIST(tmp_path / "in", train=False)
    assert (images[:, 0] == theirs.data.numpy()).all() and (labels == theirs.targets.numpy()).all()


def test_emnist_letters_count_from_zero(tmp_path):
    prefixes = ("emnist-letters-train", "emnist-letters-test")
    write_idx(tmp_path / "in" / "EMNIST" / "raw", prefixes=prefixes, labels=range(1, 27))
    data = prepared(tmp_path, dataset="EMNIST", split="letters", validation=0.5)
    assert data.card["classes"] == list("abcdefghijklmnopqrstuvwxyz")
    assert data.splits["test"][1].tolist() == list(range(20))


def test_damaged_idx_is_named(tmp_path):
    path = tmp_path / "x-ubyte"
    path.write_bytes(idx(np.zeros((4, 2, 2)))[:-1])
    with pytest.raises(BakeoffError, match=r"x-ubyte.*damaged"):
        read_idx(path)
    path.write_bytes(b"<html>")
    with pytest.raises(BakeoffError, match="not an IDX file"):
        read_idx(path)
    path = tmp_path / "x-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.zeros((4, 2, 2))))[:-9])
    with pytest.raises(BakeoffError, match="gzip"):
        read_idx(path)


def write_cifar10(root):
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    arrays = {}
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        arrays[name] = RANDOM.integers(0, 256, (20, 3072), dtype=np.uint8)
        entry = {"data": arrays[name], "labels": [k % 10 for k in range(20)], "filenames": [], "batch_label": name}
        (folder / name).write_bytes(pickle.dumps(entry))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {k}" for k in range(10)]}))
    return arrays


def test_cifar10_batches_that_are_not_the_original(tmp_path):
    arrays = write_cifar10(tmp_path / "in")
    with pytest.raises(BakeoffError, match=r"data_batch_1.*MD5.*check_md5: false"):
        prepared(tmp_path, dataset="CIFAR10")
    data = prepared(tmp_path, dataset="CIFAR10", check_md5=False)
    card = data.card
    assert card["counts"] == {"train": 80, "validation": 20, "test": 20}
    assert card["shape"] == [3, 32, 32] and card["classes"][1] == "class 1"
    images, _ = data.splits["test"]
    assert (images.reshape(20, -1) == arrays["test_batch"]).all()


def test_svhn_and_stl10_arrays(tmp_path):
    from scipy.io import savemat

    root = tmp_path / "in"
    (root / "stl10_binary").mkdir(parents=True)
    svhn, stl = {}, {}
    for split in ("train", "test"):
        svhn[split] = RANDOM.integers(0, 256, (32, 32, 3, 40), dtype=np.uint8)
        savemat(root / f"{split}_32x32.mat", {"X": svhn[split], "y": (np.arange(40) % 10 + 1)[:, None]})
        stl[split] = RANDOM.integers(0, 256, (20, 3, 96, 96), dtype=np.uint8)
        stl[split].tofile(root / "stl10_binary" / f"{split}_X.bin")
        (np.arange(20) % 10 + 1).astype(np.uint8).tofile(root / "stl10_binary" / f"{split}_y.bin")
    data = prepared(tmp_path, dataset="SVHN", check_md5=False, validation=0.25)
    card = data.card
    assert card["shape"] == [3, 32, 32] and len(card["classes"]) == 10
    images, labels = data.splits["test"]
    assert (images[7] == svhn["test"][..., 7].transpose(2, 0, 1)).all() and labels[9] == 0
    images, labels = prepared(tmp_path, dataset="STL10", check_md5=False, validation=0.5).splits["test"]
    assert (images[3] == stl["test"][3].transpose(0, 2, 1)).all() and labels[0] == 0


def test_pictures_one_by_one(tmp_path):
    entry = {"dataset": "FakeData", "size": 60, "num_classes": 3, "image_size": [3, 16, 16]}
    with pytest.raises(BakeoffError, match=r"no test split; set test"):
        prepared(tmp_path, **entry)
    card = prepared(tmp_path, **entry, test=0.25, resize=8, mode="L").card
    assert card["counts"]["test"] == 15 and card["shape"] == [1, 8, 8]


@pytest.mark.parametrize(
    ("dataset", "file"),
    [
        ("FashionMNIST", "train-images-idx3-ubyte"),
        ("CIFAR100", "cifar-100-python/train"),
        ("SVHN", "train_32x32.mat"),
        ("STL10", "stl10_binary/train_X.bin"),
        ("DTD", "Dataset not found"),
    ],
)
def test_missing_files_are_named(tmp_path, dataset, file):
    with pytest.raises(BakeoffError) as error:
        prepared(tmp_path, dataset=dataset)
    parts = [dataset, str(tmp_path / "in"), file, "no network in tests", "set root"]
    assert [part for part in parts if part not in str(error.value)] == []
    assert not (tmp_path / "in").exists()


def test_folders_of_torchvision_without_hidden_ones(tmp_path):
    root = tmp_path / "in"
    for k in range(20):
        path = root / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (k, 0, 0)).save(path)
    for folder in (root / ".ipynb_checkpoints", root / "a/.ipynb_checkpoints", root / "b/@eaDir", root / "__MACOSX"):
        folder.mkdir()
        Image.new("RGB", (4, 4)).save(folder / "copy.png")
    (root / "a/._0.png").write_bytes(b"no image")
    card = prepare_entry(source="torchvision", dataset="ImageFolder", root=str(root), test=0.2).card
    assert card["classes"] == ["a", "b"] and sum(card["counts"].values()) == 20
