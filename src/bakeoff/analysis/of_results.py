"""The table of comparisons from results alone, without a study."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bakeoff.analysis.comparisons import comparisons_table
from bakeoff.analysis.data_card import mean_overlaps
from bakeoff.analysis.score_matrices import score_matrices
from bakeoff.analysis.tables import TABLES
from bakeoff.analysis.test_set_error import RunInfluences, influences
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import read_predictions
from bakeoff.results.result import Result
from bakeoff.results.study_folder import leading_metric
from bakeoff.results.summary_tables import by_experiment
from bakeoff.results.whole_datasets import whole_datasets
from bakeoff.study.cuts import cut_in
from bakeoff.study.matrix import Run
from bakeoff.study.metrics import METRICS
from bakeoff.study.paths import RunPaths
from bakeoff.study.specification import prepared_name

TABLE = TABLES["comparisons"]


def comparisons_of_results(
    results: Mapping[Run, Result], paths: Mapping[Run, RunPaths], runs: pd.DataFrame, data: Path
) -> pd.DataFrame:
    """The table "comparisons" of the runs with a result; `runs` is their table, `data` the folder of prepared data.

    Raises BakeoffError where predictions are damaged, or it is not known whether more of the leading metric is better.
    """
    name = leading_metric(results)
    if name not in METRICS:
        raise BakeoffError(f"{name} is a plugin's metric; its comparisons stand in summary/comparisons.csv")
    found: dict[str, RunInfluences] = {}
    for cell, rows in by_experiment(runs[runs["status"] == "completed"]):
        of_cell = [cell.run(int(seed)) for seed in rows["seed"]]
        predictions = read_predictions({run.seed: paths[run] for run in of_cell})
        influence = influences(predictions, results[of_cell[0]].spec["beta"])
        if name in influence:
            found[cell.key] = RunInfluences(predictions.seeds, influence[name].astype(np.float32))
    matrices = score_matrices(whole_datasets(runs), f"test_{name}", _overlaps(results, data))
    made = comparisons_table(matrices, METRICS[name], found, races={}, tuned={})
    return TABLE.as_written(TABLE.in_order(made))


def _overlaps(results: Mapping[Run, Result], data: Path) -> dict[str, float]:
    """The number of test images by that of all others of datasets that are split repeatedly, a mean over their cuts."""
    contents = {run.dataset: result.spec.get("dataset", {}) for run, result in results.items()}
    cuts = {cut_in(name, content): data / prepared_name(name, content) for name, content in contents.items()}
    return mean_overlaps({cut: folder for cut, folder in cuts.items() if cut})
