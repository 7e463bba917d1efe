"""The studies that ship with Bakeoff: each is whole, and runs from generated data as its real self would."""

import csv
import html
from pathlib import Path

import pytest

from bakeoff.study.reading import load_study
from bakeoff.study.study import experiments, runs
from terminal import ROOT, bakeoff, snakemake

FILES = {path.stem: path for path in sorted((ROOT / "studies").glob("*.yaml"))}
COURSEWORK = {
    "voc_resnet18": 3,
    "mnist_mlp": 12,
    "cifar10_cnn": 2 * 11,  # with SGD and with Adam
    "resnet50_stages": 10,
    "car_color_mobilenet": 3,
    "multilabel_frozen": 8,
}


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_a_study_of_its_name(name: str) -> None:
    study = load_study(FILES[name])
    assert study.study == name
    assert study.title and study.description


@pytest.mark.parametrize("name", COURSEWORK)
def test_every_rung_says_why_it_is_there(name: str) -> None:
    study = load_study(FILES[name])
    assert len(experiments(study)) == COURSEWORK[name]
    assert all(rungs.notes for cell in experiments(study) for rungs in study.rungs_of(cell))
    assert all(entry.root is None for entry in study.datasets.values())  # so that data_root says where they are
    for cell in experiments(study):
        for number in (number for rungs in study.rungs_of(cell) for number in rungs.published):
            if (number.split, number.measured) == ("test", "best_over_epochs"):
                assert study.recipes[cell.recipe].track_test


LARGE = ("voc_resnet18", "cifar10_cnn", "resnet50_stages", "car_color_mobilenet", "multilabel_frozen")
SMOKED = [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in COURSEWORK]


@pytest.mark.parametrize("name", SMOKED)
def test_it_runs_in_smoke_form_from_generated_data(name: str, tmp_path: Path) -> None:
    made = bakeoff(tmp_path, "demo-data", FILES[name], "data")
    assert made.returncode == 0, made.stderr
    ended = snakemake(tmp_path, FILES[name], "--config", "smoke=true", "data_root=data")
    assert ended.returncode == 0, ended.stderr + _logs(tmp_path)

    study = load_study(FILES[name], {"smoke": True, "data_root": "data"})
    table = (tmp_path / f"results/{study.study}/summary/runs.csv").read_text()
    assert [row["status"] for row in csv.DictReader(table.splitlines())] == ["completed"] * len(runs(study))
    page = (tmp_path / f"report/{study.study}/report.html").read_text()
    assert all(" ".join(rungs.notes.split()) in html.unescape(page) for rungs in study.experiments)


def _logs(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.glob("results/**/*.log"))[-5000:]
