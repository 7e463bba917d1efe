"""Ensembles against what training computes from averaged probabilities, and against a bootstrap over images."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, logit, softmax

from bakeoff.analysis.ensembles import ensembles_table
from bakeoff.analysis.test_set_error import influences
from bakeoff.results.predictions import Predictions
from bakeoff.training.scoring import multiclass_metrics, multilabel_metrics
from made_predictions import class_logits, class_predictions, label_logits, saved

BETA = 2.0


def table_of(predictions: Predictions, beta: float) -> pd.DataFrame:
    return ensembles_table(predictions, influences(predictions, beta), beta)


def of_classes(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    given = torch.tensor(logits, dtype=torch.float64), torch.tensor(labels)
    return multiclass_metrics(*given) | {"loss": torch.nn.functional.cross_entropy(*given).item()}


def of_labels(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    known = labels != 255
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(logits, dtype=torch.float64)[known], torch.tensor(labels == 1, dtype=torch.float64)[known]
    )
    return multilabel_metrics(torch.tensor(logits), torch.tensor(labels), BETA) | {"loss": losses.item()}


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_members_and_ensemble_score_as_in_training(task: str) -> None:
    if task == "multi-class":
        logits, labels = class_logits(4, 300, 7, seed=3)
        found, scored = table_of(class_predictions(4, 300, 7, seed=3), BETA), of_classes
        together = np.log(softmax(logits.astype(float), axis=2).mean(0))
    else:
        logits, labels = label_logits(4, 300, 5, seed=4)
        logits = logits + np.float32(0.01)  # else probabilities may average to 0.5, the threshold, but for rounding
        found, scored = table_of(saved(logits, labels), BETA), of_labels
        together = logit(expit(logits.astype(float)).mean(0))
    rows = found.set_index("metric")
    members, ensemble = [scored(run, labels) for run in logits], scored(together, labels)
    assert set(rows.index) == set(ensemble) and (rows["runs"] == 4).all()
    for metric, score in ensemble.items():
        assert rows.loc[metric, "mean"] == pytest.approx(np.mean([run[metric] for run in members]), abs=1e-6), metric
        assert rows.loc[metric, "ensemble"] == pytest.approx(score, abs=1e-6), metric
    assert rows.loc["loss", "difference"] < 0  # the loss is convex: that of a mean is below the mean loss
    assert ((rows["low"] < rows["difference"]) & (rows["difference"] < rows["high"])).all()


@pytest.mark.parametrize("metric", ["loss", "accuracy", "macro_f1"])
def test_the_interval_is_a_bootstrap_s_over_images(metric: str) -> None:
    logits, labels = class_logits(3, 400, 4, seed=5)
    row = table_of(class_predictions(3, 400, 4, seed=5), BETA).set_index("metric").loc[metric]
    together, draw = np.log(softmax(logits.astype(float), axis=2).mean(0)), np.random.default_rng(0)
    differences = []
    for _ in range(200):
        images = draw.integers(400, size=400)
        members = [of_classes(run[images], labels[images])[metric] for run in logits]
        differences.append(of_classes(together[images], labels[images])[metric] - np.mean(members))
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * np.std(differences), rel=0.15)


def test_one_seed_has_no_ensemble_and_sure_probabilities_no_infinite_loss() -> None:
    assert table_of(class_predictions(1, 50, 3, seed=1), BETA).empty
    sure = np.zeros((2, 4, 2), np.float32)
    sure[..., 0] = 5_000
    for labels in (np.array([0, 0, 0, 1]), np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.uint8)):
        assert np.isfinite(table_of(saved(sure, labels), BETA)["ensemble"]).all()
