"""What is written behind Snakemake's back, or damaged, never passes for the study's results: it is made again."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from terminal import STUDIES, bakeoff, snakemake

CLOCK = re.compile(r"second|memory|started|finished|energy")
TINY = yaml.safe_load((STUDIES / "tiny.yaml").read_text())


@pytest.fixture
def finished(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, times of files kept, with its study file."""
    folder = Path(shutil.copytree(finished_study, tmp_path / "study", symlinks=True))
    write_study(folder, TINY)
    return folder


def write_study(folder: Path, study: dict, name: str = "study.yaml") -> Path:
    (folder / name).write_text(yaml.safe_dump(study, sort_keys=False))
    return folder / name


def run(folder: Path, *arguments: object, fails: bool = False) -> str:
    """What Snakemake says."""
    ended = snakemake(folder, folder / "study.yaml", *arguments)
    assert (ended.returncode != 0) == fails, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def trained(output: str) -> set[str]:
    return set(re.findall(r"training (\S+)", output))


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Summary and statistics, without times and memory."""
    found = sorted((folder / "results/tiny/summary").rglob("*.csv"))
    tables = {str(path.relative_to(folder)): pd.read_csv(path) for path in found}
    return {
        name: table[[column for column in table if not CLOCK.search(column)]]
        for name, table in tables.items()
        if "cost" not in name and "trade" not in name
    }


def assert_same_tables(folder: Path, expected: Path) -> None:
    ours, theirs = tables(folder), tables(expected)
    assert ours.keys() == theirs.keys()
    for name, table in theirs.items():
        pd.testing.assert_frame_equal(ours[name], table)


def test_a_corrected_typo_leaves_no_report_of_the_broken_study(finished: Path, finished_study: Path) -> None:
    broken = TINY["optimizers"] | {"adam": {"name": "Adm", "lr": 2e-3}}
    write_study(finished, TINY | {"optimizers": broken})
    assert "did you mean 'Adam'?" in run(finished, fails=True)
    runs = pd.read_csv(finished / "results/tiny/summary/runs.csv")
    assert (runs["status"] == "missing").sum() == 2  # the report of what there is, made on the way
    write_study(finished, TINY)
    assert trained(run(finished)) == set()
    assert_same_tables(finished, finished_study)
    assert "Nothing to be done" in run(finished)


@pytest.mark.slow
def test_a_report_made_by_hand_from_another_study_does_not_stay(finished: Path, finished_study: Path) -> None:
    other = write_study(finished, TINY | {"seeds": [1], "title": "Another"}, "other.yaml")
    made = bakeoff(finished, "report", other)
    assert made.returncode == 0, made.stderr
    assert "Another" in (finished / "report/tiny/report.html").read_text()
    assert trained(run(finished)) == set()
    assert_same_tables(finished, finished_study)
    assert "Another" not in (finished / "report/tiny/report.html").read_text()


def test_a_report_made_by_hand_of_the_same_study_stays(finished: Path) -> None:
    made = bakeoff(finished, "report", "study.yaml", "--render-only")
    assert made.returncode == 0, made.stderr
    assert "Nothing to be done" in run(finished)


@pytest.mark.slow  # a storm does so in every run
def test_damaged_tables_and_figures_are_made_again(finished: Path, finished_study: Path) -> None:
    results, figure = finished / "results/tiny", finished / "results/tiny/figures/comparison_digits.svg"
    figure.unlink()
    assert trained(run(finished)) == set()
    assert figure.exists()
    (results / "made/figures.json").write_text("{")
    (results / "summary/runs.csv").write_text("dataset\n")
    (finished / "report/tiny/report.md").write_text("")
    assert trained(run(finished)) == set()
    assert_same_tables(finished, finished_study)
    assert (finished / "report/tiny/report.md").read_text()
    assert "Nothing to be done" in run(finished, "-n")


def test_plans_are_checked_again_without_training(finished: Path) -> None:
    """Deleted, damaged, or of other data, as when data were deleted and prepared again."""
    plans = finished / "results/tiny/plan"
    whole = {path.name: path.read_bytes() for path in plans.iterdir()}
    deleted, damaged, other = (plans / name for name in sorted(whole)[:3])
    deleted.unlink()
    damaged.write_text("{")
    content = json.loads(other.read_text())
    del content["checksum"]
    other.write_text(json.dumps(content | {"data": "0123456789abcdef"}))
    assert trained(run(finished)) == set()
    assert {path.name: path.read_bytes() for path in plans.iterdir()} == whole
    assert "Nothing to be done" in run(finished, "-n")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def improve(path: Path) -> None:
    """A better score than the run had."""
    result = json.loads(path.read_text())
    result["metrics"]["test"]["accuracy"] = 0.999
    path.write_text(json.dumps(result, indent=2))


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "digits/logistic/sgd/plain/seed0": ("result.json", cut),
    "digits/logistic/sgd/plain/seed1": ("result.json", improve),
    "digits/perceptron/sgd/plain/seed0": ("model.safetensors", lambda path: path.write_bytes(b"")),
    "digits/perceptron/sgd/plain/seed1": ("predictions.npz", flip),
    "digits/perceptron/adam/plain/seed0": ("history.csv", cut),
}


def test_what_runs_no_job_changes_nothing(finished: Path) -> None:
    """Also where another Snakemake is at work on the study, and has locked its files."""
    run_folder = finished / "results/tiny/runs/digits/logistic/sgd/plain/seed0"
    cut(run_folder / "result.json")
    cut(finished / "results/tiny/plan" / min(path.name for path in (finished / "results/tiny/plan").iterdir()))
    (finished / "report/tiny/report.md").write_text("")
    next(finished.glob("results/data/*/source_files.json")).unlink()

    def files() -> dict[Path, tuple[int, int]]:
        stats = {path: path.stat() for path in finished.rglob("*") if ".snakemake" not in path.parts and path.is_file()}
        return {path: (found.st_size, found.st_mtime_ns) for path, found in stats.items()}

    before = files()
    for argument in ("--summary", "--list", "--unlock"):
        run(finished, argument)
        assert files() == before
    locks = finished / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text(f"{(run_folder / 'result.json').relative_to(finished)}\n")
    assert "cannot be locked" in run(finished, fails=True)
    assert files() == before


def test_damaged_runs_are_trained_again(finished: Path, finished_study: Path) -> None:
    runs = finished / "results/tiny/runs"
    for name, (file, damage) in DAMAGES.items():
        damage(runs / name / file)
    said = run(finished, "-n")
    assert trained(said) == {*DAMAGES}
    for name, (file, _) in DAMAGES.items():
        assert f"{name} is trained again: results/tiny/runs/{name}/{file}: cannot use this file of a run" in said
    assert "start snakemake" not in said
    # The files in the state folder are the same inodes as the outputs: one fault damages both.
    killed_after = "digits/logistic/sgd/plain/seed0"
    kept = finished / "results/tiny/state" / killed_after / "finished"
    kept.mkdir(parents=True)
    for path in (runs / killed_after).iterdir():
        os.link(path, kept / path.name)
    by_hand = bakeoff(finished, "report", "study.yaml")
    assert by_hand.returncode == 1 and by_hand.stderr.count("\n") == 1, by_hand.stderr
    assert "perceptron/sgd/plain/seed1/predictions.npz: cannot use" in by_hand.stderr
    assert trained(run(finished)) == {*DAMAGES}
    assert_same_tables(finished, finished_study)
    for name in DAMAGES:
        for file in ("model.safetensors", "predictions.npz"):
            ours, theirs = (folder / "results/tiny/runs" / name / file for folder in (finished, finished_study))
            assert ours.read_bytes() == theirs.read_bytes()


@pytest.fixture(scope="module")
def finished_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study of pictures of two classes, and of digits. Only to be copied."""
    tmp_path = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for split, label in ((split, label) for split in ("train", "test") for label in ("dark", "light")):
        folder = tmp_path / "pictures" / split / label
        folder.mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 128, (8, 8), dtype=np.uint8) + (100 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    study = {
        "study": "tiny",
        "datasets": {
            "digits": {"source": "digits", "limit": 200},
            "pictures": {"source": "folder", "root": "pictures", "validation": 0.25},
        },
        "architectures": {"logistic": {"model": "mlp"}},
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}},
        "recipes": {"plain": {"epochs": 1}},
        "seeds": [0],
    }
    write_study(tmp_path, study)
    run(tmp_path)
    return tmp_path


