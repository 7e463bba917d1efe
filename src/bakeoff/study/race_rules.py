"""Seeds until decided: a study that trains in rounds, and looks at fixed numbers of seeds who is still in the race."""

import itertools
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bakeoff.study.entries import Strict
from bakeoff.study.values import listed

FEWEST_SEEDS = 3  # two differences say next to nothing about their spread


def _growing(looks: tuple[int, ...]) -> tuple[int, ...]:
    if not looks:
        raise ValueError("no look is listed; [5, 8, 12, 20] is usual")
    if looks[0] < FEWEST_SEEDS:
        raise ValueError(f"the first look is at {looks[0]} seeds; a verdict takes at least {FEWEST_SEEDS}")
    if any(later <= earlier for earlier, later in itertools.pairwise(looks)):
        raise ValueError(f"each look has more seeds than the one before, as in [5, 8, 12, 20]; found {list(looks)}")
    return looks


class Rounds(Strict):
    """What is fixed before the first run: when to look, what is claimed, and which differences do not matter."""

    until: Literal["decided"] = Field(description="experiments train more seeds as long as they may be the best")
    looks: Annotated[
        tuple[int, ...],
        BeforeValidator(listed, json_schema_input_type=int | list[int]),
        AfterValidator(_growing),
    ] = Field((5, 8, 12, 20), description="numbers of seeds after which the experiments are compared")
    indifference: float = Field(
        0, ge=0, description="a difference that does not matter, in the units of our tables: half a point is 0.005"
    )
    claim: Literal["other_images", "these_images"] = Field(
        "other_images", description="whether decisions hold on other test images of the kind, or on these alone"
    )

    @property
    def weights(self) -> tuple[float, ...]:
        """The share of the permitted error that each look may use: the first the least. They add up to 1."""
        total = len(self.looks) * (len(self.looks) + 1) / 2
        return tuple((number + 1) / total for number in range(len(self.looks)))
