"""What the test images say of each experiment, read run by run."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.analysis.calibration import calibration_table, reliability_table
from bakeoff.analysis.classes import classes_table
from bakeoff.analysis.mistakes import (
    confused_pairs_table,
    confusion_table,
    hardest_images,
    hardest_images_table,
    image_loss,
    image_wrong,
)
from bakeoff.analysis.precision_recall import curves_table, thresholds_table
from bakeoff.analysis.single_runs import SingleRun
from bakeoff.analysis.test_set_error import influences, standard_error
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import ClassPredictions, Floats, Predictions, read_predictions
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

# Tables of each experiment's test images, with the columns that follow those of the experiment.
TABLES: dict[str, tuple[str, ...]] = {
    "classes": (
        *("class", "images", "precision", "precision_std", "recall", "recall_std", "f1", "f1_std"),
        *("average_precision", "average_precision_std"),
    ),
    "confusion": ("true", "predicted", "images", "share"),
    "confused_pairs": ("true", "predicted", "images", "share", "examples"),
    "hardest_images": ("image", "label", "predicted", "loss", "wrong"),
    "calibration": ("runs", "expected_calibration_error", "expected_calibration_error_std", "overconfidence"),
    "reliability": ("low", "high", "predictions", "probability", "observed"),
    "precision_recall": ("class", "recall", "precision"),
    "thresholds": ("class", "threshold", "threshold_std"),
}


@dataclass(frozen=True)
class Findings:
    """What the N test images say of an experiment.

    `errors` metric → the standard error that the finite test set gives one run's; `influence` of the images on the
    mean of the study's metric over runs [N], where it has a formula; `single` one run, of the same seed on a dataset;
    `loss` and `wrong` are means over runs [N].
    """

    tables: "dict[str, pd.DataFrame]"
    errors: dict[str, float]
    influence: Floats | None
    single: SingleRun | None
    loss: Floats
    wrong: Floats


def read_findings(
    study: Study, layout: Layout, runs: "pd.DataFrame"
) -> "tuple[dict[Experiment, Findings], dict[str, pd.DataFrame]]":
    """What the test images say of every experiment with a completed run, and the hardest images of each dataset.

    The predictions of one experiment are in memory at a time. Raises BakeoffError when those of a completed run are
    missing or damaged.
    """
    found: dict[Experiment, Findings] = {}
    hardest: dict[str, pd.DataFrame] = {}
    for dataset, here in runs[runs["status"] == "completed"].groupby("dataset", sort=False):
        names = class_names(study, str(dataset))
        # Of single runs those of one seed are compared: that which most experiments have, the first of equals.
        seed = int(Counter(here["seed"]).most_common(1)[0][0])
        labels: NDArray[Any] | None = None
        cells: dict[Experiment, Findings] = {}
        for cell, rows in by_experiment(here):
            predictions = read_predictions({int(each): layout.run(cell.run(int(each))) for each in rows["seed"]})
            names = names or [str(index) for index in range(predictions.classes)]
            labels = predictions.labels if labels is None else labels
            _check_images(predictions, labels, names, f"{layout.runs / cell.key}")
            scores = dict(zip(rows["seed"], rows[f"test_{study.metric}"], strict=True))
            cells[cell] = _of_experiment(study, predictions, names, scores, seed)
        loss = np.mean([item.loss for item in cells.values()], axis=0)
        wrong = np.mean([item.wrong for item in cells.values()], axis=0)
        hardest[str(dataset)] = hardest_images(loss, wrong, np.asarray(labels), names)
        found |= cells
    return found, hardest


def class_names(study: Study, dataset: str) -> list[str]:
    """The classes of a dataset, from its card; none where the data are not prepared here."""
    path = data_folder(study, dataset) / "card.json"
    try:
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))["classes"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; prepare the data again") from error


def _check_images(predictions: Predictions, labels: NDArray[Any], names: Sequence[str], folder: str) -> None:
    """Predictions of other test images, or other classes, than a dataset's must not pass for its own."""
    remedy = "delete this folder and train it again"
    if len(names) != predictions.classes:
        raise BakeoffError(
            f"{folder}: predicts {predictions.classes} classes, the data now have {len(names)}; {remedy}"
        )
    if not np.array_equal(predictions.labels, labels):
        raise BakeoffError(f"{folder}: its test images are not those of the other experiments on its data; {remedy}")


def _of_experiment(
    study: Study, predictions: Predictions, names: Sequence[str], scores: dict[int, float], seed: int
) -> Findings:
    """`scores` are those of the experiment's runs, by seed; `seed` that of the single run."""
    found = influences(predictions, study.beta)
    influence = found.get(study.metric)
    single = None
    if seed in predictions.seeds:
        run = predictions.seeds.index(seed)
        correct = predictions.correct[run] if isinstance(predictions, ClassPredictions) else None
        single = SingleRun(seed, float(scores[seed]), None if influence is None else influence[run], correct)
    loss, wrong = image_loss(predictions), image_wrong(predictions)
    return Findings(
        _tables(predictions, names, loss, wrong),
        {metric: standard_error(values) for metric, values in found.items()},
        None if influence is None else influence.mean(axis=0),
        single,
        loss,
        wrong,
    )


def _tables(predictions: Predictions, names: Sequence[str], loss: Floats, wrong: Floats) -> "dict[str, pd.DataFrame]":
    tables = {
        "classes": classes_table(predictions, names),
        "hardest_images": hardest_images_table(predictions, names, loss, wrong),
        "calibration": calibration_table(predictions),
        "reliability": reliability_table(predictions),
    }
    if isinstance(predictions, ClassPredictions):
        return tables | {
            "confusion": confusion_table(predictions, names),
            "confused_pairs": confused_pairs_table(predictions, names),
        }
    return tables | {
        "precision_recall": curves_table(predictions, names),
        "thresholds": thresholds_table(predictions, names),
    }
