"""Test scores of a study as matrices of experiments and seeds: what comparisons and ranks are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.analysis.variance_over_cuts import CutScores
from bakeoff.results.predictions import Floats
from bakeoff.results.whole_datasets import SPLIT
from bakeoff.study.matrix import FACETS

ALL_DATASETS = ""  # stands for the mean over all datasets where tables name a dataset


@dataclass(frozen=True)
class ScoreMatrix:
    """Scores of E experiments on a dataset, or of configurations averaged over all datasets.

    `names` are the experiments' keys, for configurations without the dataset. `scores` [E, S] are NaN where one of the
    `seeds` has no completed run. On a dataset that is split repeatedly they are means over its `cuts`.
    """

    dataset: str
    names: list[str]
    seeds: list[int]
    scores: Floats
    cuts: CutScores | None = None

    @property
    def by_name(self) -> dict[str, Floats]:
        return dict(zip(self.names, self.scores, strict=True))

    def runs_of(self, name: str) -> Floats:
        """The scores of an experiment's completed runs."""
        of_runs = (self.scores if self.cuts is None else self.cuts.scores)[self.names.index(name)].reshape(-1)
        return np.asarray(of_runs[~np.isnan(of_runs)])

    def cuts_of(self, names: Sequence[str]) -> CutScores:
        """The scores on each cut of some experiments, NaN for those that are not here."""
        assert self.cuts is not None
        absent = np.full(self.cuts.scores.shape[1:], np.nan)
        of_names = dict(zip(self.names, self.cuts.scores, strict=True))
        return CutScores(np.stack([of_names.get(name, absent) for name in names]), self.cuts.overlap)


def score_matrices(runs: pd.DataFrame, column: str, overlaps: Mapping[str, float] | None = None) -> list[ScoreMatrix]:
    """One matrix for each dataset in the table of runs; if there are several, one more of their mean.

    The table is by whole datasets. `overlaps` has the `CutScores.overlap` of those that are split repeatedly.
    """
    seeds = [int(seed) for seed in runs["seed"].unique()]
    found, means = list[ScoreMatrix](), list[pd.DataFrame]()
    for name, here in runs.groupby("dataset", sort=False):
        dataset, order = str(name), here[list(FACETS[1:])].drop_duplicates()
        wide = [_wide(rows, column, order, seeds) for rows in _cuts_of(here)]
        cuts = None
        if SPLIT in here and (here[SPLIT] > 0).all():
            cuts = CutScores(
                np.stack([part.to_numpy() for part in wide], axis=1), (overlaps or {}).get(dataset, np.nan)
            )
        scores = wide[0].to_numpy() if cuts is None else cuts.over_cuts
        means.append(pd.DataFrame(scores, wide[0].index))
        names = ["/".join((dataset, *key)) for key in wide[0].index]
        found.append(ScoreMatrix(dataset, names, seeds, scores, cuts))
    if len(found) > 1:
        configurations = list(dict.fromkeys(key for part in means for key in part.index))
        stacked = np.stack([part.reindex(configurations).to_numpy() for part in means])
        found.append(ScoreMatrix(ALL_DATASETS, ["/".join(key) for key in configurations], seeds, stacked.mean(axis=0)))
    return found


def scores_on_cuts(runs: pd.DataFrame, column: str) -> Floats:
    """The scores [K, S] of one experiment's runs on the cuts of its dataset, NaN where one did not complete."""
    scores = runs[column].where(runs["status"] == "completed").astype(float)
    return np.asarray(pd.Series(scores.to_numpy(), pd.MultiIndex.from_frame(runs[[SPLIT, "seed"]])).unstack())


def _cuts_of(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """The runs on each cut of a dataset; all of them where it is split once."""
    return [rows for _, rows in runs.groupby(SPLIT)] if SPLIT in runs else [runs]


def _wide(runs: pd.DataFrame, column: str, order: pd.DataFrame, seeds: list[int]) -> pd.DataFrame:
    """The scores of configurations by seed."""
    scores = runs[column].where(runs["status"] == "completed").astype(float)
    index = pd.MultiIndex.from_frame(runs[[*FACETS[1:], "seed"]])
    wide = pd.Series(scores.to_numpy(), index=index).unstack()
    return wide.reindex(index=pd.MultiIndex.from_frame(order), columns=seeds)
