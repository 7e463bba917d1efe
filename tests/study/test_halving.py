"""Which rungs the trials of an experiment have, and what they cost."""

import pytest

from bakeoff.study.halving import Rung, epochs_of_trials, rungs


@pytest.mark.parametrize(
    ("trials", "epochs", "factor", "expected"),
    [
        (16, 9, 3, [(1, 16), (3, 5), (9, 1)]),
        (27, 81, 3, [(3, 27), (9, 9), (27, 3), (81, 1)]),
        (16, 10, 3, [(1, 16), (3, 5), (10, 1)]),
        (4, 9, 3, [(3, 4), (9, 1)]),  # four trials cannot be thirded twice
        (9, 4, 3, [(1, 9), (4, 3)]),  # nor four epochs
        (2, 2, 2, [(1, 2), (2, 1)]),
        (16, 9, None, [(9, 16)]),
    ],
)
def test_the_rungs_by_hand(trials: int, epochs: int, factor: int | None, expected: list[tuple[int, int]]) -> None:
    assert [(rung.epochs, rung.trials) for rung in rungs(trials, epochs, factor)] == expected


def test_more_trials_move_no_rung() -> None:
    few, many = ({rung.epochs for rung in rungs(trials, 27, 3)} for trials in (9, 81))
    assert few < many


def test_a_rung_costs_the_epochs_that_it_adds() -> None:
    assert epochs_of_trials((Rung(1, 16), Rung(3, 5), Rung(9, 1))) == 16 * 1 + 5 * 2 + 1 * 6
    assert epochs_of_trials((Rung(9, 16),)) == 144
