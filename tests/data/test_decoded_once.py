"""Datasets that are split repeatedly: their cuts, and that images are decoded once."""

import json
from pathlib import Path

import numpy as np
import pytest
from entries import study_of
from PIL import Image

import bakeoff.data.decoding as decoding
from bakeoff.data.card import read_card
from bakeoff.data.folds import fold
from bakeoff.data.prepare import prepare, prepare_if_needed
from bakeoff.data.prepared import load_prepared
from bakeoff.errors import BakeoffError
from bakeoff.study.specification import DatasetSpecification, specify_dataset


def cuts(**entry: object) -> list[DatasetSpecification]:
    study = study_of(**{"source": "digits", **entry})
    return [specify_dataset(study, name) for name in study.datasets]


def images_of(specification: DatasetSpecification, *splits: str) -> list[bytes]:
    data = load_prepared(specification.folder)
    return [image.tobytes() for split in splits or ("train", "validation", "test") for image in data.splits[split][0]]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Forty pictures of two classes, each with a number of its own."""
    for number in range(40):
        file = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(file)
    return tmp_path / "pictures"


def test_splits_have_all_images_each_and_other_test_images() -> None:
    three = cuts(splits=3)
    for cut in three:
        prepare(cut)
        assert read_card(cut.folder)["counts"] == {"train": 1293, "validation": 144, "test": 360}
    whole = [sorted(images_of(cut)) for cut in three]
    assert whole[0] == whole[1] == whole[2]
    tests = [set(images_of(cut, "test")) for cut in three]
    assert tests[0] != tests[1] != tests[2] != tests[0]


@pytest.mark.parametrize("count", [2, 5])
def test_each_image_is_a_test_image_of_one_fold(count: int) -> None:
    folds = cuts(folds=count)
    for cut in folds:
        prepare(cut)
    tested = [image for cut in folds for image in images_of(cut, "test")]
    assert sorted(tested) == sorted(images_of(folds[0]))
    classes = np.array([read_card(cut.folder)["class_counts"]["test"] for cut in folds])
    assert (np.ptp(classes, axis=0) <= 1).all()


def test_multi_label_folds_share_no_row_and_hold_labels_in_proportion() -> None:
    labels = (np.random.default_rng(0).random((100, 3)) < [0.5, 0.3, 0.1]).astype(np.uint8)
    parts = [fold(labels, number, 4, 0, ["a", "b", "c"]) for number in (1, 2, 3, 4)]
    assert sorted(np.concatenate([taken for _, taken in parts])) == list(range(100))
    for kept, taken in parts:
        assert sorted([*kept, *taken]) == list(range(100))
        assert np.abs(labels[taken].sum(axis=0) - labels.sum(axis=0) / 4).max() <= 1


def test_images_are_decoded_once_and_what_was_decoded_is_removed(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    genuine = decoding.open_picture
    monkeypatch.setattr(decoding, "open_picture", lambda file: opened.append(file.name) or genuine(file))
    three = cuts(source="folder", root=str(pictures), test=0.25, splits=3)
    for number, cut in enumerate(three):
        prepare(cut)
        kept = list(Path("results/data").glob("*.decoded"))
        assert len(kept) == (1 if number < 2 else 0)
    assert sorted(opened) == sorted(file.name for file in pictures.rglob("*.png"))
    for cut in three:  # as if each had been decoded by itself
        assert sorted(image[0] for image in images_of(cut)) == list(range(40))
        stamps = json.loads((cut.folder / "source_files.json").read_text())["files"]
        assert {Path(path).name for path in stamps} >= set(opened)
        assert not any("results/data" in path for path in stamps)


def test_changed_files_are_noticed_and_decoded_once_again(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three = cuts(source="folder", root=str(pictures), test=0.25, splits=3)
    for cut in three:
        prepare(cut)
    Image.fromarray(np.full((4, 4), 200, np.uint8)).save(pictures / "a" / "0.png")
    opened = []
    genuine = decoding.open_picture
    monkeypatch.setattr(decoding, "open_picture", lambda file: opened.append(file.name) or genuine(file))
    for cut in three:
        prepare_if_needed(cut, look_at_source=True)
        assert 200 in [image[0] for image in images_of(cut)]
    assert len(opened) == 40
    assert not list(Path("results/data").glob("*.decoded"))


def test_broken_files_are_refused_or_skipped_as_ever(pictures: Path) -> None:
    (pictures / "a" / "broken.png").write_bytes(b"nothing")
    first = cuts(source="folder", root=str(pictures), test=0.25, splits=2, on_bad_image="skip")[0]
    assert prepare(first)["skipped"] == ["a/broken.png"]
    with pytest.raises(BakeoffError, match=r"broken\.png"):
        prepare(cuts(source="folder", root=str(pictures), test=0.25, splits=2)[0])


def test_a_source_with_a_test_split_of_its_own_is_refused(pictures: Path) -> None:
    (pictures / "train").mkdir()
    for name in "ab":
        (pictures / name).rename(pictures / "train" / name)
        (pictures / "test" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(pictures / "test" / name / "x.png")
    with pytest.raises(BakeoffError, match=r"^datasets\.data\.folds: the source has a test split of its own"):
        prepare(cuts(source="folder", root=str(pictures), folds=5)[0])


def test_more_folds_than_a_class_has_images_are_refused(pictures: Path) -> None:
    with pytest.raises(BakeoffError, match=r"^datasets\.data\.folds: 25 folds need .* 'a' has 20"):
        prepare(cuts(source="folder", root=str(pictures), test=0.25, folds=25)[0])