@pytest.fixture
def pictures(finished_pictures: Path) -> Iterator[Path]:
    """The folder itself, as it was: the source's files are known by their places."""
    kept = finished_pictures.with_name("kept")
    shutil.copytree(finished_pictures, kept, symlinks=True)
    yield finished_pictures
    shutil.rmtree(finished_pictures)
    kept.rename(finished_pictures)


OF_PICTURES = {"pictures/logistic/sgd/plain/seed0"}


def test_changed_data_train_again_what_used_them_and_nothing_else(pictures: Path) -> None:
    train, card = pictures / "pictures/train", next(pictures.glob("results/data/pictures-*/card.json"))
    assert "Nothing to be done" in run(pictures)

    for path in train.rglob("*.png"):  # rewritten, but equal
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    said = run(pictures)
    assert "pictures is prepared again: " in said and trained(said) == set()
    assert "Nothing to be done" in run(pictures)

    corrected = train / "dark/3.png"
    Image.new("L", (8, 8), 7).save(corrected)
    said = run(pictures, "-n")
    assert f"pictures would be prepared again: {corrected} has changed" in said and trained(said) == OF_PICTURES
    before = card.read_bytes()
    assert trained(run(pictures)) == OF_PICTURES
    assert card.read_bytes() != before

    changes: list[Callable[[], object]] = [
        lambda: shutil.move(train / "dark/4.png", train / "light/14.png"),  # a corrected label
        lambda: (train / "dark/5.png").unlink(),
        lambda: Image.new("L", (8, 8), 250).save(train / "light/20.png"),
    ]
    for change in changes:
        change()
        assert trained(run(pictures, "-n")) == OF_PICTURES
        assert bakeoff(pictures, "prepare", "study.yaml", "pictures").returncode == 0
    assert trained(run(pictures)) == OF_PICTURES
    assert json.loads(card.read_text())["counts"]["train"] == 18
    assert "Nothing to be done" in run(pictures)


