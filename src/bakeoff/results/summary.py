"""From the folders of all runs to the tables that statistics, figures and reports are made from.

runs.csv         one row per planned run, in the study's order; status "missing" where no result stands. On a dataset
                 that is split repeatedly, `dataset` names the cut, and two more columns the whole and the cut's number
experiments.csv  one row per planned experiment: counts, and means, deviations and intervals over seeds. The cuts of a
                 dataset count as that one dataset
history.parquet  one row per run and epoch
trials.csv       one row per run of a trial, where the study tunes
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet

from bakeoff.counting import counted
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.results.aggregation import experiments_table
from bakeoff.results.history import KEYS, history_table
from bakeoff.results.result import SCORED_SPLITS, DamagedResult, Result, check_files, read_result, unusable
from bakeoff.results.significant_digits import rounded_table
from bakeoff.results.summary_tables import COSTS, PROVENANCE, WHOLE
from bakeoff.results.trials_table import write_trials
from bakeoff.results.whole_datasets import REPEATED, SPLIT, columns_of_cut, whole_datasets
from bakeoff.study.cuts import cut_in
from bakeoff.study.matrix import Run
from bakeoff.study.metrics import Metric
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, training_of

Row = dict[str, Any]
STALE = "the result here belongs to an older specification of the run"


def summarize(study: Study, layout: Layout, complete: bool = False) -> list[Path]:
    """Write results/<study>/summary/{runs.csv,experiments.csv,history.parquet} from whatever runs exist.

    A result whose specification is not the study's present one counts as missing, and so does a damaged one; where the
    runs are to be `complete`, as in a job of Snakemake, either is an error.
    Returns the paths. Raises BakeoffError naming the file when a history cannot be understood.
    """
    planned = runs(study)
    rows = [_row(study, layout, run) for run in counted(planned, "results")]
    missing = {run.key: row["message"] for run, row in zip(planned, rows, strict=True) if row["status"] == "missing"}
    if complete and missing:
        key, why = next(iter(missing.items()))
        found = f"{len(missing)} of {len(rows)} runs have no result that can be used"
        raise BakeoffError(f"{found}; {key}: {why or 'there is none'}")
    table = runs_table(rows, study.metrics, study.leading_metric)
    finished = [run for run, row in zip(planned, rows, strict=True) if row["status"] != "missing"]
    history = history_table(finished, [layout.run(run).history for run in finished], study.metric)
    written = [layout.summary / name for name in ("runs.csv", "experiments.csv", "history.parquet")]
    with write_atomically(written[0]) as path:
        table.to_csv(path, index=False)
    with write_atomically(written[1]) as path:
        rounded_table(experiments_table(whole_datasets(table))).to_csv(path, index=False)
    with write_atomically(written[2]) as path:
        parquet.write_table(history, path, compression="zstd")
    return [*written, *write_trials(study, layout)]


def runs_table(rows: list[Row], metrics: Mapping[str, Metric], leading: Metric) -> pd.DataFrame:
    """The table of runs from their rows, with a column for each score that some run has, or could have."""
    scores = _score_names(rows, metrics, leading)
    cuts = [name for name in (REPEATED, SPLIT) if any(name in row for row in rows)]
    columns = [*KEYS, *cuts, "status", "message", "best_epoch", "epochs", *scores, *COSTS, *PROVENANCE]
    types = dict.fromkeys((*scores, *COSTS), "float64") | dict.fromkeys((*WHOLE, *cuts[1:]), "Int64")
    return pd.DataFrame.from_records(rows, columns=columns).astype(types)


def finished_row(result: Result) -> Row:
    """The row of a run that has a result."""
    metrics = result.metrics
    row = asdict(result.run) | columns_of_cut(cut_in(result.run.dataset, result.spec.get("dataset", {})))
    row |= {"status": result.status, "message": result.message}
    row |= {"best_epoch": metrics.best_epoch, "epochs": metrics.epochs}
    for split in SCORED_SPLITS:
        row |= {f"{split}_{name}": value for name, value in metrics.split(split).items()}
    row |= {name: getattr(result.cost, name) for name in COSTS}
    return row | {name: getattr(result.provenance, name) for name in PROVENANCE}


def _row(study: Study, layout: Layout, run: Run) -> Row:
    """The row of one planned run in runs.csv."""
    path = layout.run(run).result
    row: Row = asdict(run) | columns_of_cut(study.cuts.get(run.dataset))
    try:
        result = read_result(path)
        if result is not None:
            check_files(layout.run(run), result, sizes_only=True)
    except DamagedResult as error:
        return row | {"status": "missing", "message": str(error)}
    try:
        wanted = training_of(study, layout, run).specification.content
    except NotChosen as error:
        return row | {"status": "missing", "message": str(error)}
    if result is None or result.spec != wanted:
        return row | {"status": "missing", "message": STALE if result else _failure(layout, run)}
    row = finished_row(result)
    if result.status == "completed" and row.get(f"test_{study.metric}") is None:
        raise unusable(path, f"a completed run without metrics.test.{study.metric}")
    return row


def _failure(layout: Layout, run: Run) -> str:
    """Why a run that has no result failed, as its process wrote it; empty where none has."""
    try:
        progress = json.loads(layout.run(run).progress.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not begun; or half-written by a machine that lost power
        return ""
    return f"failed: {progress['failed']}; see {layout.run(run).log}" if progress.get("failed") else ""


def _score_names(rows: list[Row], metrics: Mapping[str, Metric], leading: Metric) -> list[str]:
    """The columns of scores: the loss, the metrics of the task that the leading one is for, and what else is found."""
    found, tasks = {column for row in rows for column in row}, leading.tasks
    return [
        column
        for split in SCORED_SPLITS
        for name, metric in metrics.items()
        if (column := f"{split}_{name}") in found or name == "loss" or (metric.tasks == tasks and metric.every_epoch)
    ]
