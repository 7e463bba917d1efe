"""How each experiment stands against the best on its dataset: what a ranked list of scores says beside the scores."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import pandas as pd

from bakeoff.analysis.paired import OPPOSITE, Verdict
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


def verdicts_of(best: Experiment, comparisons: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Verdict]]:
    """The key of each experiment that is compared with the best on its dataset, and the verdict on the best against it.

    The verdict may be "worse": the best mean may come from other seeds than those that both completed.
    """
    for row in comparisons:
        if row["dataset"] == best.dataset and best.key in (row["a"], row["b"]):
            verdict = Verdict(row["verdict"])
            if row["a"] == best.key:
                yield row["b"], verdict
            else:
                yield row["a"], OPPOSITE.get(verdict, verdict)


def standings(
    ranks: Mapping[Experiment, int], comparisons: pd.DataFrame, race: pd.DataFrame
) -> Mapping[Experiment, Standing]:
    """The standing of each experiment that is ranked on a dataset, from the tables `comparisons` and `race`.

    Equal means share the first rank. Who left a race because another was ahead is behind, whatever the pair says.
    """
    best = min(ranks, key=lambda cell: ranks[cell])
    here = comparisons[(comparisons["dataset"] == best.dataset) & comparisons["with_best"]]
    verdicts = {key: STANDINGS.get(verdict, Standing.UNJUDGED) for key, verdict in verdicts_of(best, records(here))}
    left = {tuple(row[name] for name in FACETS) for row in records(race) if row["left"] == BEHIND}
    found = {}
    for cell, rank in ranks.items():
        out = tuple(getattr(cell, name) for name in FACETS) in left
        judged = Standing.BEHIND if out else verdicts.get(cell.key, Standing.UNJUDGED)
        found[cell] = Standing.BEST if rank == 1 else judged
    return found
