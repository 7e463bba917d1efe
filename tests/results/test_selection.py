"""Which trial is chosen."""

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.results.result import DamagedResult
from bakeoff.results.selection import select
from bakeoff.study.trainings import trial_trainings
from synthetic_runs import layout_in
from tuned_study import CELL, tuned_study, write_trials

SCORES: dict[str, float | None] = {"trial00": 0.5, "trial01": 0.9, "trial02": None, "trial03": 0.9}


def selected(folder: Path, scores: dict[str, float | None], **changes: Any) -> dict[str, Any]:
    study = tuned_study(**changes)
    layout = layout_in(folder, study)
    write_trials(study, layout, scores)
    return dict(json.loads(select(study, layout, CELL).read_text()))


def test_the_first_of_equal_trials_is_chosen_and_a_diverged_one_is_spent_budget(tmp_path: Path) -> None:
    found = selected(tmp_path, SCORES)
    assert (found["trial"], found["score"]) == ("trial01", 0.9)
    assert [trial["score"] for trial in found["trials"]] == [0.5, 0.9, None, 0.9]
    assert found["trials"][2]["statuses"] == ["diverged"]


def test_poisoned_test_scores_change_nothing(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    write_trials(study, layout, SCORES)
    before = select(study, layout, CELL).read_bytes()
    for index, training in enumerate(trial_trainings(study, layout, CELL)):
        result = json.loads(training.paths.result.read_text())
        for split in [name for name in result["metrics"] if name.startswith("test")]:
            result["metrics"][split] = {"loss": -1e9, "accuracy": 100.0 - index}
        training.paths.result.write_text(json.dumps(result))
    assert select(study, layout, CELL).read_bytes() == before


def test_the_lowest_loss_is_chosen(tmp_path: Path) -> None:
    found = selected(tmp_path, SCORES | {"trial00": 0.95}, metric="loss")  # a loss is one minus the accuracy
    assert (found["trial"], found["score"]) == ("trial00", pytest.approx(0.05))


def test_a_trial_needs_a_score_of_each_seed(tmp_path: Path) -> None:
    study = tuned_study(tuning={"trials": 4, "seeds": [7, 8], "epochs": 2})
    layout = layout_in(tmp_path, study)
    write_trials(study, layout, {"trial00": 0.5, "trial01": 0.9, "trial02": 0.6, "trial03": 0.55})
    lost = next(t for t in trial_trainings(study, layout, CELL) if t.key.endswith("trial01/seed8"))
    result = json.loads(lost.paths.result.read_text()) | {"status": "diverged"}
    lost.paths.result.write_text(json.dumps(result))
    assert json.loads(select(study, layout, CELL).read_text())["trial"] == "trial02"


def test_each_tuning_study_names_its_own_and_the_first_chooses(tmp_path: Path) -> None:
    scores: dict[str, float | None] = dict.fromkeys(["trial00", "trial01", "study2-trial01"], 0.5) | {"trial01": 0.6}
    found = selected(tmp_path, scores | {"study2-trial01": 0.8}, tuning={"trials": 2, "epochs": 2, "studies": 2})
    assert found["trial"] == "trial01"
    assert [won["trial"] for won in found["tuning_studies"]] == ["trial01", "study2-trial01"]


def test_without_any_score_nothing_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError) as error:
        selected(tmp_path, dict.fromkeys(SCORES))
    assert str(error.value).startswith(
        "optimizers.sgd.lr: no trial of digits/linear/sgd/plain has a score to choose by (4 diverged); move the space "
        "of optimizers.sgd.lr (log_uniform 0.001 to 1), optimizers.sgd.momentum (choices 0, 0.9, 0.99)"
    )
    assert "\n" not in str(error.value)


def test_a_missing_trial_is_an_error(tmp_path: Path) -> None:
    study = tuned_study()
    layout = layout_in(tmp_path, study)
    write_trials(study, layout, SCORES)
    trial_trainings(study, layout, CELL)[3].paths.result.unlink()
    with pytest.raises(DamagedResult, match=r"trial03/seed1000/result\.json: is missing"):
        select(study, layout, CELL)
