"""The tables of a summary, as they are read back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pyarrow.parquet as parquet

from bakeoff.errors import BakeoffError
from bakeoff.results.history import KEYS
from bakeoff.results.result import Cost, Metrics, Provenance
from bakeoff.results.whole_datasets import REPEATED
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout

SCORE_PREFIXES = ("train_", "validation_", "test_")
# What a result says of where it was made, and runs.csv leaves out.
NOT_IN_TABLES = ("device_wanted", "gpu", "gpu_slot", "gpu_used", "node", "plugins")
COSTS = tuple(Cost.model_fields)
PROVENANCE = tuple(name for name in Provenance.model_fields if name not in NOT_IN_TABLES)
WHOLE = tuple(
    name
    for record in (Metrics, Cost, Provenance)
    for name, field in record.model_fields.items()
    if int in (field.annotation, *get_args(field.annotation)) and name not in NOT_IN_TABLES
)
TEXT = ("message", *(name for name in PROVENANCE if name not in WHOLE))


@dataclass(frozen=True)
class Tables:
    """The summary of a study, as read back from its folder."""

    runs: pd.DataFrame
    experiments: pd.DataFrame


def read_tables(layout: Layout) -> Tables:
    """The tables of runs and experiments that `summarize` wrote. Raises BakeoffError when there are none."""
    return Tables(_read_csv(layout.summary / "runs.csv"), _read_csv(layout.summary / "experiments.csv"))


def read_history(layout: Layout, columns: Iterable[str]) -> pd.DataFrame:
    """The epochs of all finished runs: the keys of the run, `epoch` and those of `columns` that exist.

    Raises BakeoffError when `summarize` has not written it.
    """
    path = layout.summary / "history.parquet"
    try:
        present = parquet.read_schema(path).names
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; run `bakeoff summarize` first") from error
    wanted = [*KEYS, "epoch", *(column for column in columns if column in present)]
    history: pd.DataFrame = parquet.read_table(path, columns=wanted).to_pandas()
    return history


def score_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table of runs that hold metrics of a split: `test_accuracy`, `test_last_loss`."""
    return [name for name in map(str, table.columns) if name.startswith(SCORE_PREFIXES)]


def by_experiment(table: pd.DataFrame) -> Iterator[tuple[Experiment, pd.DataFrame]]:
    """The rows of each experiment, in the order of first appearance."""
    for key, rows in table.groupby(list(FACETS), sort=False, observed=True):
        yield Experiment(*map(str, key)), rows


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as mappings."""
    return [dict(zip(map(str, table.columns), row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # A dataset may be called "001" or "NA": names stay text, and only an empty field is a missing one.
        texts = dict.fromkeys((*FACETS, REPEATED, "status", *TEXT), str)
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error.strerror}; run `bakeoff summarize` first") from error
    return table.fillna({name: "" for name in TEXT if name in table})
