"""The command, and what it says of studies and of targets that are not whole."""

import json
import tomllib
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.outlets import outlet
from bakeoff.outlets.registry import OUTLETS, export_study
from bakeoff.study.study import runs
from synthetic_runs import layout_in, study_of, write_runs
from terminal import ROOT, STUDIES, bakeoff


def test_an_unfinished_study_is_exported_as_far_as_it_is(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    layout.run(runs(study)[0]).result.unlink()
    layout.run(runs(study)[1]).result.write_text("{")
    said = export_study("csv", study, layout, str(tmp_path / "out"))
    assert said[0].startswith("10 runs exported")
    assert said[1].startswith("2 of 12 runs are not finished")
    assert str(layout.run(runs(study)[1]).result) in said[2]


def test_a_study_without_results_is_said(tmp_path: Path) -> None:
    study = study_of()
    with pytest.raises(BakeoffError, match=r"synthetic/runs: no finished run to export; train with bakeoff run"):
        export_study("csv", study, layout_in(tmp_path, study), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [name for name in OUTLETS if name != "csv"])
def test_a_missing_package_is_said_with_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    monkeypatch.setattr(outlet, "find_spec", lambda module: None)
    with pytest.raises(BakeoffError, match=rf"not installed; pip install 'bakeoff\[{name}\]'$"):
        export_study(name, study, layout, str(tmp_path / "out"))


def test_every_extra_can_be_installed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for known in OUTLETS.values():
        if known.extra is not None:
            assert known.module is not None and extras[known.extra][0].startswith(known.module)


def test_the_command_says_what_is_wrong_in_a_line(tmp_path: Path) -> None:
    for arguments, problem in (
        (
            ["tensorbord", STUDIES / "tiny.yaml", "--to", "out"],
            "unknown target 'tensorbord'; did you mean 'tensorboard'",
        ),
        (["csv", STUDIES / "tiny.yaml"], "say where to, with --to PLACE"),
        (["csv", STUDIES / "tiny.yaml", "--to", "out"], "no finished run to export"),
    ):
        ended = bakeoff(tmp_path, "export", *arguments)
        assert ended.returncode == 1 and problem in ended.stderr and ended.stderr.count("\n") == 1


def test_large_files_are_artifacts_on_request(finished_study: Path, tmp_path: Path) -> None:
    from bakeoff.outlets.finished_runs import finished_runs, read_record
    from bakeoff.study.paths import Layout
    from bakeoff.study.reading import load_study

    study = load_study(STUDIES / "tiny.yaml", {})
    layout = Layout("tiny", finished_study / "results")
    run, result = next(iter(finished_runs(study, layout).results.items()))
    small, large = (read_record("tiny", layout.run(run), result, each).artifacts for each in (False, True))
    assert [path.name for path in small] == ["result.json", "history.csv"]
    assert {path.name for path in large} - {path.name for path in small} == {"predictions.npz", "model.safetensors"}
    assert json.loads(small[0].read_text())["run"]["seed"] == run.seed
