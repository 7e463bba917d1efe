import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from PIL import Image

from bakeoff.data.loading import check_dataset
from bakeoff.data.pixels import shallow, to_array
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


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test"),
        ("train", "val", "test"),
        ("train", "valid", "test"),
        ("training", "dev", "testing"),
        ("Train", "Val", "TEST"),
    ],
)
def test_splits_by_their_usual_names(tmp_path, names):
    root = tmp_path / "in"
    for name, count in zip(names, (5, 4, 3), strict=True):
        tree(root, (name,), count=count)
    card = prepared(root).card
    assert card["counts"] == {"train": 10, "validation": 8, "test": 6} and card["classes"] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("val", r"in/val and .*in/valid are both the validation split"),
        ("TRAIN", r"in/TRAIN and .*in/train are both the train split"),
        ("train2", r"in/train2 looks like a split.*allowed, in any case: train, training; validation"),
        ("holdout", r"in/holdout looks like a split"),
        ("Eval", r"in/Eval looks like a split"),
        ("test_set", r"in/test_set looks like a split"),
        ("extra", r"in/extra has images, and beside .*in/train it is no split.*ignore: \[extra\]"),
        ("cat", r"in/cat has images, .*If train is a class, move all classes into a folder .*in/train"),
    ],
)
def test_what_could_be_another_split_is_refused(tmp_path, other, message):
    root = tree(tmp_path / "in", ("train", "valid", "test"))
    tree(root, (other,))
    with pytest.raises(BakeoffError, match=message) as error:
        prepared(root)
    assert "\n" not in str(error.value)


def test_other_folders_without_images_or_named_as_ignored(tmp_path):
    root = tree(tmp_path / "in")
    (root / "annotations").mkdir()
    (root / "annotations" / "boxes.json").write_text("{}")
    (root / "README.txt").write_text("x")
    tree(root / "VOCdevkit/VOC2012", ("JPEGImages",))
    assert prepared(root).card["counts"]["test"] == 8
    tree(root, ("masks", "train2"))
    assert prepared(root, ignore=["masks", "train2"]).card["counts"]["test"] == 8
    with pytest.raises(BakeoffError, match=r"data\.ignore: .*no folder 'mask'"):
        prepared(root, ignore="mask")
    with pytest.raises(BakeoffError, match="a list of folders"):
        check_dataset(dataset_of(source="folder", ignore=3))


@pytest.mark.parametrize("name", ["test", "Valid", "holdout", "train_1"])
def test_a_split_among_classes_is_refused(tmp_path, name):
    root = tree(tmp_path, ("in",), (name, "cat", "dog")) / "in"
    with pytest.raises(BakeoffError, match=name):
        prepared(root, test=0.25)


def test_folders_beside_the_classes_that_are_ignored(tmp_path):
    root = tree(tmp_path, ("in",), ("cat", "dog", "unlabeled"), 8) / "in"
    assert prepared(root, test=0.25, ignore=["unlabeled"]).card["classes"] == ["cat", "dog"]


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
    assert {path.name for path in folder.iterdir()} == {"card.json", "source_files.json", *card["files"]}


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


def pixels_of(image, mode):
    return to_array(shallow(image)[0], None, mode)


def test_pixels_of_odd_modes():
    wide = Image.fromarray(np.array([[0, 257, 65535]], np.uint16))
    assert pixels_of(wide, "L").tolist() == [[[0, 1, 255]]]
    clear = Image.new("RGBA", (1, 1), (0, 0, 0, 0))  # black that nobody sees
    assert pixels_of(clear, "RGB").ravel().tolist() == [255, 255, 255]
    bits = Image.fromarray(np.array([[True, False]]))
    assert pixels_of(bits, "L").tolist() == [[[255, 0]]]
    turned = picture(7)
    turned.getexif()[0x0112] = 6
    assert pixels_of(turned, "RGB").shape == (3, 6, 4)
    with pytest.raises(BakeoffError, match="floating-point"):
        shallow(Image.new("F", (1, 1)))


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


LEFT_BEHIND = [
    ".DS_Store", "._0.png", "Thumbs.db", "desktop.ini", ".git/0.png", ".ipynb_checkpoints/0-checkpoint.png",
    "__MACOSX/._0.png", "__MACOSX/0.png", "@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
]  # fmt: skip


@pytest.mark.parametrize("below", ["", "train", "test", "train/cat", "test/dog", "train/cat/more/and more"])
def test_hidden_and_system_files_count_nowhere(tmp_path, below):
    root = tree(tmp_path / "in")
    (root / "train/cat/more/and more").mkdir(parents=True)
    picture(9).save(root / "train/cat/more/and more/9.png")
    for name in LEFT_BEHIND:
        path = root / below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "train/dog/0.png", path)
    card = prepared(root).card
    assert card["classes"] == ["cat", "dog"] and card["skipped"] == []
    assert sum(card["counts"].values()) == 8 + 1 + 8
    flat = prepared(root / "train", test=0.25).card
    assert flat["classes"] == ["cat", "dog"] and sum(flat["counts"].values()) == 8 + 1


def test_classes_in_two_forms_of_unicode_are_one(tmp_path):
    names = [unicodedata.normalize("NFC", name) for name in ("Möwe", "Schäferhund")]
    root = tree(tmp_path / "in", ("train",), names)
    tree(root, ("test",), [unicodedata.normalize("NFD", name) for name in names])
    data = prepared(root)
    assert data.card["classes"] == names and data.splits["test"][1].tolist() == [0] * 4 + [1] * 4
    tree(root, ("train",), [unicodedata.normalize("NFD", names[0])])
    with pytest.raises(BakeoffError, match="two folders 'Möwe', one with composed and one with decomposed"):
        prepared(root)


def test_names_that_are_not_utf8(tmp_path):
    def latin(path, name):
        return Path(os.fsdecode(os.fsencode(path) + b"/" + name.encode("latin-1")))

    root = tree(tmp_path / "in")
    (root / "train/cat/0.png").rename(latin(root / "train/cat", "café.png"))
    latin(root / "train/cat", "thé.png").write_bytes(b"no image")
    card = prepared(root, on_bad_image="skip").card
    assert card["counts"]["train"] + card["counts"]["validation"] == 8
    assert card["skipped"] == ["train/cat/th\\xe9.png"]
    (root / "test/dog").rename(latin(root / "test", "chién"))
    with pytest.raises(BakeoffError, match=r"test/chi\\xe9n: the name of the class is not UTF-8; rename"):
        prepared(root, on_bad_image="skip")


def test_a_link_that_leads_back_is_refused(tmp_path):
    root = tree(tmp_path / "in")
    (root / "train/cat/again").symlink_to(root / "train")
    with pytest.raises(BakeoffError, match=r"train/cat/again is a link to a folder that it lies in"):
        prepared(root)


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
