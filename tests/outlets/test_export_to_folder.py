"""A folder holds the export of one study, and each of its runs whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.outlets.export_folder import CONTENTS
from bakeoff.outlets.registry import export_study
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from synthetic_runs import layout_in, result_of, study_of, write_run, write_runs


def made(folder: Path, **changes: Any) -> tuple[Study, Layout]:
    study = study_of(seeds=2, **changes)
    layout = layout_in(folder, study)
    write_runs(study, layout)
    return study, layout


def content_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Path → content and time of each file."""
    files: Iterator[Path] = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_second_export_touches_nothing(tmp_path: Path) -> None:
    study, layout = made(tmp_path)
    place = tmp_path / "out"
    assert export_study("csv", study, layout, str(place))[0] == f"8 runs exported to {place}, 0 were there"
    before = content_of(place)
    assert export_study("csv", study, layout, str(place))[0] == f"0 runs exported to {place}, 8 were there"
    assert content_of(place) == before


def test_a_run_that_was_trained_again_replaces_what_was_there(tmp_path: Path) -> None:
    study, layout = made(tmp_path)
    place, run = tmp_path / "out", runs(study)[3]
    export_study("csv", study, layout, str(place))
    before = content_of(place)
    write_run(layout, run, result_of(study, run, 0.123))
    assert export_study("csv", study, layout, str(place))[0].startswith("1 runs exported")
    after = content_of(place)
    assert set(after) == set(before)
    changed = {path for path in after if after[path][1] != before[path][1]}
    assert changed == {path for path in after if f"/{run.key}/" in path} | {str(place / CONTENTS)}
    score = place / run.key / f"run-{run.key.replace('/', '_')}-tag-final_test_accuracy.csv"
    assert score.read_text().splitlines()[1].endswith(",4,0.123")


def test_an_export_that_is_killed_leaves_no_half_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, layout = made(tmp_path)
    place = tmp_path / "out"
    damaged = layout.run(runs(study)[5]).history
    whole = damaged.read_text()
    damaged.write_text("epoch\nx\n")
    with pytest.raises(BakeoffError):
        export_study("csv", study, layout, str(place))
    (place / ".being-written-0123").mkdir()  # what SIGKILL leaves
    assert sorted(json.loads((place / CONTENTS).read_text())["runs"]) == sorted(run.key for run in runs(study)[:5])
    damaged.write_text(whole)
    assert export_study("csv", study, layout, str(place))[0] == f"3 runs exported to {place}, 5 were there"
    assert not list(place.glob(".*"))


def test_places_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    study, layout = made(tmp_path)
    place = tmp_path / "out"
    export_study("csv", study, layout, str(place))
    before = content_of(place)
    other, other_layout = made(tmp_path, study="other")
    with pytest.raises(BakeoffError, match="holds the csv export of the study 'synthetic'; name another folder"):
        export_study("csv", other, other_layout, str(place))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("")
    with pytest.raises(BakeoffError, match="mine: holds something else than an export"):
        export_study("csv", study, layout, str(tmp_path / "mine"))
    with pytest.raises(BakeoffError, match="is a file; name a folder"):
        export_study("csv", study, layout, str(tmp_path / "mine/thesis.tex"))
    assert content_of(place) == before
    (place / CONTENTS).write_text("{")
    with pytest.raises(BakeoffError, match="is damaged; delete"):
        export_study("csv", study, layout, str(place))
