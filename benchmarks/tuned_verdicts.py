"""How often verdicts on tuned experiments err: simulated studies whose optimizers are equally good once they are tuned.

Points, choices, the spread over tuning studies and verdicts come from the product's own functions.
`python benchmarks/tuned_verdicts.py` simulates 1,000 studies a cell, which takes some minutes, and writes the table of
docs/tuning.md. `--studies 200` is quicker, and `--print` leaves the page as it is.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.paired import IS_BETTER, IS_WORSE, Pairs, judge
from bakeoff.analysis.variance_of_means import Uncertainty, summed
from bakeoff.analysis.variance_of_tuning import variance_of
from bakeoff.results.selection import Tried, ranked
from bakeoff.study.spaces import sequence
from bakeoff.study.trials import Trial
from table import write_block

Array = NDArray[Any]
STUDIES = 1_000
TRIALS = 16
SEEDS = 5
OPTIMIZERS = (2, 4)
TUNING_STUDIES = (2, 3, 5)
BEST = 0.6  # where on its two spaces each optimizer is at its best; the default values are at 0.5
PAGE = Path(__file__).parents[1] / "docs" / "tuning.md"


@dataclass(frozen=True)
class Shape:
    """How the true score falls off with the squared distance from the best values, in standard deviations over seeds.

    `noise` is that of a validation score beside the run's own, `cliff` the distance above the best learning rate from
    which trials diverge, `default` whether the default values are the first trial.
    """

    says: str
    slope: float
    noise: float = 0.5
    cliff: float = np.inf
    default: bool = True


SHAPES = {
    "flat": Shape("values make no difference", 0),
    "gentle": Shape("values make little difference", 10),
    "steep": Shape("values make a difference", 100),
    "without default": Shape("values make a difference, no default values", 100, default=False),
    "small validation": Shape("the same, on a small validation split", 100, noise=3, default=False),
    "cliff": Shape("trials diverge just above the best rate", 100, cliff=0.1, default=False),
    "very steep": Shape("values are all that makes a difference", 1000, default=False),
}


@dataclass(frozen=True)
class Cell:
    """Shares of simulated studies with a wrong `better` or `worse`: about the chosen values, and about the optimizers,
    of which none is better."""

    about_values: float
    about_optimizers: float


def simulate(shape: Shape, optimizers: int, tuning_studies: int, studies: int = STUDIES) -> Cell:
    """Each study tunes its optimizers, trains what the first tuning study chose with other seeds, and is judged."""
    draw = np.random.default_rng([optimizers, tuning_studies, list(SHAPES.values()).index(shape)])
    tuned = [
        [_tune(shape, draw, f"{number}/{optimizer}", tuning_studies) for optimizer in range(optimizers)]
        for number in range(studies)
    ]
    truth = np.array([[chosen[0][0] for chosen in study] for study in tuned])  # [studies, k]
    scores = truth[:, :, None] + draw.normal(size=(studies, optimizers, SEEDS))
    earlier, later = np.triu_indices(optimizers, 1)
    differences = (scores[:, later] - scores[:, earlier]).reshape(-1, SEEDS)
    spread = None
    if tuning_studies > 1:
        found = np.array([[variance_of(np.array([test for _, test in each])) for each in study] for study in tuned])
        sides = (Uncertainty(*(found[:, side, part].reshape(-1) for part in (0, 1))) for side in (later, earlier))
        spread = summed([*sides])
    groups, count = np.repeat(np.arange(studies), len(later)), np.full(len(differences), float(optimizers))
    verdicts = np.array(judge(differences, Pairs(groups, count, tuning=spread), families=studies).verdicts)
    says = np.isin(verdicts, IS_BETTER) * 1 - np.isin(verdicts, IS_WORSE) * 1
    right = np.sign(truth[:, later] - truth[:, earlier]).reshape(-1)
    wrong = ((says != 0) & (says != right), says != 0)
    return Cell(*(float(each.reshape(studies, -1).any(axis=1).mean()) for each in wrong))


def _tune(shape: Shape, draw: np.random.Generator, name: str, tuning_studies: int) -> list[tuple[float, float]]:
    """The true score and the tuning's test score of the trial that each tuning study chooses."""
    first = int(shape.default)
    default = (np.full((1, 2), 0.5), draw.normal(size=(1, 2)))
    found = []
    for number in range(tuning_studies):
        drawn = [sequence(f"study{number}-{name}.{key}", TRIALS - first) for key in ("lr", "weight_decay")]
        points, luck = np.array(drawn).T, draw.normal(size=(TRIALS - first, 2))
        if first:  # the default values are trained once, for all tuning studies
            points, luck = np.concatenate([default[0], points]), np.concatenate([default[1], luck])
        truth = -shape.slope * ((points - BEST) ** 2).sum(axis=1)
        test = truth + luck[:, 0]
        validation = truth + 0.5 * luck[:, 0] + shape.noise * luck[:, 1]
        chosen = _choose(validation, points[:, 0] - BEST > shape.cliff)
        found.append((float(truth[chosen]), float(test[chosen])))
    return found


def _choose(validation: Array, diverged: Array) -> int:
    tried = [
        Tried(Trial(str(index), 1, {}), 1, ("completed",), (None if lost else float(score),))
        for index, (score, lost) in enumerate(zip(validation, diverged, strict=True))
    ]
    return int(ranked(tried, higher_is_better=True)[0].trial.name)


def table(studies: int) -> list[str]:
    """Lines of the page: shares of studies in per cent."""
    kinds = ["`studies: 1`, about the chosen values", *(f"`studies: {n}`" for n in TUNING_STUDIES)]
    kinds.append("`studies: 1`, read as about the optimizers")
    titles = [f"{kind}, {k} opt." for kind in kinds for k in OPTIMIZERS]
    lines = [f"| optimizers that are equal once tuned | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
    for shape in SHAPES.values():
        once = [simulate(shape, k, 1, studies) for k in OPTIMIZERS]
        often = [simulate(shape, k, n, studies).about_optimizers for n in TUNING_STUDIES for k in OPTIMIZERS]
        shares = [*(cell.about_values for cell in once), *often, *(cell.about_optimizers for cell in once)]
        lines.append(f"| {shape.says} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate tuned studies, and write the table of docs/tuning.md.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies a cell")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave the page as it is")
    asked = parser.parse_args()
    lines = table(asked.studies)
    if not asked.only_print:
        write_block(PAGE, "simulated: tuned verdicts", lines)


if __name__ == "__main__":
    main()
