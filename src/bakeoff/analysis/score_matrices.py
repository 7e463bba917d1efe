"""Test scores of a study as matrices of experiments and seeds: what comparisons and ranks are made from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bakeoff.results.predictions import Floats
from bakeoff.study.matrix import FACETS

ALL_DATASETS = ""  # stands for the mean over all datasets where tables name a dataset


@dataclass(frozen=True)
class ScoreMatrix:
    """Scores of E experiments on a dataset, or of configurations averaged over all datasets.

    `names` are the experiments' keys, for configurations without the dataset. `scores` [E, S] are NaN where one of the
    `seeds` has no completed run.
    """

    dataset: str
    names: list[str]
    seeds: list[int]
    scores: Floats

    @property
    def by_name(self) -> dict[str, Floats]:
        return dict(zip(self.names, self.scores, strict=True))


def score_matrices(runs: pd.DataFrame, column: str) -> list[ScoreMatrix]:
    """One matrix for each dataset in the summary's table of runs; if there are several, one more of their mean."""
    scores = runs[column].where(runs["status"] == "completed").astype(float)
    index = pd.MultiIndex.from_frame(runs[[*FACETS, "seed"]])
    order = pd.MultiIndex.from_frame(runs[list(FACETS)].drop_duplicates())
    wide = pd.Series(scores.to_numpy(), index=index).unstack().reindex(index=order, columns=runs["seed"].unique())
    seeds = [int(seed) for seed in wide.columns]
    by_dataset = {str(name): part.droplevel(0) for name, part in wide.groupby(level=0, sort=False)}
    found = [
        ScoreMatrix(name, ["/".join((name, *key)) for key in part.index], seeds, part.to_numpy())
        for name, part in by_dataset.items()
    ]
    if len(by_dataset) > 1:
        configurations = list(dict.fromkeys(key for part in by_dataset.values() for key in part.index))
        stacked = np.stack([part.reindex(configurations).to_numpy() for part in by_dataset.values()])
        found.append(ScoreMatrix(ALL_DATASETS, ["/".join(key) for key in configurations], seeds, stacked.mean(axis=0)))
    return found
