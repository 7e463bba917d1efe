import itertools

import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from PIL import Image

from bakeoff.data.loading import check_dataset
from bakeoff.data.sources.voc_annotations import CLASSES, read_annotation
from bakeoff.errors import BakeoffError

RANDOM = np.random.default_rng(0)
OBJECT = "<object><name>{}</name><part><name>head</name></part><difficult>{}</difficult></object>"


def annotation(*objects: tuple[str, int]) -> str:
    inside = "".join(OBJECT.format(name, int(hard)) for name, hard in objects)
    return f"<annotation>\n<folder>VOC2012</folder>\n{inside}</annotation>\n"


def voc(root, sets=("train", "val"), folder="VOCdevkit/VOC2012", annotated=("train", "val", "test"), count=40):
    """Each image shows two classes, the second one marked difficult in every other image."""
    base = root / folder
    for name in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (base / name).mkdir(parents=True)
    for number, name in enumerate(sets):
        names = [f"{number}_{k:06}" for k in range(count)]
        (base / f"ImageSets/Main/{name}.txt").write_text("\n".join(names) + "\n")
        for k, image in enumerate(names):
            Image.new("RGB", (8 + k % 3, 6), (k, 50 * number, 0)).save(base / "JPEGImages" / f"{image}.jpg")
            if name in annotated:
                objects = [(CLASSES[k % 20], 0), (CLASSES[(k + 1) % 20], k % 2)]
                (base / "Annotations" / f"{image}.xml").write_text(annotation(*objects))
    return root


def prepared(root, **entry):
    entry = {"source": "voc", "root": str(root), "resize": 8, "validation": 0.5, **entry}
    check_dataset(dataset_of(**entry))
    return prepare_entry(**entry)


@pytest.mark.parametrize(
    ("objects", "positive", "ignored"),
    [
        ([("cat", 0), ("dog", 0)], ["cat", "dog"], []),
        ([("cat", 1)], [], ["cat"]),
        ([("cat", 1), ("cat", 0)], ["cat"], []),
        ([("cat", 0), ("cat", 1), ("dog", 1)], ["cat"], ["dog"]),
        ([], [], []),
    ],
)
def test_labels_of_an_annotation(tmp_path, objects, positive, ignored):
    file = tmp_path / "a.xml"
    file.write_text(annotation(*objects))
    found = read_annotation(file)
    labels = found.labels(CLASSES, difficult=255)
    assert [CLASSES[k] for k in np.flatnonzero(labels == 1)] == positive
    assert [CLASSES[k] for k in np.flatnonzero(labels == 255)] == ignored
    assert (found.labels(CLASSES, 0) == (labels == 1)).all()
    assert (found.labels(CLASSES, 1) == (labels > 0)).all()


def test_without_an_annotated_test_set_val_tests(tmp_path):
    root = voc(tmp_path / "in", ("train", "val", "test"), annotated=("train", "val"))
    data = prepared(root)
    card = data.card
    assert card["task"] == "multi-label" and card["classes"] == CLASSES and card["shape"] == [3, 8, 8]
    assert card["counts"]["test"] == 40 and card["counts"]["train"] + card["counts"]["validation"] == 40
    images, labels = data.splits["test"]
    assert (images[:, 1].mean((1, 2)).round(-1) == 50).all()  # the green of the set val
    assert labels.dtype == np.uint8 and labels.shape == (40, 20)
    # By hand: image k shows class k; class k + 1 too, but only as difficult where k is odd.
    expected = np.zeros((40, 20), int)
    for k in range(40):
        expected[k, (k + 1) % 20] = 255 if k % 2 else 1
        expected[k, k % 20] = 1
    assert (labels == expected).all()
    assert card["class_counts"]["test"] == (expected == 1).sum(0).tolist()
    assert card["ignored_counts"]["test"] == (expected == 255).sum(0).tolist()
    assert card["label_cardinality"] == 1.5


def test_image_sets_of_2007_as_torchvision_reads_them(tmp_path):
    from torchvision.datasets import VOCDetection

    root = voc(tmp_path / "in", ("train", "val", "test"), "VOCdevkit/VOC2007")
    assert prepared(root, year=2007).card["counts"] == {"train": 40, "validation": 40, "test": 40}
    data = prepared(root, year="2007-test")
    assert data.card["counts"]["test"] == 40
    theirs = VOCDetection(str(root), year="2007", image_set="test")
    _, labels = data.splits["test"]
    for row in (0, 7, 39):
        objects = theirs[row][1]["annotation"]["object"]
        names = {thing["name"] for thing in objects if thing["difficult"] == "0"}
        assert {CLASSES[k] for k in np.flatnonzero(labels[row] == 1)} == names


