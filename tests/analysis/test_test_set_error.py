"""Influences of test images on metrics: scikit-learn's metrics with changed weights, and a bootstrap, are the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics

from bakeoff.analysis.test_set_error import influences, score_error
from made_predictions import class_predictions, label_predictions

CLASSES = class_predictions(runs=2, images=200, classes=5, seed=1)
LABELS = label_predictions(runs=2, images=150, labels=4, seed=2)
BETA = 2.0


def fbeta(average: str) -> Callable[[np.ndarray, int], float]:
    guessed = (LABELS.logits >= 0) & LABELS.known
    true = LABELS.labels == 1
    return lambda weights, run: metrics.fbeta_score(
        true, guessed[run], beta=BETA, average=average, zero_division=0, sample_weight=weights
    )


def mean_average_precision(weights: np.ndarray, run: int) -> float:
    each = []
    for label in range(LABELS.labels.shape[1]):
        known = LABELS.known[:, label]
        each.append(
            metrics.average_precision_score(
                LABELS.labels[known, label], LABELS.logits[run, known, label], sample_weight=weights[known]
            )
        )
    return float(np.mean(each))


def binary_loss(weights: np.ndarray, run: int) -> float:
    known = LABELS.known
    chance = 1 / (1 + np.exp(-LABELS.logits[run][known].astype(float)))
    each = np.broadcast_to(weights[:, None], known.shape)[known]
    return metrics.log_loss(LABELS.labels[known], chance, sample_weight=each, labels=[0, 1])


METRICS: dict[str, Callable[[np.ndarray, int], float]] = {
    "accuracy": lambda weights, run: metrics.accuracy_score(
        CLASSES.labels, CLASSES.predicted[run], sample_weight=weights
    ),
    "macro_f1": lambda weights, run: metrics.f1_score(
        CLASSES.labels, CLASSES.predicted[run], average="macro", zero_division=0, sample_weight=weights
    ),
    "loss": lambda weights, run: np.average(CLASSES.loss[run].astype(float), weights=weights),
    "top5_accuracy": lambda weights, run: np.average(CLASSES.in_top5[run], weights=weights),
    "mean_average_precision": mean_average_precision,
    "binary loss": binary_loss,
    "fbeta_micro": fbeta("micro"),
    "fbeta_macro": fbeta("macro"),
    "fbeta_samples": fbeta("samples"),
}
FOUND = influences(CLASSES) | {
    "binary loss" if name == "loss" else name: values for name, values in influences(LABELS, BETA).items()
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("run", [0, 1])
def test_influences_are_derivatives_by_the_weight_of_an_image(name: str, run: int) -> None:
    found, step = FOUND[name][run], 1e-5
    for image in range(0, len(found), 7):
        more, less = np.ones(len(found)), np.ones(len(found))
        more[image] += step
        less[image] -= step
        derivative = (METRICS[name](more, run) - METRICS[name](less, run)) / (2 * step)
        assert found[image] == pytest.approx(derivative, rel=1e-4, abs=1e-7)
    assert found.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", ["macro_f1", "mean_average_precision", "fbeta_macro"])
def test_standard_errors_are_those_of_a_bootstrap_over_images(name: str) -> None:
    draw = np.random.default_rng(0)
    images = len(FOUND[name][0])
    weights = draw.multinomial(images, np.full(images, 1 / images), size=600)
    scores = [METRICS[name](row.astype(float), 0) for row in weights]
    assert score_error(FOUND[name][:1]).of_one_run == pytest.approx(np.std(scores), rel=0.12)


def test_the_error_of_accuracy_is_the_binomials() -> None:
    """94 % on 10,000 images: 0.24 points."""
    correct = np.arange(10_000) < 9_400
    labels = np.zeros(10_000, np.int64)
    predictions = class_predictions(runs=1, images=10_000, classes=2, seed=0)
    exact = type(predictions)(**{**vars(predictions), "labels": labels, "predicted": np.where(correct, 0, 1)[None]})
    assert score_error(influences(exact)["accuracy"]).of_one_run == pytest.approx(np.sqrt(0.94 * 0.06 / 10_000))
