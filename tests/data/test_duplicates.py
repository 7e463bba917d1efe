"""The same image in two splits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from entries import dataset_of, study_of
from PIL import Image

from bakeoff.data.choose import Split
from bakeoff.data.duplicates import MOST_PAIRS, find_duplicates
from bakeoff.data.missing import missing_files
from bakeoff.data.prepare import prepare, prepare_if_needed
from bakeoff.errors import BakeoffError
from bakeoff.study.specification import data_folder, specification_hash
from bakeoff.study.study import runs

RANDOM = np.random.default_rng(0)


def noise(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (6, 6, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two test images are in train, too: one the same file, one saved in another format. One is twice within train."""
    root = tmp_path / "in"
    for split, count in (("train", 8), ("valid", 4), ("test", 4)):
        for name in ("cat", "dog"):
            for k in range(count):
                noise(root / split / name / f"{k}.png")
    shutil.copy(root / "train/cat/3.png", root / "test/cat/1.png")
    Image.open(root / "train/dog/5.png").save(root / "test/dog/again.bmp")
    shutil.copy(root / "train/cat/0.png", root / "train/cat/7.png")
    return root


EXPECTED = [
    {
        "splits": ["train", "test"],
        "images": 2,
        "pairs": [["train/cat/3.png", "test/cat/1.png"], ["train/dog/5.png", "test/dog/again.bmp"]],
    }
]


def test_files_in_two_splits_are_named_in_a_warning_and_in_the_card(root, capsys):
    dataset = dataset_of(source="folder", root=str(root))
    assert prepare(dataset)["duplicates"] == EXPECTED
    assert json.loads((dataset.folder / "card.json").read_text())["duplicates"] == EXPECTED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "warning: datasets.data: 2 test images are in train, too: train/cat/3.png = test/cat/1.png, " in said


def test_they_are_refused_or_allowed(root, capsys):
    assert prepare(dataset_of(source="folder", root=str(root), duplicates="allow"))["duplicates"] == EXPECTED
    assert capsys.readouterr().err == ""
    refused = dataset_of(source="folder", root=str(root), duplicates="error", limit=100)
    with pytest.raises(BakeoffError, match=r"data\.duplicates: 2 test images are in train, too"):
        prepare(refused)
    assert not (refused.folder / "card.json").exists()
    with pytest.raises(BakeoffError, match="duplicates"):
        study_of(source="digits", duplicates="ignore")


def test_the_key_trains_nothing_again(root):
    hashes = []
    for policy in ({}, {"duplicates": "warn"}, {"duplicates": "allow"}, {"duplicates": "error"}):
        study = study_of(source="folder", root=str(root), **policy)
        hashes.append((specification_hash(study, runs(study)[0]), data_folder(study, "data")))
    assert len(set(hashes)) == 1


def test_prepared_data_are_refused_without_preparing_them_again(root):
    warned = dataset_of(source="folder", root=str(root))
    prepare(warned)
    strict = {"source": "folder", "root": str(root), "duplicates": "error"}
    with pytest.raises(BakeoffError, match=r"data\.duplicates: 2 test images"):
        prepare_if_needed(dataset_of(**strict))
    (problem,) = missing_files(study_of(**strict))
    assert "datasets.data.duplicates: 2 test images" in str(problem)
    assert missing_files(study_of(source="folder", root=str(root))) == []


def test_a_card_of_0_1_0_is_read_and_completed_where_it_must_be(root):
    for name in ("test/cat/1.png", "test/dog/again.bmp"):
        (root / name).unlink()
    dataset = dataset_of(source="folder", root=str(root))
    card = prepare(dataset)
    path = dataset.folder / "card.json"
    old = {key: value for key, value in card.items() if key != "duplicates"}
    path.write_text(json.dumps(old))
    old_time = path.stat().st_mtime_ns
    assert prepare_if_needed(dataset) == old
    strict = {"source": "folder", "root": str(root), "duplicates": "error"}
    (problem,) = missing_files(study_of(**strict))
    assert "run `bakeoff prepare STUDY data`" in str(problem)
    assert prepare_if_needed(dataset_of(**strict))["duplicates"] == []
    assert path.stat().st_mtime_ns == old_time
    assert missing_files(study_of(**strict)) == []


def test_rows_of_arrays():
    images = RANDOM.integers(0, 256, (300, 1, 4, 4), np.uint8)
    images[[7, 8]] = images[3]
    images[200:] = images[:100]
    labels = np.zeros(300, np.int64)
    rows = {"train": np.arange(0, 100), "validation": np.arange(100, 201), "test": np.arange(201, 300)}
    found = find_duplicates({split: Split(images, labels, chosen) for split, chosen in rows.items()})
    by_splits = {tuple(shared["splits"]): shared for shared in found}
    assert set(by_splits) == {("train", "validation"), ("train", "test")}
    assert by_splits["train", "validation"]["pairs"] == [["train image 0", "validation image 100"]]
    assert by_splits["train", "test"]["images"] == 99
    assert by_splits["train", "test"]["pairs"][0] == ["train image 1", "test image 0"]
    # By hand: rows 7 and 8 of train equal row 3, so that 97 different images are shared.
    assert len(by_splits["train", "test"]["pairs"]) == 97 <= MOST_PAIRS
