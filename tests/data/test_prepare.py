import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from entries import dataset_of, prepare_entry

import bakeoff.data.prepare as module
from bakeoff.data.card import DamagedData, read_card, verify
from bakeoff.data.loading import check_dataset
from bakeoff.data.prepare import prepare, prepare_if_needed
from bakeoff.data.prepared import load_prepared
from bakeoff.data.source import SourceData
from bakeoff.data.source_files import UNKNOWN, changed_source
from bakeoff.data.sources.downloads import folder_to_write
from bakeoff.errors import BakeoffError
from bakeoff.files import stamp
from bakeoff.study.plugin_files import REGISTRIES, Plugin

DIGITS = dataset_of(source="digits")


@pytest.fixture
def digits():
    prepare(DIGITS)
    return DIGITS.folder


def test_digits_card_and_splits(digits):
    card, data = read_card(digits), load_prepared(digits)
    assert card["shape"] == [1, 8, 8]
    assert card["counts"] == {"train": 1293, "validation": 144, "test": 360}
    assert card["classes"] == list("0123456789")
    assert card["task"] == "multi-class"
    images, labels = data.splits["train"]
    assert images.dtype == np.uint8 and labels.dtype == np.int64
    assert images.max() == 255 and images.flags.c_contiguous
    assert card["mean"] == pytest.approx([float(np.mean(images / 255))], abs=1e-12)
    assert card["std"] == pytest.approx([float(np.std(images / 255))], abs=1e-12)
    assert verify(digits, full=True) == []
    assert card == json.loads((digits / "card.json").read_text())


def test_splits_are_stratified_and_disjoint(digits):
    card, data = read_card(digits), load_prepared(digits)
    whole = np.sum([card["class_counts"][split] for split in card["counts"]], axis=0)
    for split, count in card["counts"].items():
        expected = whole * count / whole.sum()
        assert np.abs(np.array(card["class_counts"][split]) - expected).max() <= 1.5
    together = np.concatenate([images.reshape(len(images), -1) for images, _ in data.splits.values()])
    from sklearn.datasets import load_digits

    original = np.rint(load_digits().images * 255 / 16).astype(np.uint8).reshape(1797, -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, original))


def test_split_seed_decides_the_splits(digits):
    first = read_card(digits)
    assert prepare(DIGITS)["files"] == first["files"]
    other = prepare(dataset_of(source="digits", split_seed=1))
    assert other["files"]["test_images.npy"]["sha256"] != first["files"]["test_images.npy"]["sha256"]


def test_resize_and_mode_work_on_arrays():
    assert prepare_entry(source="digits", resize=[12, 10], mode="RGB").card["shape"] == [3, 12, 10]


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"source": "digit"}, "did you mean 'digits'"),
        ({"source": "digits", "test": 0.1}, "unknown argument 'test'"),
        ({"source": "torchvision"}, "missing 'dataset'"),
        ({"source": "torchvision", "dataset": "FashionMINST"}, "did you mean 'FashionMNIST'"),
        ({"source": "torchvision", "dataset": "CIFAR10", "fold": 1}, "unknown argument 'fold'"),
        ({"source": "torchvision", "dataset": "EMNIST"}, "missing 'split'"),
        ({"source": "torchvision", "dataset": "EMNIST", "split": "leters"}, "did you mean 'letters'"),
        ({"source": "torchvision", "dataset": "VisionDataset"}, "no dataset 'VisionDataset'"),
        ({"source": "folder", "test": 1.5}, "between 0 and 1"),
    ],
)
def test_wrong_entries_are_refused_without_data(entry, part):
    with pytest.raises(BakeoffError, match=part):
        check_dataset(dataset_of(**entry))


def test_nothing_is_done_when_all_is_well(digits):
    before = {path.name: path.stat().st_mtime_ns for path in digits.iterdir()}
    prepare_if_needed(DIGITS)
    assert before == {path.name: path.stat().st_mtime_ns for path in digits.iterdir()}


