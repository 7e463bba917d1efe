"""The matrix of a study: its experiments and runs."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakeoff.study.entries import Strict
from bakeoff.study.values import Names

AXES = ("datasets", "architectures", "optimizers", "recipes")
FACETS = ("dataset", "architecture", "optimizer", "recipe")


@dataclass(frozen=True, order=True)
class Experiment:
    """One cell of datasets × architectures × optimizers × recipes."""

    dataset: str
    architecture: str
    optimizer: str
    recipe: str

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.architecture}/{self.optimizer}/{self.recipe}"

    def run(self, seed: int) -> "Run":
        return Run(self.dataset, self.architecture, self.optimizer, self.recipe, seed)


@dataclass(frozen=True, order=True)
class Run:
    """An experiment with a seed."""

    dataset: str
    architecture: str
    optimizer: str
    recipe: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.experiment.key}/seed{self.seed}"

    @property
    def experiment(self) -> Experiment:
        return Experiment(self.dataset, self.architecture, self.optimizer, self.recipe)


class Block(Strict):
    """A product of names of the four axes; an axis that is left out means all of its names."""

    datasets: Names | None = None
    architectures: Names | None = None
    optimizers: Names | None = None
    recipes: Names | None = None

    def cells(self, names: Mapping[str, Sequence[str]]) -> list[Experiment]:
        """The experiments of the product; `names` holds all names of each axis."""
        chosen = [names[axis] if getattr(self, axis) is None else getattr(self, axis) for axis in AXES]
        return [Experiment(*cell) for cell in itertools.product(*chosen)]

    def holds(self, cell: Experiment) -> bool:
        """Whether the product has an experiment."""
        pairs = zip(AXES, FACETS, strict=True)
        return all(getattr(self, axis) is None or getattr(cell, facet) in getattr(self, axis) for axis, facet in pairs)


def matrix(names: Mapping[str, Sequence[str]], blocks: Iterable[Block], exclude: Iterable[Block]) -> list[Experiment]:
    """The experiments of the blocks in their order, without those of `exclude`. No blocks mean the whole product."""
    excluded = {cell for block in exclude for cell in block.cells(names)}
    listed = [cell for block in tuple(blocks) or (Block(),) for cell in block.cells(names)]
    return [cell for cell in dict.fromkeys(listed) if cell not in excluded]
