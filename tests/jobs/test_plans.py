"""Plan files: which the plan step has to look at, and when they change."""

import json
import shutil
from pathlib import Path

import pytest

from bakeoff.jobs.plans import unchecked, write_plan
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from terminal import STUDIES


def test_a_plan_is_of_the_data_that_are_here(
    finished_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the data are missing they may come back as others: then every plan is looked at."""
    folder = tmp_path / "copy"
    shutil.copytree(finished_study, folder, symlinks=True)
    monkeypatch.chdir(folder)
    study = load_study(STUDIES / "tiny.yaml")
    layout = Layout(study.study)
    assert unchecked(study, layout) == {}
    (card,) = folder.glob("results/data/*/card.json")
    card.unlink()
    assert list(unchecked(study, layout)) == list(study.cells)


def test_an_equal_plan_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    before = path.stat().st_mtime_ns, path.read_bytes()
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    write_plan(path, {"shape": (1, 8, 8)}, "other data")
    assert json.loads(path.read_text())["data"] == "other data"
    path.write_bytes(before[1][:-9])
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    assert path.read_bytes() == before[1]