def test_an_older_list_of_source_files_has_data_prepared_again_unless_their_files_are_gone(digits, tmp_path):
    """What was prepared when EXIF turned pictures twice. Equal data keep their time, and train nothing again."""
    entry = tmp_path / "labels.csv"
    entry.write_text("")
    os.utime(digits / "card.json", (1_000_000, 1_000_000))
    (digits / "source_files.json").write_text(json.dumps({str(entry): stamp(entry)}))
    assert changed_source(digits) == UNKNOWN
    prepare_if_needed(DIGITS, look_at_source=True)
    assert changed_source(digits) is None
    assert (digits / "card.json").stat().st_mtime == 1_000_000
    (digits / "source_files.json").write_text(json.dumps({str(entry): stamp(entry)}))
    entry.unlink()
    assert changed_source(digits) is None


def test_what_a_download_lists_is_not_what_data_are_made_from(tmp_path, monkeypatch):
    """Another dataset may be downloaded into the same folder later."""
    root, mine = tmp_path / "data", tmp_path / "data" / "mine" / "images.npy"

    def load(request):
        assert not mine.exists() and not list(root.iterdir())
        with pytest.raises(FileNotFoundError):
            np.load(mine)
        with folder_to_write(request):
            mine.parent.mkdir()
            np.save(mine, np.arange(12 * 16, dtype=np.uint8).reshape(12, 1, 4, 4))
        return SourceData({"train": (np.load(mine), np.arange(12) % 2)}, ["a", "b"], test_share=0.25)

    monkeypatch.setitem(REGISTRIES["source"], "downloaded", Plugin("downloaded", "", load))
    root.mkdir()
    downloaded = dataset_of(source="downloaded", root=str(root), validation=0.25)
    prepare(downloaded)
    (root / "another").mkdir()
    assert changed_source(downloaded.folder) is None
    np.save(mine, np.zeros(1))
    assert changed_source(downloaded.folder) == f"{mine} has changed"


def test_truncated_array_is_noticed_and_rebuilt_with_its_old_time(digits, capsys):
    os.utime(digits / "card.json", (1_000_000, 1_000_000))
    content = (digits / "train_images.npy").read_bytes()
    (digits / "train_images.npy").write_bytes(content[:-100])
    with pytest.raises(DamagedData, match=r"train_images\.npy"):
        load_prepared(digits)
    prepare_if_needed(DIGITS)
    assert "train_images.npy" in capsys.readouterr().err
    assert (digits / "train_images.npy").read_bytes() == content
    assert verify(digits, full=True) == []
    made = [path for path in digits.iterdir() if path.name != "source_files.json"]
    assert {path.stat().st_mtime for path in made} == {1_000_000}


def test_other_damage(digits):
    path = digits / "test_labels.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\1")
    assert verify(digits) == []
    assert "SHA-256" in verify(digits, full=True)[0]
    path.unlink()
    assert "missing" in verify(digits)[0]
    (digits / "card.json").write_text("{")
    with pytest.raises(DamagedData, match=r"card\.json"):
        load_prepared(digits)


def test_another_entry_is_prepared_anew(digits, capsys):
    other = dataset_of(source="digits", validation=0.2)
    digits.rename(other.folder)
    card = prepare_if_needed(other)
    assert card["counts"]["validation"] == 288
    assert "another dataset entry" in capsys.readouterr().err


def test_full_disk_leaves_nothing_half_written(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    written = module.write_array
    calls = iter([written, written, written, full])
    monkeypatch.setattr(module, "write_array", lambda *given: next(calls)(*given))
    with pytest.raises(BakeoffError, match="no space"):
        prepare(DIGITS)
    assert not DIGITS.folder.exists()


def test_two_processes_prepare_once():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from entries import dataset_of;"
        "import bakeoff.data.prepare as m; real = m.prepare;"
        "m.prepare = lambda *a: (print('prepared'), real(*a))[1];"
        "m.prepare_if_needed(dataset_of(source='digits'))"
    )
    command = [sys.executable, "-c", script, os.path.dirname(__file__)]  # noqa: PTH120
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in both) == ["", "prepared"]
    assert [process.returncode for process in both] == [0, 0]


def test_a_failure_leaves_no_empty_folder(tmp_path):
    absent = dataset_of(source="folder", root=str(tmp_path / "absent"))
    with pytest.raises(BakeoffError, match="there is no folder"):
        prepare_if_needed(absent)
    assert not absent.folder.exists()
