"""Repeated splits: how often verdicts err, and how often intervals hold the truth, through the product's own functions.

`python benchmarks/cuts.py` simulates 2,000 studies a cell, which takes a few minutes, and writes the table of
docs/statistics.md. `--studies 200` is quicker, and `--print` leaves the page as it is.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.paired import Pairs, Verdict, judge
from bakeoff.analysis.variance_of_means import half_width, joined
from bakeoff.analysis.variance_over_cuts import CutScores, variance_of_pairs
from table import write_block

Array = NDArray[Any]
STUDIES = 2_000
IMAGES = 200  # of which a fifth are test images, or one fold is
SEEDS_AND_EXPERIMENTS = ((3, 2), (5, 2), (10, 2), (5, 4))
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"


@dataclass(frozen=True)
class Way:
    """A way to cut: the number of cuts, whether they are folds, and how much an image's worth for training varies, in
    units of how much its difficulty as a test image does."""

    name: str
    cuts: int
    folds: bool = False
    worth: float = 0.3


WAYS = (
    Way("2 splits", 2),
    Way("3 splits", 3),
    Way("5 splits", 5),
    Way("10 splits", 10),
    Way("5 folds", 5, folds=True),
    Way("10 folds", 10, folds=True),
    Way("3 splits, and images weigh as much in training", 3, worth=1.0),
    Way("10 splits, and images weigh as much in training", 10, worth=1.0),
)


@dataclass(frozen=True)
class Cell:
    """The share of studies with a wrong `better`, and of intervals that hold the truth."""

    wrong: float
    covered: float


def simulate(way: Way, seeds: int, experiments: int, studies: int = STUDIES) -> Cell:
    """Studies of experiments that are equally good on other images of the kind.

    A study has a pool of images of its own. An experiment's score on a cut is the mean difficulty of its test images
    plus the mean worth of its training images, which cuts share, plus what a seed does on all cuts, and what it does on
    one.
    """
    draw = np.random.default_rng([way.cuts, seeds, experiments, way.folds])
    a, b = np.triu_indices(experiments, 1)
    differences, variances = [], []
    for _ in range(studies):
        cuts = _scores(draw, way, seeds, experiments)
        means = cuts.over_cuts
        differences.append(means[b] - means[a])
        variances.append(variance_of_pairs(cuts, b, a, np.ones((len(a), seeds), bool)))
    count = studies * len(a)
    pairs = Pairs(
        groups=np.repeat(np.arange(studies), len(a)),
        experiments=np.full(count, float(experiments)),
        images=joined(variances),
        on_cuts=np.ones(count, bool),
    )
    judged = judge(np.concatenate(differences), pairs, families=studies)
    better = np.array([verdict in (Verdict.BETTER, Verdict.WORSE) for verdict in judged.verdicts])
    covered = np.abs(judged.spread.mean) <= half_width(judged.both)
    return Cell(float(better.reshape(studies, -1).any(axis=1).mean()), float(covered.mean()))


def _scores(draw: np.random.Generator, way: Way, seeds: int, experiments: int) -> CutScores:
    difficulty = draw.normal(size=(experiments, IMAGES))
    worth = way.worth * draw.normal(size=(experiments, IMAGES))
    test = IMAGES // (way.cuts if way.folds else 5)
    orders = [draw.permutation(IMAGES) for _ in range(way.cuts)]
    if way.folds:
        orders = [np.roll(orders[0], test * number) for number in range(way.cuts)]
    means = [difficulty[:, each[:test]].mean(axis=1) + worth[:, each[test:]].mean(axis=1) for each in orders]
    spread = 0.3 / np.sqrt(test)
    scores = np.stack(means, axis=1)[:, :, None] + spread * draw.normal(size=(experiments, way.cuts, seeds))
    return CutScores(scores + spread * draw.normal(size=(experiments, 1, seeds)), test / (IMAGES - test))


def table(studies: int) -> list[str]:
    """Lines of the page."""
    heads = [f"{seeds} seeds, {experiments} exp." for seeds, experiments in SEEDS_AND_EXPERIMENTS]
    lines = [f"| cuts | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for way in WAYS:
        cells = [simulate(way, *size, studies) for size in SEEDS_AND_EXPERIMENTS]
        lines.append(f"| {way.name} | {' | '.join(f'{100 * cell.wrong:.1f}' for cell in cells)} |")
        covered = " | ".join(f"{100 * cell.covered:.0f}" for cell in cells)
        lines.append(f"| … the quoted interval holds the truth | {covered} |")
        print("\n".join(lines[-2:]), flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate repeated splits, and write the table of docs/statistics.md.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies a cell")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave the page as it is")
    asked = parser.parse_args()
    lines = table(asked.studies)
    if not asked.only_print:
        write_block(PAGE, "simulated: cuts", lines)


if __name__ == "__main__":
    main()
