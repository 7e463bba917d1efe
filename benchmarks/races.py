"""Seeds until decided: how often races err, and how many seeds they take, through the product's own functions.

`python benchmarks/races.py` simulates 1,000 races a cell, which takes a few minutes, and writes the table of
docs/statistics.md. `--races 200` is quicker, and `--print` leaves the page as it is.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.race import COMPLETED, End, Rule, Runs, Standing, race
from bakeoff.study.race_rules import Rounds
from table import write_block

Array = NDArray[Any]
RACES = 1_000
IMAGES = 360
SHARED = 0.25  # of the variance over seeds
EXPERIMENTS = (4, 8)
INDIFFERENCES = (0.0, 0.5, 1.0)  # in standard deviations over seeds
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"

TRUTHS = {
    "all equal": lambda k: np.zeros(k),
    "one +1 SD": lambda k: np.eye(1, k)[0],
    "one +2 SD": lambda k: 2 * np.eye(1, k)[0],
    "ladder of 0.7 SD steps": lambda k: -0.7 * np.arange(k),
}


@dataclass(frozen=True)
class Cell:
    """What races gave: the share with a wrong verdict, the share whose best was left out or whose last word is wrong,
    seeds per experiment, and the share that ended with a sole winner."""

    wrong_verdict: float
    wrong_best: float
    seeds: float
    best: float


def simulate(truth: Array, indifference: float = 0.0, races: int = RACES) -> Cell:
    """Races of scores that are normal with a standard deviation of 1 around a truth [k]; part of it is a seed's luck,
    which all experiments share."""
    draw = np.random.default_rng([len(truth), round(100 * indifference), round(100 * float(truth.sum()) + 10_000)])
    plan = Rounds(until="decided")
    rule = Rule(plan.looks, plan.weights, indifference, on_other_images=False)
    status = np.full((len(truth), plan.looks[-1]), COMPLETED, dtype=object)

    def drawn() -> Iterator[Runs]:
        for _ in range(races):
            luck = np.sqrt(SHARED) * draw.normal(size=status.shape[1])
            yield Runs(truth[:, None] + luck + np.sqrt(1 - SHARED) * draw.normal(size=status.shape), status)

    return _cell(truth, rule, drawn())


def simulate_on_images(experiments: int, races: int = RACES) -> Cell:
    """Races of experiments that each find other images hard, and are equally good over all images of the kind."""
    from verdicts import own_images

    draw = np.random.default_rng(experiments)
    plan = Rounds(until="decided")
    rule = Rule(plan.looks, plan.weights)
    status = np.full((experiments, plan.looks[-1]), COMPLETED, dtype=object)

    def drawn() -> Iterator[Runs]:
        for _ in range(races):
            correct = own_images(draw, experiments, plan.looks[-1])
            scores = correct.mean(axis=2)
            yield Runs(scores, status, ((correct - scores[:, :, None]) / IMAGES).astype(np.float32))

    return _cell(np.zeros(experiments), rule, drawn())


def _cell(truth: Array, rule: Rule, drawn: Iterator[Runs]) -> Cell:
    a, b = np.triu_indices(len(truth), 1)
    found = []
    for runs in drawn:
        last: Standing = list(race(rule, runs))[-1]
        verdict = (last.verdicts != 0) & (last.verdicts != np.sign(truth[a] - truth[b]))
        best = truth == truth.max()
        wrong = not (last.active & best).any() or (best.sum() > 1 and last.end == End.BEST)
        if last.end == End.WITHIN_INDIFFERENCE:
            wrong |= bool(truth.max() - truth[last.leader] > rule.indifference)
        found.append((verdict.any(), wrong, last.seeds.mean(), last.end == End.BEST))
    return Cell(*(float(share) for share in np.mean(found, axis=0)))


def table(races: int) -> list[str]:
    """Lines of the page."""
    lines = [
        "| truth | experiments | wrong verdict, % | wrong about the best, % | seeds: δ = 0 | 0.5 SD | 1 SD |",
        "|---|---|---|---|---|---|---|",
    ]
    for k in EXPERIMENTS:
        for name, truth in TRUTHS.items():
            cells = [simulate(truth(k), indifference, races) for indifference in INDIFFERENCES]
            errors = [100 * max(getattr(cell, of) for cell in cells) for of in ("wrong_verdict", "wrong_best")]
            numbers = [f"{value:.1f}" for value in (*errors, *(cell.seeds for cell in cells))]
            lines.append(f"| {name} | {k} | {' | '.join(numbers)} |")
            print(lines[-1], f"sole winner in {100 * cells[0].best:.0f} %", flush=True)
    for k in EXPERIMENTS:
        cell = simulate_on_images(k, races // 4)
        errors = f"{100 * cell.wrong_verdict:.1f} | {100 * cell.wrong_best:.1f}"
        lines.append(f"| equal on other images, {IMAGES} images | {k} | {errors} | {cell.seeds:.1f} | | |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate races, and write the table of docs/statistics.md.")
    parser.add_argument("--races", type=int, default=RACES, help="races a cell")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave the page as it is")
    asked = parser.parse_args()
    lines = table(asked.races)
    if not asked.only_print:
        write_block(PAGE, "simulated: races", lines)


if __name__ == "__main__":
    main()
