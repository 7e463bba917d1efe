"""Learning curves of experiments, over their completed runs."""

import pandas as pd

from bakeoff.results.summary_tables import by_experiment, read_history
from bakeoff.results.whole_datasets import history_of_whole_datasets, run_columns
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study


def completed_history(study: Study, layout: Layout, runs: pd.DataFrame) -> pd.DataFrame:
    """The epochs of completed runs, with the loss, the study's metric and the headline metrics that runs have, on
    training and validation data.

    `runs` is the summary's table of completed runs, by whole datasets. Raises BakeoffError when there is no summary.
    """
    keys = run_columns(runs)
    headlines = (metric.name for metric in study.metrics.values() if metric.headline)
    metrics = dict.fromkeys(["loss", study.metric, *headlines])
    wanted = [f"{split}_{metric}" for metric in metrics for split in ("train", "validation")]
    history = read_history(layout, wanted).astype({facet: str for facet in FACETS})
    history = history_of_whole_datasets(history, runs)
    return history.merge(runs[[*keys, "best_epoch"]], on=keys, how="inner")


def mean_curves(study: Study, history: pd.DataFrame) -> dict[Experiment, pd.DataFrame]:
    """The band of the study's metric on validation data of each experiment."""
    return {cell: band(epochs, f"validation_{study.metric}") for cell, epochs in by_experiment(history)}


def band(epochs: pd.DataFrame, column: str) -> pd.DataFrame:
    """`mean`, `min` and `max` of a column over runs, by epoch, for the epochs that every run reached."""
    found = epochs.groupby("epoch")[column].agg(["mean", "min", "max", "size"])
    return found[found["size"] == len(epochs[run_columns(epochs)].drop_duplicates())]
