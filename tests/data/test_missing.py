"""What is wrong with data and can be said before any is read."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from entries import study_of

from bakeoff.data.missing import missing_files
from bakeoff.data.prepare import prepare_if_needed
from bakeoff.study.specification import specify_dataset
from terminal import bakeoff, snakemake


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"source": "folder", "root": "shoes", "test": 0.2}, "there is no folder shoes in {here}; set root"),
        ({"source": "folder", "root": "/nowhere"}, "there is no folder /nowhere; set root"),
        ({"source": "csv", "table": "t.csv", "label": "a"}, "there is no file data/t.csv in {here}; set root"),
        ({"source": "csv", "root": ".", "table": "t.csv", "folder": "jpg", "label": "a"}, "no folder jpg in {here}"),
        ({"source": "tiny_imagenet"}, "there is no file data/tiny-imagenet-200/wnids.txt in {here}"),
        ({"source": "voc", "classes": "found"}, "there is no folder data in {here}"),
        ({"source": "csv", "label": "a"}, "missing 'table'"),
        ({"source": "csv", "label": "a", "table": "../t.csv"}, "datasets.data.table: '../t.csv' is not a path below"),
        ({"source": "folder", "tets": 0.2}, "did you mean 'test'"),
        ({"source": "fodler"}, "unknown source 'fodler'; did you mean 'folder'"),
    ],
)
def test_what_is_missing_is_named_with_what_it_is_relative_to(tmp_path, monkeypatch, entry, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("image,a\n")
    (problem,) = missing_files(study_of(**entry))
    assert problem.keys[:2] == ("datasets", "data") and message.format(here=tmp_path) in str(problem)


@pytest.mark.parametrize(
    "entry", [{"source": "digits"}, {"source": "torchvision", "dataset": "CIFAR10"}, {"source": "voc"}]
)
def test_what_can_be_had_is_not_missing(entry):
    assert missing_files(study_of(**entry)) == []


def test_data_that_are_prepared_need_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = study_of(source="digits")
    prepare_if_needed(specify_dataset(study, "data"))
    moved = study_of(source="folder", root="gone")
    assert len(missing_files(moved)) == 1
    specify_dataset(study, "data").folder.rename(specify_dataset(moved, "data").folder)
    assert missing_files(moved) == []


def test_it_imports_no_torch():
    script = "import sys, bakeoff.data.missing; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_plan_and_a_dry_run_say_so_and_go_on(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(
        yaml.safe_dump(
            {
                "study": "test",
                "datasets": {"shoes": {"source": "folder", "root": "shoes"}},
                "architectures": {"mlp": {"model": "mlp"}},
                "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
                "recipes": {"plain": {"epochs": 1}},
            }
        )
    )
    plan = bakeoff(tmp_path, "plan", study)
    assert plan.returncode == 0 and "cannot be prepared: datasets.shoes: there is no folder shoes in" in plan.stdout
    planned = snakemake(tmp_path, study, "-n")
    assert planned.returncode == 0 and "training shoes/mlp/sgd/plain/seed0" in planned.stdout + planned.stderr
    assert (
        f"cannot be prepared: datasets.shoes: there is no folder shoes in {tmp_path}" in planned.stdout + planned.stderr
    )
    assert not Path(tmp_path / "shoes").exists()
