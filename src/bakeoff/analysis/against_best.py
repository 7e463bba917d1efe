"""How each experiment stands against the best on its dataset: what a ranked list of scores says beside the scores."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import pandas as pd

from bakeoff.analysis.paired import Verdict
from bakeoff.analysis.race import BEHIND
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import FACETS, Experiment


class Standing(StrEnum):
    """An experiment against the best mean on its dataset."""

    BEST = "best"
    TIED = "tied"
    BEHIND = "behind"
    BEHIND_HERE = "behind_here"  # on these test images; on others that is open
    UNJUDGED = "unjudged"  # too few seeds, no spread between them, or no pair in the table


STANDINGS = {
    Verdict.NOT_DISTINGUISHABLE: Standing.TIED,
    Verdict.IDENTICAL: Standing.TIED,
    Verdict.BETTER: Standing.BEHIND,
    Verdict.WORSE: Standing.BEHIND,
    Verdict.BETTER_ON_THESE_IMAGES: Standing.BEHIND_HERE,
    Verdict.WORSE_ON_THESE_IMAGES: Standing.BEHIND_HERE,
}


def standings(
    cells: Iterable[Experiment], best: Experiment, comparisons: pd.DataFrame, race: pd.DataFrame
) -> Mapping[Experiment, Standing]:
    """The standing of each experiment on a dataset, from the tables `comparisons` and `race`.

    Who left a race because another was ahead is behind, whatever the pair says.
    """
    here = comparisons[(comparisons["dataset"] == best.dataset) & comparisons["with_best"]]
    verdicts = {
        row["b"] if row["a"] == best.key else row["a"]: STANDINGS.get(row["verdict"], Standing.UNJUDGED)
        for row in _pairs_with(best, records(here))
    }
    left = {tuple(row[name] for name in FACETS) for row in records(race) if row["left"] == BEHIND}
    found = {}
    for cell in cells:
        out = tuple(getattr(cell, name) for name in FACETS) in left
        found[cell] = Standing.BEHIND if out else verdicts.get(cell.key, Standing.UNJUDGED)
    return {**found, best: Standing.BEST}


def _pairs_with(best: Experiment, rows: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if best.key in (row["a"], row["b"]))
