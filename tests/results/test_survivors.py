"""Which trials go on after a rung."""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.results.selection import select
from bakeoff.results.survivors import goes_on, halve
from bakeoff.study.trainings import find_training, trial_trainings
from synthetic_runs import layout_in
from tuned_study import CELL, HALVED, play_rungs, tuned_study, write_rung


def by_hand(names: list[str], scores: Mapping[str, Mapping[int, float | None]]) -> tuple[list[list[str]], str]:
    """Nine trials, of which three reach epoch 3 and one epoch 9, written out. Who went on, and who is chosen."""

    def best(among: Iterable[str], epochs: int) -> list[str]:
        """Of equal ones the lower trial, none without a score."""
        known = [(-score, name) for name in among if (score := scores[name][epochs]) is not None]
        return [name for _, name in sorted(known)]

    first = best(names, 1)[:3]
    second = best(first, 3)[:1]
    order = [*best(second, 9), *best(set(first) - set(second), 3), *best(set(names) - set(first), 1)]
    return [sorted(first), second], order[0]


@pytest.mark.parametrize("seed", range(8))
def test_the_trials_that_go_on_are_those_of_a_reference_by_hand(tmp_path: Path, seed: int) -> None:
    """Scores have ties, and a fifth of the rungs diverges."""
    study, draw = tuned_study(tuning=HALVED), random.Random(seed)
    layout, names = layout_in(tmp_path, study), [f"trial0{number}" for number in range(9)]
    scores = {
        name: {epochs: None if draw.random() < 0.2 else draw.randrange(5) / 10 for epochs in (1, 3, 9)}
        for name in names
    }
    survivors, chosen = by_hand(names, scores)
    assert play_rungs(study, layout, scores) == survivors
    assert json.loads(select(study, layout, CELL).read_text())["trial"] == chosen


def test_who_was_left_behind_has_the_result_of_its_rung_and_ranks_behind(tmp_path: Path) -> None:
    """trial05 was best after one epoch of all that did not go on, and better than the chosen one is at its end."""
    study = tuned_study(tuning=HALVED)
    layout = layout_in(tmp_path, study)
    early = {f"trial0{number}": score for number, score in enumerate((0.1, 0.9, 0.8, 0.7, 0.1, 0.6, 0.1, 0.1, 0.1))}
    play_rungs(study, layout, {name: {1: score, 3: score, 9: 0.5} for name, score in early.items()})
    found = json.loads(select(study, layout, CELL).read_text())
    assert (found["trial"], found["score"]) == ("trial01", 0.5)
    assert {row["trial"]: row["until"] for row in found["trials"] if row["until"] > 1} == {
        "trial01": 9, "trial02": 3, "trial03": 3,
    }  # fmt: skip
    left = find_training(study, layout, f"{CELL.key}/trial05/seed1000")
    assert left is not None and left.before is not None and left.before.before is not None
    assert left.paths.result.read_bytes() == left.before.before.paths.result.read_bytes()
    assert left.paths.model.exists() == left.before.before.paths.model.exists()


def test_poisoned_test_scores_change_nothing(tmp_path: Path) -> None:
    study = tuned_study(tuning=HALVED)
    layout = layout_in(tmp_path, study)
    rungs = [[*training.rungs][-1] for training in trial_trainings(study, layout, CELL)]
    for index, rung in enumerate(rungs):
        write_rung(rung, 0.1 * index)
    before = halve(study, layout, CELL, 1).read_bytes()
    for index, rung in enumerate(rungs):
        result: dict[str, Any] = json.loads(rung.paths.result.read_text())
        result["metrics"] |= {"test": {"accuracy": 100.0 - index}, "test_last": {"accuracy": 100.0 - index}}
        rung.paths.result.write_text(json.dumps(result))
    assert halve(study, layout, CELL, 1).read_bytes() == before


def test_each_tuning_study_halves_its_own(tmp_path: Path) -> None:
    """Of two studies with three trials each, the best one of each goes on; the default values are in both."""
    study = tuned_study(tuning=HALVED | {"trials": 3, "epochs": 3, "studies": 2})
    layout = layout_in(tmp_path, study)
    scores = {"trial00": 0.5, "trial01": 0.9, "trial02": 0.8, "study2-trial01": 0.4, "study2-trial02": 0.3}
    assert play_rungs(study, layout, {name: {1: score, 3: score} for name, score in scores.items()}) == [
        ["trial00", "trial01"]
    ]
    found = json.loads(select(study, layout, CELL).read_text())["tuning_studies"]
    assert [won["trial"] for won in found] == ["trial01", "trial00"]


def test_nobody_goes_on_before_it_is_decided(tmp_path: Path) -> None:
    study = tuned_study(tuning=HALVED)
    layout = layout_in(tmp_path, study)
    training = trial_trainings(study, layout, CELL)[0]
    with pytest.raises(
        BakeoffError, match=r"whether it goes on is not decided yet: .*epoch3\.json is missing.*--after 3"
    ):
        goes_on(layout, training)
    with pytest.raises(BakeoffError, match=r"no rung ends after epoch 9; those that do: 1, 3"):
        halve(study, layout, CELL, 9)
