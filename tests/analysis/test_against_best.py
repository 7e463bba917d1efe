"""How experiments stand against the best: what verdicts of pairs say, from whichever side, and what a race decided."""

import pandas as pd
import pytest

from bakeoff.analysis.against_best import Standing, standings
from bakeoff.study.matrix import Experiment

BEST, OTHER = Experiment("digits", "cnn", "sgd", "plain"), Experiment("digits", "mlp", "sgd", "plain")
RACE = pd.DataFrame(columns=["dataset", "architecture", "optimizer", "recipe", "left"])


def pair(verdict: str, a: Experiment = OTHER, b: Experiment = BEST) -> pd.DataFrame:
    row = {"dataset": "digits", "a": a.key, "b": b.key, "with_best": True, "verdict": verdict}
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("verdict", "standing"),
    [
        ("worse", Standing.BEHIND),
        ("better", Standing.BEHIND),  # of the best against it
        ("worse_on_these_images", Standing.BEHIND_HERE),
        ("not_distinguishable", Standing.TIED),
        ("identical", Standing.TIED),
        ("too_few_seeds", Standing.UNJUDGED),
        ("constant_difference", Standing.UNJUDGED),
    ],
)
def test_a_verdict_says_where_an_experiment_stands(verdict: str, standing: Standing) -> None:
    for ends in ((OTHER, BEST), (BEST, OTHER)):
        found = standings({BEST: 1, OTHER: 2}, pair(verdict, *ends), RACE)
        assert found == {BEST: Standing.BEST, OTHER: standing}


def test_who_left_a_race_is_behind_and_who_was_not_compared_is_not_judged() -> None:
    left = pd.DataFrame([{**vars(OTHER), "left": "behind"}])
    assert standings({BEST: 1, OTHER: 2}, pair("not_distinguishable"), left)[OTHER] is Standing.BEHIND
    assert standings({BEST: 1, OTHER: 2}, pair("worse")[:0], RACE)[OTHER] is Standing.UNJUDGED


def test_equal_means_are_both_the_best() -> None:
    found = standings({OTHER: 1, BEST: 1}, pair("identical"), RACE)
    assert set(found.values()) == {Standing.BEST}
