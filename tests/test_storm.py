"""A storm: random edits of study, data and results, and faults, each followed by `snakemake`; then the right study.

What it leaves must be what an untouched folder has. `BAKEOFF_STORM=300` says how many edits, and
`BAKEOFF_STORM_SEED` which.
"""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from terminal import BIN, ENVIRONMENT, ROOT, bakeoff, snakemake
from test_again import assert_same_tables, cut, flip

EDITS = int(os.environ.get("BAKEOFF_STORM", "30"))
SEED = int(os.environ.get("BAKEOFF_STORM_SEED", "0"))
STUDY: dict[str, Any] = {
    "study": "tiny",
    "datasets": {"pictures": {"source": "folder", "root": "pictures", "validation": 0.25}},
    "architectures": {"logistic": {"model": "mlp"}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}, "adam": {"name": "Adam", "lr": 0.01}},
    "recipes": {"plain": {"epochs": 1}},
    "seeds": [0, 1],
}


@dataclass
class Place:
    """A folder with a study, its data, and dice."""

    folder: Path
    dice: random.Random

    def write(self, **changes: Any) -> None:
        (self.folder / "study.yaml").write_text(yaml.safe_dump(STUDY | changes, sort_keys=False))

    def some(self, pattern: str) -> Path | None:
        """One of the files of a pattern; None where there is none."""
        found = sorted(path for path in self.folder.glob(pattern) if path.is_file())
        return self.dice.choice(found) if found else None


def make_pictures(folder: Path) -> None:
    drawn = np.random.default_rng(0)
    for split in ("train", "test"):
        for label, base in (("dark", 0), ("light", 100)):
            (folder / "pictures" / split / label).mkdir(parents=True)
            for number in range(12):
                pixels = drawn.integers(0, 128, (8, 8)) + base
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"pictures/{split}/{label}/{number}.png")


def edit_study(place: Place) -> None:
    changes: list[dict[str, Any]] = [
        {"optimizers": STUDY["optimizers"] | {"adam": {"name": "Adm", "lr": 0.01}}},
        {"optimizers": STUDY["optimizers"] | {"adam": {"name": "Adam", "lr": 0.02}}},
        {"optimizers": {"sgd": STUDY["optimizers"]["sgd"]}},
        {"seeds": [1]},
        {"seeds": [1, 0, 2]},
        {"exclude": [{"optimizers": ["adam"]}]},
        {"datasets": {"pictures": {"source": "folder", "root": "nowhere"}}},
        {"datasets": STUDY["datasets"] | {"digits": {"source": "digits", "limit": 150}}},
        {"title": "Another title"},
        {"metric": "loss"},
        {"language": "ru"},
        {"recipes": {"plain": {"epochs": 2}}},
        {},
    ]
    place.write(**place.dice.choice(changes))


def edit_data(place: Place) -> None:
    path = place.some("pictures/*/*/*.png")
    assert path is not None
    label, number = place.dice.choice(("dark", "light")), place.dice.randrange(100, 200)
    other = place.folder / "pictures/train" / label / f"{number}.png"
    gray = Image.new("L", (8, 8), place.dice.randrange(256))
    edits: list[Callable[[], object]] = [
        path.unlink,
        lambda: path.rename(other),
        lambda: gray.save(path),
        lambda: gray.save(other),
        lambda: os.utime(path),
        lambda: path.write_bytes(b"no picture"),
    ]
    place.dice.choice(edits)()


def damage(pattern: str) -> Callable[[Place], None]:
    """A file of this pattern is cut, changed, emptied or deleted."""

    def edit(place: Place) -> None:
        path = place.some(pattern)
        if path is not None:
            kinds = [cut, flip, Path.unlink, lambda damaged: damaged.write_bytes(b"")]
            place.dice.choice(kinds if path.stat().st_size else kinds[2:])(path)

    return edit


def report_by_hand(place: Place) -> None:
    bakeoff(place.folder, "report", "study.yaml")


def kill(place: Place) -> None:
    """Snakemake is killed at a random moment; its jobs go on, as orphans."""
    command = [BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", "study.yaml", "--cores", "2"]
    process = subprocess.Popen(
        command, cwd=place.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(place.dice.uniform(1, 15))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    subprocess.run(  # as a person does after reading what Snakemake says
        [*command, "--unlock"], cwd=place.folder, env=ENVIRONMENT, capture_output=True, check=False
    )


EDITS_OF: list[Callable[[Place], None]] = [
    *(edit_study, edit_study, edit_data, edit_data, report_by_hand, kill),
    damage("results/tiny/runs/**/*.*"),
    damage("results/tiny/summary/*"),
    damage("results/tiny/figures/**/*.svg"),
    damage("results/tiny/made/*"),
    damage("results/tiny/seen.json"),
    damage("results/data/*/*"),
    damage("results/tiny/plan/*"),
    damage("report/tiny/*.*"),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untouched")
    make_pictures(folder)
    Place(folder, random.Random(0)).write()
    ended = snakemake(folder, folder / "study.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize("edits", [8, pytest.param(EDITS, marks=pytest.mark.slow)])
def test_a_storm_leaves_what_an_untouched_folder_has(untouched: Path, tmp_path: Path, edits: int) -> None:
    place = Place(tmp_path / "stormed", random.Random(SEED))
    place.folder.mkdir()
    make_pictures(place.folder)
    place.write()
    log = []
    for _ in range(edits):
        edit = place.dice.choice(EDITS_OF)
        edit(place)
        ended = snakemake(place.folder, place.folder / "study.yaml")
        said = ended.stdout + ended.stderr
        log.append(f"{edit.__qualname__} {ended.returncode}")
        assert "Traceback" not in said, (log, said)

    shutil.rmtree(place.folder / "pictures")
    make_pictures(place.folder)
    place.write()
    ended = snakemake(place.folder, place.folder / "study.yaml")
    assert ended.returncode == 0, (log, ended.stderr)
    assert_same_tables(place.folder, untouched)
    for path in sorted(untouched.glob("results/tiny/runs/**/*.[ns]*")):
        if path.suffix in (".npz", ".safetensors"):
            assert (place.folder / path.relative_to(untouched)).read_bytes() == path.read_bytes()
    assert_report_is_of_these_results(place.folder, tmp_path / "again")
    again = snakemake(place.folder, place.folder / "study.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr


def assert_report_is_of_these_results(folder: Path, copy: Path) -> None:
    """Made anew by hand from the same results, so that their times are the same."""
    shutil.copytree(folder / "results", copy / "results", symlinks=True)
    shutil.copy(folder / "study.yaml", copy)
    for name in ("summary", "figures", "made"):
        shutil.rmtree(copy / "results/tiny" / name)
    made = bakeoff(copy, "report", "study.yaml")
    assert made.returncode == 0, made.stderr
    for name in ("report.md", "report.html", "latex/report.tex"):
        assert (folder / "report/tiny" / name).read_bytes() == (copy / "report/tiny" / name).read_bytes()
    summary = json.dumps([path.name for path in sorted((folder / "results/tiny/summary").iterdir())])
    assert summary == json.dumps([path.name for path in sorted((copy / "results/tiny/summary").iterdir())])