@pytest.mark.slow
def test_images_that_are_not_chosen_may_change(pictures: Path) -> None:
    study = yaml.safe_load((pictures / "study.yaml").read_text())
    study["datasets"]["pictures"]["limit"] = 10
    write_study(pictures, study)
    earlier = {*pictures.glob("results/data/pictures-*/source_files.json")}
    run(pictures)
    (known,) = {*pictures.glob("results/data/pictures-*/source_files.json")} - earlier
    taken = json.loads(known.read_text())["files"]
    unused = next(path for path in (pictures / "pictures/train").rglob("*.png") if str(path) not in taken)
    Image.new("L", (8, 8), 7).save(unused)
    assert "Nothing to be done" in run(pictures)


def test_damaged_prepared_data_are_prepared_again_and_outlive_their_source(pictures: Path) -> None:
    flip(next(pictures.glob("results/data/pictures-*/train_images.npy")))
    said = run(pictures)
    assert "pictures is prepared again" in said and trained(said) == set()
    shutil.rmtree(pictures / "pictures")
    assert "Nothing to be done" in run(pictures)


@pytest.mark.slow
def test_a_run_that_was_killed_does_not_go_on_with_other_data(pictures: Path) -> None:
    """Nor is one taken for finished that was finished with other data."""
    key = next(iter(OF_PICTURES))
    result = pictures / "results/tiny/runs" / key / "result.json"
    of_data = json.loads(result.read_text())["data"]
    kept = pictures / "results/tiny/state" / key / "finished"
    kept.mkdir(parents=True, exist_ok=True)
    for path in result.parent.iterdir():
        os.link(path, kept / path.name)
    shutil.rmtree(result.parent)
    Image.new("L", (8, 8), 7).save(pictures / "pictures/train/dark/3.png")
    run(pictures)
    assert json.loads(result.read_text())["data"] != of_data
