import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from PIL import Image

import bakeoff.data.decoding as decoding
from bakeoff.data.choose import whole_splits
from bakeoff.data.source import SourceData
from bakeoff.errors import BakeoffError
from bakeoff.study.study import StudyError


def tree(root, count=20):
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for k in range(count):
            Image.new("RGB", (4, 4), (100 * label + k, 0, 0)).save(root / name / f"{k}.png")
    return root


def prepared(root, **entry):
    return prepare_entry(**{"source": "folder", "root": str(root), "test": 0.2, **entry})


def test_per_class_draws_from_splits_that_stay_disjoint(tmp_path):
    few = prepared(tree(tmp_path / "in"), validation=0.25, per_class={"train": 10, "test": 3})
    assert few.card["class_counts"] == {"train": [10, 10], "validation": [4, 4], "test": [3, 3]}
    many = prepared(tmp_path / "in", validation=0.25)
    assert many.card["class_counts"] == {"train": [12, 12], "validation": [4, 4], "test": [4, 4]}
    for split in few.splits:
        assert set(few.splits[split][0][:, 0, 0, 0].tolist()) <= set(many.splits[split][0][:, 0, 0, 0].tolist())


def test_too_few_images_of_a_class(tmp_path):
    with pytest.raises(BakeoffError, match=r"per_class\.train: 17 images of each class are asked for; 'cat' has 14"):
        prepared(tree(tmp_path / "in"), per_class={"train": 17})


def test_only_chosen_files_are_decoded(tmp_path, monkeypatch):
    opened = []
    real = decoding.open_picture
    monkeypatch.setattr(decoding, "open_picture", lambda file: (opened.append(file), real(file))[1])
    root = tree(tmp_path / "in")
    card = prepared(root, limit=4).card
    assert card["class_counts"] == {"train": [2, 2], "validation": [2, 2], "test": [2, 2]}
    assert len(set(opened)) == len(opened) == 12


def test_a_broken_file_is_skipped_before_images_are_drawn(tmp_path):
    root = tree(tmp_path / "in")
    (root / "cat" / "3.png").write_bytes(b"")
    card = prepared(root, on_bad_image="skip", per_class={"train": 13, "test": 4}, resize=6, center_crop=4).card
    assert card["skipped"] == ["cat/3.png"] and card["shape"] == [3, 4, 4]
    assert card["class_counts"]["train"] == [13, 13] and card["class_counts"]["test"] == [4, 4]


def test_limit_and_crop_work_on_arrays():
    data = prepare_entry(source="digits", limit=50, center_crop=[6, 4])
    card = data.card
    assert card["counts"] == {"train": 50, "validation": 50, "test": 50} and card["shape"] == [1, 6, 4]
    assert min(map(min, card["class_counts"].values())) >= 4
    images = data.splits["test"][0]
    from sklearn.datasets import load_digits

    cut = np.rint(load_digits().images * 255 / 16).astype(np.uint8)[:, 1:7, 2:6]
    assert {bytes(image) for image in images} <= {bytes(image) for image in cut}


def test_per_class_is_for_one_class_an_image(tmp_path):
    root = tree(tmp_path / "in")
    (root / "t.csv").write_text("image,a,b\ncat/1.png,1,0\ncat/2.png,1,1\ncat/3.png,0,1\ncat/4.png,1,1\n")
    entry = {"source": "csv", "table": "t.csv", "labels": ["a", "b"], "test": 0.4, "validation": 0.4}
    with pytest.raises(BakeoffError, match=r"per_class: .*multi-label.*limit"):
        prepare_entry(root=str(root), per_class={"train": 1}, **entry)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"per_class": {"tain": 3}}, "did you mean 'train'"),
        ({"per_class": {"train": 0}}, "greater than 0"),
        ({"limit": 0}, "greater than 0"),
    ],
)
def test_wrong_keys(entry, message):
    with pytest.raises(StudyError, match=message):
        dataset_of(source="digits", **entry)


def test_a_crop_of_no_pixels():
    with pytest.raises(BakeoffError, match=r"center_crop: found 0; allowed: sizes of at least 1 pixel"):
        prepare_entry(source="digits", center_crop=0)


def test_unset_keys_do_not_change_a_specification():
    entry = dataset_of(source="digits").content["entry"]
    assert not {"per_class", "limit", "center_crop"} & set(entry)
    assert dataset_of(source="digits", limit=5).content["entry"]["limit"] == 5


IMAGES = np.zeros((3, 1, 2, 2), np.uint8)


@pytest.mark.parametrize(
    ("labels", "task", "message"),
    [
        (np.zeros((3, 2), np.uint8), "multi-class", "a multi-class dataset of 2 classes needs int64"),
        (np.zeros(3, np.int64), "multi-label", r"needs uint8 \[3, 2\]"),
        (np.zeros((3, 3), np.uint8), "multi-label", r"needs uint8 \[3, 2\]"),
        (np.array([[0, 1], [2, 0], [255, 0]], np.uint8), "multi-label", r"labels \[2\]; allowed: 0, 1, and 255"),
        (np.array([0, 1, 2]), "multi-class", r"labels \[2\]; allowed: 0\.\.1"),
        (np.array([0, 1]), "multi-class", "3 images and 2 labels"),
    ],
)
def test_labels_that_do_not_match(labels, task, message):
    with pytest.raises(BakeoffError, match=message):
        whole_splits(SourceData({"train": (IMAGES, labels)}, ["a", "b"], task))
