"""Trials and evaluation runs: which specification they have, and where their files are."""

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.results.selection import select
from bakeoff.study.specification import specify
from bakeoff.study.trainings import (
    NotChosen,
    beside_the_runs,
    default_trainings,
    find_training,
    tracked,
    training_of,
    trial_trainings,
)
from bakeoff.study.trials import trials
from synthetic_runs import layout_in, study_of
from tuned_study import ADAM, CELL, SGD, tuned_study, write_trials

SCORES = {"trial00": 0.5, "trial01": 0.7, "trial02": 0.9, "trial03": 0.6}


def written_out(values: dict[str, Any], **changes: Any) -> Any:
    """The study that a person would write with these values."""
    sgd = {"name": "SGD", "lr": values["optimizers.sgd.lr"], "momentum": values["optimizers.sgd.momentum"]}
    return study_of(optimizers={"sgd": sgd}, **changes)


def test_a_trial_is_the_run_that_its_values_written_into_a_study_would_be(tmp_path: Path) -> None:
    study = tuned_study()
    found = trial_trainings(study, layout_in(tmp_path, study), CELL)
    assert [training.key for training in found] == [f"{CELL.key}/trial0{index}/seed1000" for index in range(4)]
    for training, trial in zip(found, trials(study).values(), strict=True):
        plain = written_out(dict(trial.values), recipes={"plain": {"epochs": 2, "batch_size": 32}}, seeds=[1000])
        assert training.specification.content == specify(plain, CELL.run(1000)).content
        assert training.paths.result == tmp_path / f"results/synthetic/trials/{training.key}/result.json"
        assert find_training(study, training.layout, training.key) == training


def test_the_same_trials_serve_each_architecture(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    optimizers = {
        cell.architecture: [t.specification.optimizer for t in trial_trainings(study, layout, cell)]
        for cell in study.cells
        if cell.optimizer == "sgd"
    }
    assert optimizers["linear"] == optimizers["deep"]


def test_an_experiment_without_a_space_has_no_trials_and_its_own_specification(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    cell = next(cell for cell in study.cells if cell.optimizer == "fixed")
    plain = study_of(optimizers={"fixed": {"name": "SGD", "lr": 0.1}})
    assert trial_trainings(study, layout, cell) == default_trainings(study, layout, cell) == []
    training = training_of(study, layout, cell.run(0))
    assert training.specification.content == specify(plain, cell.run(0)).content
    assert tracked(study, cell.run(0)) == training.specification.hash


def test_an_evaluation_run_has_the_chosen_values_and_waits_until_they_are_known(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    with pytest.raises(NotChosen, match=r"its values are not chosen yet: .*selection\.json is missing"):
        training_of(study, layout, CELL.run(0))
    write_trials(study, layout, SCORES)
    path = select(study, layout, CELL)
    training = training_of(study, layout, CELL.run(0))
    plain = written_out(dict(trials(study)["trial02"].values))
    assert training.specification.content == specify(plain, CELL.run(0)).content
    assert training.keeps
    path.write_text(path.read_text().replace('"optimizers.sgd.momentum"', '"optimizers.sgd.nesterov"'))
    with pytest.raises(NotChosen):
        training_of(study, layout, CELL.run(0))


def test_default_values_are_evaluated_with_the_seeds_of_the_study(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    found = default_trainings(study, layout, CELL)
    assert [training.key for training in found] == [f"{CELL.key}/default/seed{seed}" for seed in range(3)]
    plain = written_out(dict(trials(study)["trial00"].values))
    assert [t.specification.content for t in found] == [specify(plain, CELL.run(seed)).content for seed in range(3)]
    without = tuned_study(tuning={"trials": 4, "include_default": False})
    assert default_trainings(without, layout, CELL) == []


def test_what_snakemake_tracks_of_an_evaluation_run_changes_with_its_own_keys_alone() -> None:
    before = tracked(tuned_study(), CELL.run(0))
    wider = SGD | {"lr": {"log_uniform": [1e-6, 1], "default": 1e-4}}
    assert tracked(tuned_study(optimizers={"sgd": wider, "adam": ADAM}), CELL.run(0)) == before
    assert tracked(tuned_study(tuning={"trials": 32, "seeds": [7], "studies": 3}), CELL.run(0)) == before
    nesterov = SGD | {"nesterov": True}
    assert tracked(tuned_study(optimizers={"sgd": nesterov, "adam": ADAM}), CELL.run(0)) != before
    assert tracked(tuned_study(recipes={"plain": {"epochs": 5, "batch_size": 32}}), CELL.run(0)) != before


def test_no_other_key_finds_a_training(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    for key in ("trial00/seed0", "trial04/seed1000", "default/seed1000", "other/seed0", "seed9"):
        assert find_training(study, layout, f"{CELL.key}/{key}") is None
    assert find_training(study, layout, "digits/linear/fixed/plain/trial00/seed1000") is None
    assert len(beside_the_runs(study, layout)) == 2 * 2 * (4 + 3)


def test_a_smoke_run_tunes_next_to_nothing(tmp_path: Path) -> None:
    study = tuned_study(smoke=True)
    layout = layout_in(tmp_path, study)
    found = trial_trainings(study, layout, CELL)
    assert [training.key for training in found] == [f"{CELL.key}/trial0{index}/seed1000" for index in range(2)]
    assert {training.specification.recipe.epochs for training in found} == {1}
    assert json.dumps(study.spaces_as_written)


def test_a_smoke_run_halves_the_least_that_can_be_halved(tmp_path: Path) -> None:
    study = tuned_study(
        smoke=True, tuning={"trials": 9, "seeds": [1000, 1001], "epochs": 9, "halving": 3, "studies": 2}
    )
    rungs = [
        [(rung.key.rpartition("plain/")[2], rung.specification.epochs) for rung in training.rungs]
        for training in trial_trainings(study, layout_in(tmp_path, study), CELL)
    ]
    assert rungs == [[(f"trial0{index}/seed1000", 2), (f"trial0{index}-epoch1/seed1000", 1)] for index in range(2)]
