"""What the test images say of each experiment, read run by run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.analysis.baselines import Baseline, baseline
from bakeoff.analysis.data_card import read_data_card
from bakeoff.analysis.mistakes import guesses_of, hardest_images, image_loss, image_wrong
from bakeoff.analysis.single_runs import SingleRun
from bakeoff.analysis.tables.of_predictions import PREDICTION_TABLES
from bakeoff.analysis.test_set_error import RunInfluences, ScoreError, influences, score_error
from bakeoff.counting import counted
from bakeoff.errors import BakeoffError
from bakeoff.results.predictions import ClassPredictions, Floats, Predictions, read_predictions
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study


@dataclass(frozen=True)
class PredictionInputs:
    """What the functions of the tables about predictions may take.

    `names` are those of the classes; `loss` and `wrong` each test image's mean loss and share of wrong runs [N]; `beta`
    is the study's, of F-beta. `influence` is that of the test images on each run's score [S, N], by metric.
    """

    predictions: Predictions
    names: Sequence[str]
    loss: Floats
    wrong: Floats
    beta: float
    influence: Mapping[str, Floats]


@dataclass(frozen=True)
class ImageFindings:
    """What the N test images say of each experiment beside the tables, by its key.

    `influences` are theirs on the score of each run, where there is a formula for it. `score_errors` has what the test
    images do to an experiment's score in each metric, and `single_runs` one run of each experiment, on a dataset of the
    same seed.

    `baselines` are those of datasets, by their names.
    """

    baselines: dict[str, Baseline]
    influences: dict[str, RunInfluences]
    score_errors: dict[str, dict[str, ScoreError]]
    single_runs: dict[str, SingleRun]


def analyse_experiments(
    study: Study, layout: Layout, runs: pd.DataFrame
) -> tuple[ImageFindings, dict[str, pd.DataFrame]]:
    """What the test images say of every experiment with a completed run, and the tables of predictions.

    The hardest images of a whole dataset stand under an experiment that names only the dataset. The predictions of one
    experiment are in memory at a time. Raises BakeoffError when those of a completed run are missing or damaged.
    """
    found = ImageFindings({}, {}, {}, {})
    parts: dict[str, list[pd.DataFrame]] = {table.name: [] for table in PREDICTION_TABLES}
    hardest = []
    for dataset, here in runs[runs["status"] == "completed"].groupby("dataset", sort=False):
        card = read_data_card(study, str(dataset))
        names = card.classes if card else []
        # Single runs are compared with the same seed: the one that most experiments have, of equals the first.
        seed = int(Counter(here["seed"]).most_common(1)[0][0])
        labels: NDArray[Any] | None = None
        losses, wrongs, guesses = [], [], []
        for cell, rows in counted(list(by_experiment(here)), f"predictions on {dataset}"):
            predictions = read_predictions({int(each): layout.run(cell.run(int(each))) for each in rows["seed"]})
            names = names or [str(index) for index in range(predictions.classes)]
            labels = predictions.labels if labels is None else labels
            _check_images(predictions, labels, names, f"{layout.runs / cell.key}")
            if card and str(dataset) not in found.baselines:
                found.baselines[str(dataset)] = baseline(study, card, predictions.labels)
            loss, wrong = image_loss(predictions), image_wrong(predictions)
            influence = influences(predictions, study.beta)
            inputs = PredictionInputs(predictions, names, loss, wrong, study.beta, influence)
            task = "multi-class" if isinstance(predictions, ClassPredictions) else "multi-label"
            for table in PREDICTION_TABLES:
                if task in table.tasks:
                    parts[table.name].append(table.make(vars(inputs)).assign(**vars(cell)))
            if predictions.influence is not None and np.isfinite(predictions.influence).all():
                influence.setdefault(study.metric, predictions.influence)
            found.score_errors[cell.key] = {name: score_error(values) for name, values in influence.items()}
            if study.metric in influence:
                exact = influence[study.metric].astype(np.float32)
                found.influences[cell.key] = RunInfluences(predictions.seeds, exact)
            if seed in predictions.seeds:
                score = float(rows.loc[rows["seed"] == seed, f"test_{study.metric}"].iloc[0])
                found.single_runs[cell.key] = _single_run(predictions, seed, score, influence.get(study.metric))
            losses.append(inputs.loss)
            wrongs.append(inputs.wrong)
            guesses.append(guesses_of(predictions))
        whole = hardest_images(np.mean(losses, axis=0), np.mean(wrongs, axis=0), np.asarray(labels), names, guesses)
        hardest.append(whole.assign(**vars(Experiment(str(dataset), "", "", ""))))
    parts["hardest_images"] += hardest
    return found, {name: pd.concat(part) if part else pd.DataFrame() for name, part in parts.items()}


def _check_images(predictions: Predictions, labels: NDArray[Any], names: Sequence[str], folder: str) -> None:
    """Refuse predictions of other test images or other classes than the dataset has."""
    remedy = "delete this folder and train it again"
    if len(names) != predictions.classes:
        raise BakeoffError(
            f"{folder}: predicts {predictions.classes} classes, the data now have {len(names)}; {remedy}"
        )
    if not np.array_equal(predictions.labels, labels):
        raise BakeoffError(f"{folder}: its test images are not those of the other experiments on its data; {remedy}")


def _single_run(predictions: Predictions, seed: int, score: float, influence: Floats | None) -> SingleRun:
    """The run of a seed, from the influences of the test images on each run's score [S, N]."""
    run = predictions.seeds.index(seed)
    correct = predictions.correct[run] if isinstance(predictions, ClassPredictions) else None
    return SingleRun(seed, score, None if influence is None else influence[run], correct)