def test_image_sets_may_be_named(tmp_path):
    root = voc(tmp_path / "in", ("train", "val", "test"), "VOCdevkit/VOC2007")
    main = root / "VOCdevkit/VOC2007/ImageSets/Main"
    (main / "trainval.txt").write_text((main / "train.txt").read_text() + (main / "val.txt").read_text())
    card = prepared(root, year=2007, train="trainval").card
    assert card["counts"]["train"] + card["counts"]["validation"] == 80 and card["counts"]["test"] == 40
    with pytest.raises(BakeoffError, match=r"in the image sets trainval and val"):
        prepared(root, year=2007, train="trainval", test="val")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>\n<object>\n</annotation>", r"0_000003\.xml:3: cannot be read as an annotation"),
        ("", r"0_000003\.xml:1: cannot be read as an annotation"),
        (annotation(("kat", 0)), r"0_000003\.xml: an object is named 'kat'; did you mean 'cat'"),
        (annotation(("cat", 7)), r"0_000003\.xml: .*difficult '7'"),
        ("<html/>", r"0_000003\.xml: .*<html>"),
        (
            '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]>\n<annotation>&y;</annotation>',
            r"0_000003\.xml: .*<!DOCTYPE a>",
        ),
    ],
)
def test_corrupt_annotations_are_named(tmp_path, text, message):
    root = voc(tmp_path / "in")
    (root / "VOCdevkit/VOC2012/Annotations/0_000003.xml").write_text(text)
    with pytest.raises(BakeoffError, match=message):
        prepared(root)


@pytest.mark.parametrize(("file", "kind"), [("JPEGImages/1_000002.jpg", "image"), ("Annotations/1_000002.xml", "ann")])
def test_missing_files_are_named(tmp_path, file, kind):
    root = voc(tmp_path / "in")
    (root / "VOCdevkit/VOC2012" / file).unlink()
    with pytest.raises(BakeoffError, match=rf"val\.txt:3: '1_000002' has no {kind}"):
        prepared(root)


