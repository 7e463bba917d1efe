import shutil
from pathlib import Path

import numpy as np
import pytest
from entries import prepare_entry
from PIL import Image

from bakeoff.data.pixels import to_array
from bakeoff.data.sources.listing import natural
from bakeoff.errors import BakeoffError

SIZE = (6, 4)  # width, height


def picture(value: int = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", size, (value, 100, 200))


def tree(root, splits=("train", "test"), classes=("cat", "dog"), count=4):
    for split in splits:
        for label, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                picture(100 * label + index).save(folder / f"{index}.png")
    return root


def prepared(root, **entry):
    return prepare_entry(threads=2, **{"source": "folder", "root": str(root), "validation": 0.25, **entry})


def test_splits_classes_and_pixels(tmp_path):
    data = prepared(tree(tmp_path / "in"))
    card = data.card
    assert card["classes"] == ["cat", "dog"]
    assert card["counts"] == {"train": 6, "validation": 2, "test": 8}
    images, labels = data.splits["test"]
    assert images.shape == (8, 3, 4, 6)
    assert labels.tolist() == [0] * 4 + [1] * 4
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103]


@pytest.mark.parametrize("name", ["validation", "val"])
def test_own_validation_split(tmp_path, name):
    card = prepared(tree(tmp_path / "in", ("train", name, "test"))).card
    assert card["counts"] == {"train": 8, "validation": 8, "test": 8}


def test_split_of_one_folder(tmp_path):
    root = tree(tmp_path, ("in",), count=10) / "in"
    card = prepared(root, test=0.2).card
    assert card["class_counts"] == {"train": [6, 6], "validation": [2, 2], "test": [2, 2]}
    with pytest.raises(BakeoffError, match=r"no folder train.*test: 0\.2"):
        prepared(root)


def test_large_arrays_live_in_a_file_without_a_name(tmp_path, monkeypatch):
    root = tree(tmp_path / "in")
    card = prepared(root, resize=3).card
    (folder,) = [path for path in Path("results/data").iterdir() if path.is_dir()]
    shutil.rmtree(folder)
    monkeypatch.setattr("bakeoff.data.decoding.IN_MEMORY_BYTES", 0)
    assert prepared(root, resize=3).card["files"] == card["files"]
    assert {path.name for path in folder.iterdir()} == {"card.json", *card["files"]}


def test_files_are_in_natural_order():
    assert sorted(["10.png", "9.png", "a2", "a10", "A1", "1b"], key=natural) == [
        "1b", "9.png", "10.png", "A1", "a2", "a10",
    ]  # fmt: skip


def test_every_mode_that_pillow_writes(tmp_path):
    gray = Image.new("L", SIZE, 128)
    pictures = {
        "palette.png": picture(7).quantize(4),
        "la.png": gray.convert("LA"),
        "rgba.png": picture(7).convert("RGBA"),
        "cmyk.jpg": picture(7).convert("CMYK"),
        "one.png": gray.convert("1"),
        "wide.png": Image.fromarray(np.full(SIZE[::-1], 128 * 257, np.uint16)),
        "wide.tif": Image.fromarray(np.full(SIZE[::-1], 128 * 257, np.uint16)),
        "picture.webp": picture(7),
        "picture.gif": picture(7),
        "picture.bmp": picture(7),
    }
    root = tree(tmp_path / "in")
    for name, image in pictures.items():
        image.save(root / "train" / "cat" / name)
    card = prepared(root).card
    assert card["counts"]["train"] + card["counts"]["validation"] == 8 + len(pictures)
    assert prepared(root, mode="L").card["shape"] == [1, 4, 6]


def test_pixels_of_odd_modes():
    wide = Image.fromarray(np.array([[0, 257, 65535]], np.uint16))
    assert to_array(wide, None, "L").tolist() == [[[0, 1, 255]]]
    clear = Image.new("RGBA", (1, 1), (0, 0, 0, 0))  # black that nobody sees
    assert to_array(clear, None, "RGB").ravel().tolist() == [255, 255, 255]
    bits = Image.fromarray(np.array([[True, False]]))
    assert to_array(bits, None, "L").tolist() == [[[255, 0]]]
    turned = picture(7)
    turned.getexif()[0x0112] = 6
    assert to_array(turned, None, "RGB").shape == (3, 6, 4)
    with pytest.raises(BakeoffError, match="floating-point"):
        to_array(Image.new("F", (1, 1)), None, "L")


def test_sizes_must_agree_or_be_made_so(tmp_path):
    root = tree(tmp_path / "in")
    picture(size=(9, 9)).save(root / "train" / "dog" / "odd.png")
    with pytest.raises(BakeoffError) as error:
        prepared(root)
    assert all(part in str(error.value) for part in ["train/cat/", "4x6", "train/dog/odd.png", "9x9", "resize"])
    assert prepared(root, resize=5).card["shape"] == [3, 5, 5]


def test_broken_file_is_an_error_or_skipped(tmp_path):
    root = tree(tmp_path / "in")
    good = (root / "train" / "cat" / "1.png").read_bytes()
    (root / "train" / "cat" / "0.png").write_bytes(b"")
    (root / "train" / "dog" / "cut.png").write_bytes(good[: len(good) // 2])
    (root / "test" / "dog" / "notes.txt").write_text("no image")
    with pytest.raises(BakeoffError, match=r"train/cat/0\.png cannot be decoded.*on_bad_image"):
        prepared(root)
    data = prepared(root, on_bad_image="skip")
    card = data.card
    assert card["skipped"] == ["train/cat/0.png", "train/dog/cut.png", "test/dog/notes.txt"]
    assert card["counts"] == {"train": 5, "validation": 2, "test": 8}
    assert data.splits["test"][0][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103]


def test_hidden_files_are_no_images(tmp_path):
    root = tree(tmp_path / "in")
    (root / "train" / "cat" / ".DS_Store").write_text("x")
    (root / "train" / "cat" / "Thumbs.db").write_text("x")
    assert prepared(root).card["skipped"] == []


def test_classes_must_agree(tmp_path):
    root = tree(tmp_path / "in")
    (root / "test" / "cow").mkdir()
    with pytest.raises(BakeoffError, match="test/cow"):
        prepared(root)


def test_class_with_too_few_images(tmp_path):
    root = tree(tmp_path / "in")
    for index in range(1, 4):
        (root / "train" / "dog" / f"{index}.png").unlink()
    with pytest.raises(BakeoffError, match="'dog' has 1"):
        prepared(root)


def test_missing_folders(tmp_path):
    with pytest.raises(BakeoffError, match=r"no folder .*nowhere"):
        prepared(tmp_path / "nowhere")
    with pytest.raises(BakeoffError, match="no folder test"):
        prepared(tree(tmp_path / "in", ("train",)))
