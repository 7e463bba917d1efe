"""How often verdicts err: simulated studies whose experiments are equally good, through the product's own functions.

`python benchmarks/verdicts.py` simulates 2,000 studies a cell, which takes some minutes, and writes the table of
docs/statistics.md. `--studies 200` is quicker, and `--print` leaves the page as it is.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from bakeoff.analysis.paired import IS_BETTER, IS_WORSE, Pairs, Verdict, judge
from bakeoff.analysis.variance_of_means import ImageVariance, image_variance, joined
from table import write_block

Array = NDArray[Any]
STUDIES = 2_000
IMAGES = 360
SEEDS = (3, 5, 10)
EXPERIMENTS = (2, 4, 8)
ALLOWED = 0.05
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"


@dataclass(frozen=True)
class Shape:
    """Scores of equally good experiments, as [studies, k, n]; or, of images, what is right [k, n, images].

    `on_these_images`: equally good on these images, too, so that no verdict at all is right.
    """

    says: str
    scores: Callable[[np.random.Generator, tuple[int, ...]], Array] | None = None
    correct: Callable[[np.random.Generator, int, int], Array] | None = None
    on_these_images: bool = True


def unequal(draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return draw.normal(size=shape) * np.linspace(0.3, 3, shape[-2])[:, None]


def failing(draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return draw.normal(size=shape) - 10.0 * (draw.random(shape) < 0.2)


def shared(draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return draw.normal(size=shape) + 2 * draw.normal(size=(*shape[:-2], 1, shape[-1]))


def unlike(draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Every second experiment is skewed, the others are tight."""
    skewed = (np.arange(shape[-2]) % 2 == 0)[:, None]
    return np.where(skewed, 1 - draw.exponential(size=shape), 0.1 * draw.normal(size=shape))


def luck(draw: np.random.Generator, experiments: int, seeds: int) -> Array:
    """Images are right or wrong by chance alone: scores are steps, and often tied."""
    return draw.random((experiments, seeds, IMAGES)) < 0.98


def own_images(draw: np.random.Generator, experiments: int, seeds: int) -> Array:
    """Each experiment finds other images hard; over all images of the kind they are equally good. Seeds matter, too."""
    hard = 1.5 * draw.normal(size=(experiments, 1, IMAGES)) + draw.normal(size=IMAGES)
    seed = 0.15 * draw.normal(size=(experiments, seeds, 1)) + 0.7 * draw.normal(size=(experiments, seeds, IMAGES))
    return 3.0 + hard + seed > 0


SHAPES = {
    "normal": Shape("normal", lambda draw, shape: draw.normal(size=shape)),
    "skewed": Shape("skewed (exponential)", lambda draw, shape: -draw.exponential(size=shape)),
    "heavy": Shape("heavy tails (t, 2 degrees of freedom)", lambda draw, shape: draw.standard_t(2, size=shape)),
    "unequal": Shape("deviations from 0.3 to 3", unequal),
    "failing": Shape("one seed in five fails", failing),
    "shared": Shape("a seed's luck is shared", shared),
    "unlike": Shape("skewed beside tight", unlike),
    "ties": Shape(f"accuracy on {IMAGES} images, 98 %", correct=luck),
    "images": Shape("each finds other images hard", correct=own_images, on_these_images=False),
}


@dataclass(frozen=True)
class Cell:
    """What 2,000 studies of a shape gave: shares of studies with a wrong verdict, and how often the quoted intervals
    of differences hold the truth (NaN where there are no images)."""

    better: float
    on_these_images: float
    coverage: float


def simulate(shape: Shape, seeds: int, experiments: int, studies: int = STUDIES) -> Cell:
    """The verdicts of studies without any difference, each a family of its own."""
    draw = np.random.default_rng([seeds, experiments, list(SHAPES.values()).index(shape)])
    b, a = np.triu_indices(experiments, 1)
    if shape.correct is None:
        assert shape.scores is not None
        scores = shape.scores(draw, (studies, experiments, seeds))
        images = None
    else:
        each = [_study(shape.correct(draw, experiments, seeds), a, b) for _ in range(studies)]
        scores = np.stack([of for of, _ in each])
        images = joined([of for _, of in each])
    differences = (scores[:, a] - scores[:, b]).reshape(-1, seeds)
    return judged(differences, images, experiments, studies, shape.on_these_images)


def judged(
    differences: Array, images: ImageVariance | None, experiments: int, studies: int, on_these_images: bool
) -> Cell:
    count = len(differences) // studies
    pairs = Pairs(np.repeat(np.arange(studies), count), np.full(len(differences), float(experiments)), images)
    found = judge(differences, pairs, families=studies)
    verdicts = np.array(found.verdicts).reshape(studies, count)
    here = np.isin(verdicts, (*IS_BETTER, *IS_WORSE)).any(axis=1).mean()
    better = np.isin(verdicts, (Verdict.BETTER, Verdict.WORSE)).any(axis=1).mean()
    half = stdtrit(found.both.freedom, 0.975) * found.both.error
    known = ~np.isnan(half)
    coverage = (np.abs(found.spread.mean) <= half)[known].mean() if known.any() else np.nan
    return Cell(float(here if images is None else better), float(here if on_these_images else np.nan), float(coverage))


def _study(correct: Array, a: Array, b: Array) -> tuple[Array, ImageVariance]:
    scores = correct.mean(axis=2)
    influences = (correct - scores[:, :, None]) / correct.shape[2]
    return scores, image_variance(influences, a, b, np.ones((len(a), correct.shape[1]), bool))


def table(studies: int) -> list[str]:
    """Lines of the page: the share of studies with any wrong verdict, in per cent."""
    cells = [(seeds, experiments) for seeds in SEEDS for experiments in EXPERIMENTS]
    lines = [
        "| scores of equally good experiments | " + " | ".join(f"{n} seeds, {k} exp." for n, k in cells) + " |",
        "|---|" + "---|" * len(cells),
    ]
    for shape in SHAPES.values():
        found = [simulate(shape, *cell, studies) for cell in cells]
        lines.append(f"| {shape.says} | " + " | ".join(f"{100 * cell.better:.1f}" for cell in found) + " |")
        covered = [f"{100 * cell.coverage:.0f}" for cell in found if cell.coverage == cell.coverage]
        if covered:
            lines.append(f"| … the quoted interval holds the truth | {' | '.join(covered)} |")
        print(*lines[-2 if covered else -1 :], sep="\n", flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate verdicts, and write the table of docs/statistics.md.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies a cell")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave the page as it is")
    asked = parser.parse_args()
    lines = table(asked.studies)
    if not asked.only_print:
        write_block(PAGE, "simulated: verdicts", lines)


if __name__ == "__main__":
    main()