def test_an_absent_dataset_says_where_it_was_looked_for(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(BakeoffError) as error:
        prepared(tmp_path / "in")
    missing = [f"VOCdevkit/VOC2012/{name}" for name in ("ImageSets/Main", "Annotations", "JPEGImages")]
    parts = [str(tmp_path / "in"), *missing, "no network in tests", "set root"]
    assert [part for part in parts if part not in str(error.value)] == []
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"year": 2006}, "data.year: found 2006"),
        ({"difficult": "ignored"}, "did you mean 'ignore'"),
        ({"train": ["train", "val"]}, "the name of an image set"),
        ({"train": "../train"}, "not a path below"),
        ({"test": 2}, "between 0 and 1"),
        ({"classes": "all"}, "allowed: found, or a list"),
        ({"classes": ["cat", 3]}, "allowed: found, or a list"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(BakeoffError, match=message):
        prepared(voc(tmp_path / "in"), **arguments)


def pair(folder, name: str, *shown: str, suffix=".jpg"):
    """An image and its annotation beside it, as labelImg and Roboflow leave them."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), tuple(RANDOM.integers(0, 256, 3).tolist())).save(folder / f"{name}{suffix}")
    (folder / f"{name}.xml").write_text(annotation(*((label, 0) for label in shown)))


def roboflow(root, splits=("train", "valid", "test"), count=8):
    for split in splits:
        for k in range(count):
            shown = [["helmet"], ["vest"], ["helmet", "vest"], []][k % 4]
            pair(root / split, f"photo{k}_jpg.rf.0a{k}", *shown, suffix=(".jpg", ".png", ".JPG")[k % 3])
    (root / "README.roboflow.txt").write_text("x")
    return root


def test_folders_of_splits_with_annotations_beside_images(tmp_path):
    data = prepared(roboflow(tmp_path / "in"), classes="found")
    assert data.card["classes"] == ["helmet", "vest"] and data.card["task"] == "multi-label"
    assert data.card["counts"] == {"train": 8, "validation": 8, "test": 8}
    assert data.splits["test"][1].tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]] * 2
    ordered = prepared(tmp_path / "in", classes=["vest", "helmet"])
    assert ordered.card["classes"] == ["vest", "helmet"]
    assert (ordered.splits["test"][1] == data.splits["test"][1][:, ::-1]).all()


def test_folders_without_a_test_split(tmp_path):
    root = roboflow(tmp_path / "in", ("train", "valid"))
    with pytest.raises(BakeoffError, match=r"no folder test; set test: 0\.2, or test: to the name"):
        prepared(root, classes="found")
    assert prepared(root, classes="found", test="valid").card["counts"] == {"train": 4, "validation": 4, "test": 8}
    assert prepared(root, classes="found", test=0.25).card["counts"] == {"train": 6, "validation": 8, "test": 2}


def test_one_folder_with_annotations_beside_images(tmp_path):
    root = roboflow(tmp_path, ("in",), 20) / "in"
    counts = prepared(root, classes="found", test=0.2).card["counts"]
    assert sum(counts.values()) == 20 and counts["test"] == 4


def test_image_sets_of_ones_own(tmp_path):
    root = voc(tmp_path / "in", ("default",), folder=".", annotated=())
    for k in range(40):
        (root / "Annotations" / f"0_{k:06}.xml").write_text(annotation((["cat", "löwe"][k % 2], 0)))
    (root / "JPEGImages/0_000001.jpg").rename(root / "JPEGImages/0_000001.png")
    entry = {"classes": "found", "train": "default", "test": 0.25}
    card = prepared(root, **entry).card
    assert card["classes"] == ["cat", "löwe"] and sum(card["counts"].values()) == 40
    with pytest.raises(BakeoffError, match="no image set 'train'; allowed: default"):
        prepared(root, classes="found")
    (root / "JPEGImages/0_000002.png").write_bytes(b"")
    assert prepared(root, **entry).card["counts"] == card["counts"]
    (root / "JPEGImages/0_000001.webp").write_bytes(b"")
    with pytest.raises(BakeoffError, match=r"default\.txt:2: '0_000001' has 2 files"):
        prepared(root, **entry, limit=30)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda train: (train / "photo1_jpg.rf.0a1.xml").unlink(), r"photo1_jpg\.rf\.0a1\.png has no annotation"),
        (lambda train: (train / "photo1_jpg.rf.0a1.png").unlink(), r"photo1_jpg\.rf\.0a1\.xml has no image of"),
        (lambda train: pair(train, "photo1_jpg.rf.0a1"), r"0a1\.jpg and photo1_jpg\.rf\.0a1\.png share an annotation"),
        (lambda train: roboflow(train.parent, ("val",)), r"in/val and .*in/valid are both the validation split"),
        (lambda train: roboflow(train.parent, ("more",)), r"in/more has images, and beside .*in/train"),
    ],
)
def test_folders_that_do_not_fit(tmp_path, change, message):
    root = roboflow(tmp_path / "in")
    change(root / "train")
    with pytest.raises(BakeoffError, match=message):
        prepared(root, classes="found")


def test_classes_that_annotations_do_not_keep_to(tmp_path):
    root = roboflow(tmp_path / "in")
    with pytest.raises(BakeoffError, match=r"an object is named 'vest'; allowed: helmet; .*set classes: found"):
        prepared(root, classes=["helmet"])
    with pytest.raises(BakeoffError, match=r"an object is named 'helmet'; .*set classes: found"):
        prepared(root)
    with pytest.raises(BakeoffError, match="labels without a training image: 'boot'"):
        prepared(root, classes=["helmet", "vest", "boot"])


def test_fewer_than_pascals_classes(tmp_path):
    root = voc(tmp_path / "in", annotated=())
    for number, k in itertools.product(range(2), range(40)):
        shown = annotation((CLASSES[k % 10], 0))
        (root / f"VOCdevkit/VOC2012/Annotations/{number}_{k:06}.xml").write_text(shown)
    with pytest.raises(
        BakeoffError,
        match=r"10 of Pascal's 20 classes have no training image: diningtable, dog, .*tvmonitor\. .*classes: f",
    ):
        prepared(root)
    assert prepared(root, classes="found").card["classes"] == CLASSES[:10]


def test_own_data_that_are_not_there_are_not_downloaded(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(BakeoffError, match=r"in has no annotated images; expected .*in/ImageSets/Main.*in/train"):
        prepared(tmp_path / "in", classes="found")
