import pytest
from entries import prepare_entry
from PIL import Image

from bakeoff.errors import BakeoffError

NUMBERS = ["n02", "n01", "n03"]
WORDS = "n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane, bird\nn99\tnothing here\n"


def tiny_imagenet(root):
    base = root / "tiny-imagenet-200"
    (base / "val/images").mkdir(parents=True)
    (base / "wnids.txt").write_text("\n".join(NUMBERS) + "\n")
    (base / "words.txt").write_text(WORDS)
    for label, number in enumerate(NUMBERS):
        (base / "train" / number / "images").mkdir(parents=True)
        (base / "train" / number / f"{number}_boxes.txt").write_text("0\t0\t1\t1\n")
        for k in range(12):
            Image.new("RGB", (8, 8), (10 * label, 0, 0)).save(base / f"train/{number}/images/{number}_{k}.JPEG")
    lines = []
    for k in range(6):
        Image.new("RGB", (8, 8), (100 + k, 0, 0)).save(base / f"val/images/val_{k}.JPEG", quality=100)
        lines.append(f"val_{k}.JPEG\t{NUMBERS[-1 - k % 3]}\t0\t32\t44\t62\n")
    (base / "val/val_annotations.txt").write_text("".join(lines))
    return root


def prepared(root):
    return prepare_entry(source="tiny_imagenet", root=str(root), validation=0.25)


def test_its_validation_images_are_the_test_split(tmp_path):
    data = prepared(tiny_imagenet(tmp_path / "in"))
    card, splits = data.card, data.splits
    assert card["classes"] == ["crane (n02)", "goldfish", "crane (n03)"]
    assert card["class_counts"] == {"train": [9] * 3, "validation": [3] * 3, "test": [2] * 3}
    assert splits["test"][1].tolist() == [2, 1, 0, 2, 1, 0]
    assert (abs(splits["test"][0][:, 0, 0, 0].astype(int) - [100, 101, 102, 103, 104, 105]) <= 1).all()
    images, labels = splits["train"]
    assert (abs(images[:, 0, 0, 0].astype(int) - 10 * labels) <= 2).all()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("val/val_annotations.txt", "val_0.JPEG\tn01\nval_1.JPEG\tn07\n", r"val_annotations\.txt:2: 'n07' is no class"),
        ("val/val_annotations.txt", "val_9.JPEG\tn01\n", r"val_annotations\.txt:1: there is no image .*val_9"),
        ("val/val_annotations.txt", "val_0.JPEG\n", r"val_annotations\.txt:1: '' is no class"),
        ("words.txt", "n01\tgoldfish\n", r"words\.txt has no words for n02"),
        ("wnids.txt", "n01\nn04\n", r"there is no folder .*n04"),
    ],
)
def test_bad_listings_are_named(tmp_path, file, text, message):
    root = tiny_imagenet(tmp_path / "in")
    (root / "tiny-imagenet-200" / file).write_text(text)
    with pytest.raises(BakeoffError, match=message):
        prepared(root)


def test_absent(tmp_path):
    with pytest.raises(BakeoffError, match=r"no file .*wnids\.txt; set root"):
        prepared(tmp_path)
