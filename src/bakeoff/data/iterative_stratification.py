"""Iterative stratification of multi-label data.

Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, algorithm 1,
for two subsets.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TAKEN, KEPT = 0, 1


def take_share(
    positive: NDArray[np.bool_], share: float, seed: int, certain: Sequence[int] | NDArray[np.int64] = ()
) -> NDArray[np.int64]:
    """Rows, ascending, of about `share` of all images and of each label's positives, including the `certain` rows.

    `positive` is bool [N, L]. The label with the fewest images left is dealt out first, so that rare labels meet their
    share before common ones. Each of its images goes to the side that lacks most images of the label; in a tie, to the
    side that lacks most images; then by chance.
    """
    random = np.random.default_rng(seed)
    count, labels = positive.shape
    shuffled = random.permutation(count)
    coins = random.random((count,))
    labels_of = [np.flatnonzero(row).tolist() for row in positive]
    rows_of = [shuffled[positive[shuffled, label]].tolist() for label in range(labels)]
    left = positive.sum(axis=0).tolist()  # images of each label that are not dealt out
    missing = [[share * number for number in left], [(1 - share) * number for number in left]]  # taken, kept
    room = [share * count, (1 - share) * count]
    side_of = np.full(count, -1, np.int8)

    def neediest(row: int, label: int | None) -> int:
        taken, kept = room if label is None else (missing[TAKEN][label], missing[KEPT][label])
        if taken == kept:
            taken, kept = room
        if taken == kept:
            return TAKEN if coins[row] < share else KEPT
        return TAKEN if taken > kept else KEPT

    def deal(row: int, side: int) -> None:
        side_of[row] = side
        room[side] -= 1
        for other in labels_of[row]:
            missing[side][other] -= 1
            left[other] -= 1

    for row in certain:
        deal(int(row), TAKEN)
    waiting = set(range(labels))
    while waiting:
        rarest = min(waiting, key=lambda label: (left[label], label))
        waiting.remove(rarest)
        for row in rows_of[rarest]:
            if side_of[row] < 0:
                deal(row, neediest(row, rarest))
    for row in shuffled[side_of[shuffled] < 0].tolist():  # images without a label
        deal(row, neediest(row, None))
    return np.flatnonzero(side_of == TAKEN)
