"""`bakeoff merge`: runs of two machines are joined, if they are of the same study."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bakeoff.commands.merge import merge
from bakeoff.errors import BakeoffError
from bakeoff.results.study_folder import finished_runs, usable_results
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import trial_trainings
from synthetic_runs import layout_in, result_of, study_of, write_run
from terminal import STUDIES, bakeoff, snakemake
from tuned_study import CELL, finished_tuning


def machine(folder: Path, seeds: list[int], data: str | None = None, **changes: Any) -> tuple[Study, Layout]:
    """Results of some seeds of a study."""
    study = study_of(seeds=seeds, **changes)
    layout = layout_in(folder, study)
    for run in runs(study):
        written(study, layout, run, data)
    return study, layout


def written(study: Study, layout: Layout, run: Run, data: str | None = None) -> None:
    write_run(layout, run, result_of(study, run) | ({"data": data} if data else {}))
    layout.run(run).model.write_bytes(run.key.encode())


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_runs_of_both_are_joined_and_the_other_folder_stays(tmp_path: Path) -> None:
    _, here = machine(tmp_path / "a", [0, 1])
    _, there = machine(tmp_path / "b", [1, 2, 3])
    kept = here.run(finished(here)[1])
    kept.model.write_bytes(b"ours")
    before = content_of(there.folder)
    assert merge(here.folder, there.folder)[0] == f"8 runs taken from {there.folder}, 4 were there"
    assert content_of(there.folder) == before and kept.model.read_bytes() == b"ours"
    assert sorted(finished(here)) == sorted(runs(study_of(seeds=4)))
    for run in finished(there):
        if run.seed > 1:
            assert all(
                ours.read_bytes() == theirs.read_bytes()
                for ours, theirs in zip(here.run(run).files, there.run(run).files, strict=True)
            )
    assert merge(here.folder, there.folder)[0] == f"0 runs taken from {there.folder}, 12 were there"


def finished(layout: Layout) -> list[Run]:
    return list(usable_results(finished_runs(layout))[0])


@pytest.mark.parametrize(
    "changes, difference",
    [
        ({"optimizers": {"sgd": {"name": "SGD", "lr": 0.2}, "adam": {"name": "Adam", "lr": 0.002}}},
         "optimizers.sgd.lr is 0.1 and 0.2"),
        ({"metric": "macro_f1"}, "metric is 'accuracy' and 'macro_f1'"),
        ({"split_seed": 3}, "datasets.digits.split_seed is 0 and 3"),
        ({"recipes": {"plain": {"epochs": 5, "batch_size": 64}}},
         "recipes.plain.epochs is 4 and 5; recipes.plain.batch_size is 32 and 64"),
    ],
)  # fmt: skip
def test_other_studies_are_refused_with_the_difference(
    tmp_path: Path, changes: dict[str, Any], difference: str
) -> None:
    _, here = machine(tmp_path / "a", [0])
    _, there = machine(tmp_path / "b", [1], **changes)
    before = content_of(tmp_path)
    with pytest.raises(BakeoffError, match=f"not of the same study: {difference}"):
        merge(here.folder, there.folder)
    assert content_of(tmp_path) == before


def test_other_images_under_the_same_name_are_refused(tmp_path: Path) -> None:
    _, here = machine(tmp_path / "a", [0], data="1234")
    _, there = machine(tmp_path / "b", [1], data="5678")
    with pytest.raises(BakeoffError, match="the short name of the images of digits is '1234' and '5678'"):
        merge(here.folder, there.folder)


def test_an_entry_that_only_another_experiment_has_is_compared_too(tmp_path: Path) -> None:
    _, here = machine(tmp_path / "a", [0], experiments=[{"architectures": "linear"}])
    other = {"sgd": {"name": "SGD", "lr": 0.3}, "adam": {"name": "Adam", "lr": 0.002}}
    _, there = machine(tmp_path / "b", [0], experiments=[{"architectures": "deep"}], optimizers=other)
    with pytest.raises(BakeoffError, match=r"optimizers.sgd.lr is 0.1 and 0.3"):
        merge(here.folder, there.folder)


def test_what_is_half_finished_or_damaged_is_not_taken(tmp_path: Path) -> None:
    _, here = machine(tmp_path / "a", [0])
    _, there = machine(tmp_path / "b", [1])
    half, damaged = (Run("digits", "deep", name, "plain", 1) for name in ("sgd", "adam"))
    there.run(half).result.unlink()
    there.run(half).progress.parent.mkdir(parents=True)
    there.run(half).progress.write_text(json.dumps({"epoch": 2}))
    there.run(damaged).result.write_text("{")
    said = merge(here.folder, there.folder)
    assert said[0].startswith("2 runs taken") and said[1].startswith("1 unfinished runs were left")
    assert said[2].startswith(f"not taken: {there.run(damaged).result}: cannot use this file")
    assert not here.run(half).folder.exists() and not here.run(damaged).folder.exists()


def test_a_copy_that_was_killed_is_done_again(tmp_path: Path) -> None:
    """What SIGKILL leaves: some files in the state folder, no result."""
    _, here = machine(tmp_path / "a", [0])
    study, there = machine(tmp_path / "b", [1])
    run = runs(study)[0]
    here.run(run).finished.folder.mkdir(parents=True)
    here.run(run).finished.history.write_text("half")
    assert merge(here.folder, there.folder)[0].startswith("4 runs taken")
    assert here.run(run).history.read_text() == there.run(run).history.read_text()


def test_trials_are_taken_and_their_values_are_no_difference(tmp_path: Path) -> None:
    study, here = finished_tuning(tmp_path / "a")
    for path in here.folder.rglob("result.json"):
        path.with_name("model.safetensors").touch()
        path.with_name("predictions.npz").touch()
    there = Layout(study.study, tmp_path / "b/results")
    shutil.copytree(here.folder, there.folder)
    trials = trial_trainings(study, here, CELL)
    for training in trials[:2]:
        shutil.rmtree(training.paths.folder)
    shutil.rmtree(here.run(CELL.run(0)).folder)
    assert merge(here.folder, there.folder)[0].startswith("3 runs taken")
    assert all(training.paths.result.exists() for training in trials) and here.run(CELL.run(0)).result.exists()


def test_folders_that_are_none(tmp_path: Path) -> None:
    _, here = machine(tmp_path / "a", [0])
    with pytest.raises(BakeoffError, match="are the same folder"):
        merge(here.folder, here.folder)
    with pytest.raises(BakeoffError, match="there are no results of a study here; did you mean"):
        merge(here.folder, here.results)


def test_snakemake_trains_nothing_of_what_was_merged(finished_study: Path, tmp_path: Path) -> None:
    """The other machine had seed 1. Here nothing is prepared yet: the data are newer than the runs that were taken."""
    for name, lost in (("here", "seed1"), ("other", "seed0")):
        runs = tmp_path / name / "results/tiny/runs"
        shutil.copytree(finished_study / "results/tiny/runs", runs)
        for folder in list(runs.rglob(lost)):
            shutil.rmtree(folder)
    said = bakeoff(tmp_path / "here", "merge", "results/tiny", tmp_path / "other/results/tiny")
    assert said.stdout.startswith("3 runs taken from"), said.stderr
    ended = snakemake(tmp_path / "here", STUDIES / "tiny.yaml")
    assert ended.returncode == 0, ended.stderr
    logs = [path.read_text() for path in (tmp_path / "here/results/tiny/logs").rglob("seed1.log")]
    assert all("was finished by an earlier attempt" in log for log in logs)
    for path in (finished_study / "results/tiny/runs").rglob("seed1/result.json"):
        ours = tmp_path / "here" / path.relative_to(finished_study)
        assert ours.read_bytes() == path.read_bytes()
    assert "perceptron" in (tmp_path / "here/report/tiny/report.md").read_text()
