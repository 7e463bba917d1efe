"""Which choice matters: how much of the variance of a metric each axis of a study explains."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from bakeoff.analysis.variance_of_tuning import of_experiments
from bakeoff.results.predictions import Floats
from bakeoff.results.whole_datasets import RUN, run_columns
from bakeoff.study.matrix import FACETS

Term = frozenset[str]
Codes = NDArray[np.int64]
Levels = Mapping[str, Codes]  # axis → number of each run's level [N]
Effects = dict[Term, tuple[int, float]]  # term → degrees of freedom, sum of squares

RESIDUAL: Term = frozenset(["residual"])
MOST_COLUMNS = 2_000  # of a design: the time of least squares grows with the third power of their number
SHARED = "shared"
TOTAL = "total"
TUNING = "tuning"
CONSTANT: Term = frozenset()


def variance_table(
    runs: pd.DataFrame, score: str, tuned: Mapping[str, tuple[float, float]] | None = None
) -> pd.DataFrame:
    """Sums of squares of completed runs' scores, by dataset, architecture, optimizer, recipe, split, seed and pairs.

    The linear model has an effect for each level of the axes that vary and for each pair of levels of two of them.
    Sums of squares are of type II (Yates 1934; as statsmodels' anova_lm(typ=2)): what a term explains beyond all terms
    that do not contain it. `residual` is what no pair explains: interactions of three or more axes, and chance.

    `share` is of the total sum of squares (η²). Terms with many degrees of freedom explain something by chance, too:
    `omega_squared` takes that off (ω², Hays 1963), by the mean square of the residual; NaN without a residual.
    `balanced` says whether every combination of the planned levels has its completed run. If so, the shares add up to 1
    and all types of sums agree. Otherwise `shared` is what cannot be attributed (negative where terms explain the same
    twice), and in studies of thousands of runs the pairs with the most combinations are left to the residual.

    `tuning` is what tuning again would add, the variance over tuning studies, on average over runs: it is no part of
    the total, as all runs of an experiment have the values of one.

    `runs` is the summary's table, by whole datasets, `score` a column of it, `tuned` what `tuned_scores` found.
    """
    completed = runs[runs["status"] == "completed"]
    levels = {name: pd.factorize(completed[name])[0] for name in run_columns(runs) if completed[name].nunique() > 1}
    if not levels:
        return pd.DataFrame()
    scores = completed[score].to_numpy(float)
    scores = scores - scores.mean()
    total = float((scores**2).sum())
    orthogonal = len(scores) == np.prod([codes.max() + 1 for codes in levels.values()])
    effects = balanced_effects(levels, scores) if orthogonal else unbalanced_effects(levels, scores)
    rows = [(_name(term), freedom, square) for term, (freedom, square) in effects.items()]
    if not orthogonal:
        rows.append((SHARED, 0, total - sum(square for *_, square in rows)))
    rows.append((TOTAL, len(scores) - 1, total))
    if tuned:
        keys = ["/".join(key) for key in completed[list(FACETS)].itertuples(index=False)]
        variance = float(of_experiments(keys, tuned).variance.mean())
        freedom = int(sum(freedom for _, freedom in tuned.values()))
        rows.append((TUNING, freedom, variance * (len(scores) - 1)))
    table = pd.DataFrame(rows, columns=["term", "degrees_of_freedom", "sum_of_squares"])
    table["share"] = table["sum_of_squares"] / total if total > 0 else np.nan
    freedom, square = effects[RESIDUAL]
    noise = square / freedom if freedom else np.nan
    effect = ~table["term"].isin(["residual", SHARED, TOTAL, TUNING])
    without_chance = (table["sum_of_squares"] - table["degrees_of_freedom"] * noise) / (total + noise)
    table["omega_squared"] = without_chance.where(effect & (total > 0))
    planned = np.prod([runs[name].nunique() for name in run_columns(runs)])
    return table.assign(balanced=bool(len(scores) == planned))  # levels without any completed run count, too


def shown_sources(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of the table `variance` that a reader is shown; none where runs do not differ, or in one thing alone."""
    known = [row for row in rows if row["term"] != TOTAL and not np.isnan(row["share"])]
    shown = [row for row in known if row["degrees_of_freedom"] or row["term"] == SHARED]
    return shown if sum(row["term"] != TUNING for row in shown) > 1 else []


def balanced_effects(levels: Levels, scores: Floats) -> Effects:
    """Degrees of freedom and sum of squares of each term, and of the residual, of centred scores [N].

    They follow from the means of levels and of pairs of levels, as in textbooks, because all terms are orthogonal.
    """
    effects: Effects = {}
    for term in terms_of(levels):
        codes = _codes(term, levels)
        square = float((np.bincount(codes, scores) ** 2 / np.bincount(codes)).sum())
        within = sum(effects[frozenset([name])][1] for name in term) if len(term) > 1 else 0.0
        freedom = int(np.prod([levels[name].max() for name in term]))
        effects[term] = freedom, max(0.0, square - within)
    freedom = len(scores) - 1 - sum(freedom for freedom, _ in effects.values())
    square = float((scores**2).sum()) - sum(square for _, square in effects.values())
    return effects | {RESIDUAL: (freedom, max(0.0, square))}


def unbalanced_effects(levels: Levels, scores: Floats) -> Effects:
    """The same for any design, by least squares with and without each term.

    As many pairs of axes take part as `MOST_COLUMNS` allows, the smallest first.
    """
    codes = {term: _codes(term, levels) for term in terms_of(levels)}
    while len(codes) > len(levels) and sum(each.max() + 1 for each in codes.values()) > MOST_COLUMNS:
        del codes[max((term for term in codes if len(term) > 1), key=lambda term: codes[term].max())]
    blocks = {CONSTANT: np.zeros(len(scores), np.int64), **codes}
    rows, ones = np.arange(len(scores)), np.ones(len(scores))
    # Indicators [N, C] of the constant and of each level of each term; `columns` are those of a term.
    indicators = hstack([csr_array((ones, (rows, block))) for block in blocks.values()], format="csr")
    bounds = np.cumsum([0, *(block.max() + 1 for block in blocks.values())])
    columns = dict(zip(blocks, map(range, bounds[:-1], bounds[1:]), strict=True))
    products, sums = (indicators.T @ indicators).toarray(), indicators.T @ scores

    def explained(terms: Iterable[Term]) -> tuple[float, int]:
        """The sum of squares that the constant and the terms explain, and the rank of their columns."""
        chosen = np.concatenate([list(columns[term]) for term in (CONSTANT, *terms)])
        values, vectors = np.linalg.eigh(products[np.ix_(chosen, chosen)])
        kept = values > values[-1] * len(values) * np.finfo(float).eps * 10
        along = vectors[:, kept].T @ sums[chosen]
        return float((along**2 / values[kept]).sum()), int(kept.sum())

    everything, rank = explained(codes)
    effects: Effects = {}
    for term in codes:
        others = [other for other in codes if not term <= other]
        square, freedom = explained([*others, term]) if len(term) == 1 else (everything, rank)
        less, fewer = explained(others)
        effects[term] = freedom - fewer, max(0.0, square - less)
    residual = float((scores**2).sum()) - everything
    return effects | {RESIDUAL: (len(scores) - rank, max(0.0, residual))}


def terms_of(levels: Levels) -> list[Term]:
    """The axes, then their pairs."""
    return [frozenset(names) for size in (1, 2) for names in combinations(levels, size)]


def _codes(term: Term, levels: Levels) -> Codes:
    """The number [N] of each run's combination of the term's levels, counting those that occur."""
    stacked = np.stack([levels[name] for name in sorted(term)])
    return np.unique(stacked, axis=1, return_inverse=True)[1].reshape(-1)


def _name(term: Term) -> str:
    """`architecture` or `architecture:seed`, in the order of the axes."""
    return ":".join(name for name in (*RUN, *RESIDUAL) if name in term)
