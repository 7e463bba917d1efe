"""Tables of runs in which the cuts of a dataset that is split repeatedly are that one dataset.

runs.csv names what was trained on, such as `digits-split1`. Statistics speak of `digits`, where a run is one of a split
with a seed. A table without such datasets stays as it is.
"""

from typing import Any

import pandas as pd

from bakeoff.study.cuts import Cut
from bakeoff.study.matrix import FACETS

REPEATED, SPLIT = "repeated", "split"  # columns of runs.csv: the whole dataset, and the number of the cut
CUT = "cut"  # column of a table of whole datasets: the dataset that a run was trained on
RUN = (*FACETS, SPLIT, "seed")  # what names a run in such a table


def columns_of_cut(cut: Cut | None) -> dict[str, Any]:
    """What runs.csv says of a run on a cut."""
    return {REPEATED: cut.of, SPLIT: cut.number} if cut else {}


def whole_datasets(runs: pd.DataFrame) -> pd.DataFrame:
    """The summary's table of runs by whole datasets: `dataset` names those, and `cut` what a run was trained on.

    `split` is the number of its cut, 0 on a dataset that is split once.
    """
    if REPEATED not in runs:
        return runs
    repeated = runs[REPEATED].fillna("").astype(str)
    whole = repeated.where(repeated != "", runs["dataset"])
    numbers = runs[SPLIT].fillna(0).astype("int64")
    return runs.assign(**{CUT: runs["dataset"], "dataset": whole, SPLIT: numbers})


def history_of_whole_datasets(history: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The epochs of runs by whole datasets; `runs` is the table of `whole_datasets`."""
    if CUT not in runs:
        return history
    cuts = runs.drop_duplicates(CUT).set_index(CUT)
    trained_on = history["dataset"].astype(str)
    return history.assign(dataset=trained_on.map(cuts["dataset"]), **{SPLIT: trained_on.map(cuts[SPLIT])})


def run_columns(table: pd.DataFrame) -> list[str]:
    """The columns that name a run in a table, whole datasets or not."""
    return [name for name in RUN if name in table]
