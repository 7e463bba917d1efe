"""Predictions of runs that never were, written and read as those of training are."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.results.predictions import (
    ClassPredictions,
    LabelPredictions,
    Predictions,
    read_predictions,
    write_predictions,
)
from bakeoff.results.result import Cost, Metrics, Provenance, Result, write_result
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout

CELL = Experiment("data", "model", "sgd", "plain")


def class_logits(runs: int, images: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits [runs, images, classes] that are right more often than not, and labels [images]."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(classes, size=images)
    logits = draw.normal(size=(runs, images, classes)) + 1.5 * np.eye(classes)[labels]
    return logits.astype(np.float32), labels


def label_logits(runs: int, images: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits [runs, images, labels], many of them equal, and labels with some that are ignored (255)."""
    draw = np.random.default_rng(seed)
    truth = draw.choice([0, 1, 255], p=[0.6, 0.3, 0.1], size=(images, labels)).astype(np.uint8)
    logits = draw.normal(size=(runs, images, labels)) + 1.5 * (truth == 1) - 1
    return logits.round(1).astype(np.float32), truth


def saved(logits: np.ndarray, labels: np.ndarray, **metrics: Any) -> Predictions:
    """What is read of runs with logits [S, N, K] that share their labels."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout("made", Path(folder))
        for seed, run in enumerate(logits):
            paths = layout.run(CELL.run(seed))
            write_predictions(paths.predictions, run, labels)
            write_result(
                paths.result,
                Result(
                    run=CELL.run(seed), spec={}, status="completed", metrics=Metrics(**metrics), cost=Cost(),
                    provenance=Provenance(),
                ),
            )  # fmt: skip
        return read_predictions({seed: layout.run(CELL.run(seed)) for seed in range(len(logits))})


def class_predictions(runs: int, images: int, classes: int, seed: int) -> ClassPredictions:
    predictions = saved(*class_logits(runs, images, classes, seed))
    assert isinstance(predictions, ClassPredictions)
    return predictions


def label_predictions(runs: int, images: int, labels: int, seed: int) -> LabelPredictions:
    thresholds = {"global": 0.4, "labels": {f"label{index}": 0.1 * (index + 1) for index in range(labels)}}
    precisions = {f"label{index}": 0.5 + 0.1 * index for index in range(labels)}
    logits, truth = label_logits(runs, images, labels, seed)
    predictions = saved(logits, truth, thresholds=thresholds, test_average_precision=precisions)
    assert isinstance(predictions, LabelPredictions)
    return predictions
