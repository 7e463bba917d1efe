"""How often races err and how long they take, through benchmarks/races.py: some of its cells with 150 races each."""

import numpy as np
import pytest

from races import TRUTHS, simulate, simulate_on_images

RACES = 150
BOUND = 0.05 + 2 * np.sqrt(0.05 * 0.95 / RACES)
# Seeds per experiment of k = 4, as an independent simulation gives them: nothing is indifferent, and 1 SD is.
SEEDS = {
    "all equal": (19.8, 13.7),
    "one +1 SD": (15.7, 8.9),
    "one +2 SD": (7.9, 6.1),
    "ladder of 0.7 SD steps": (13.4, 8.2),
}


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("indifference", [0, 1])
def test_races_err_seldom_and_take_as_long_as_they_should(truth: str, indifference: int) -> None:
    cell = simulate(TRUTHS[truth](4), indifference, RACES)
    assert cell.wrong_verdict <= BOUND and cell.wrong_best <= BOUND
    assert cell.seeds == pytest.approx(SEEDS[truth][indifference], abs=1)


def test_equal_on_other_images_is_seldom_called_better() -> None:
    cell = simulate_on_images(4, 60)
    assert cell.wrong_verdict <= 0.1 and cell.wrong_best <= 0.1
