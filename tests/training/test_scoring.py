"""Metrics against scikit-learn's."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    fbeta_score,
    precision_recall_curve,
    top_k_accuracy_score,
)

from bakeoff.study.metrics import AVERAGES, IGNORED
from bakeoff.training.scoring import (
    average_precision,
    choose_thresholds,
    is_better,
    macro_f1,
    multiclass_metrics,
    multilabel_metrics,
    tuned_metrics,
)


@pytest.mark.parametrize(("images", "classes"), [(400, 10), (30, 20), (50, 6)])
def test_metrics_equal_scikit_learns(images: int, classes: int) -> None:
    random = np.random.default_rng(images)
    logits = random.normal(size=(images, classes)).astype(np.float32)
    labels = random.integers(0, classes, images)
    found = multiclass_metrics(torch.tensor(logits), torch.tensor(labels))
    names = list(range(classes))
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, logits.argmax(1)))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, logits.argmax(1), average="macro", zero_division=0))
    assert found["top5_accuracy"] == pytest.approx(top_k_accuracy_score(labels, logits, k=5, labels=names))


def test_macro_f1_of_very_many_classes_needs_no_confusion_matrix() -> None:
    """One of two million by two million numbers would take 32 TB."""
    classes = 2_000_000
    labels = torch.tensor([0, 7, 7, classes - 1, 1_000_000])
    predicted = torch.tensor([0, 7, 9, classes - 1, 0])
    assert macro_f1(predicted, labels, classes) == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_top5_of_three_classes_is_one() -> None:
    assert multiclass_metrics(torch.randn(7, 3), torch.zeros(7, dtype=torch.long))["top5_accuracy"] == 1


def test_equal_is_not_better_and_a_loss_is_better_when_lower() -> None:
    assert not is_better(0.5, 0.5, higher=True)
    assert is_better(0.6, 0.5, higher=True)
    assert not is_better(0.6, 0.5, higher=True, min_delta=0.2)
    assert is_better(0.4, 0.5, higher=False)
    for nothing in (math.nan, math.inf, -math.inf):
        assert not is_better(nothing, None, higher=True) and not is_better(nothing, 0.5, higher=nothing > 0)


def multilabel(images: int, labels: int, tied: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that know something of the labels; few distinct values when `tied`."""
    random = np.random.default_rng(images + labels)
    truth = (random.random((images, labels)) < 0.3).astype(np.uint8)
    truth[0] = 1
    logits = random.normal(size=(images, labels)) + truth
    return torch.tensor(logits.round() if tied else logits, dtype=torch.float32), torch.tensor(truth)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_multilabel_metrics_equal_scikit_learns(beta: float, tied: bool) -> None:
    logits, labels = multilabel(300, 7, tied)
    found = multilabel_metrics(logits, labels, beta)
    truth, predicted = labels.numpy(), logits.numpy() >= 0
    assert found["mean_average_precision"] == pytest.approx(average_precision_score(truth, logits.numpy()))
    for average in AVERAGES:
        wanted = fbeta_score(truth, predicted, beta=beta, average=average, zero_division=0)
        assert found[f"fbeta_{average}"] == pytest.approx(wanted)


def test_ignored_labels_take_no_part() -> None:
    logits, labels = multilabel(200, 5)
    ignored = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0)) < 0.2
    ignored[0] = False
    masked = labels.masked_fill(ignored, IGNORED)
    found = average_precision(logits, masked)
    metrics = multilabel_metrics(logits, masked, 2.0)
    per_label = []
    for label in range(5):
        keep = ~ignored[:, label].numpy()
        truth, scores = labels[keep, label].numpy(), logits[keep, label].numpy()
        assert found[label].item() == pytest.approx(average_precision_score(truth, scores))
        per_label.append(fbeta_score(truth, scores >= 0, beta=2))
    keep = ~ignored.numpy()
    assert metrics["fbeta_macro"] == pytest.approx(np.mean(per_label))
    assert metrics["fbeta_micro"] == pytest.approx(fbeta_score(labels.numpy()[keep], logits.numpy()[keep] >= 0, beta=2))


def test_a_label_without_positives_has_no_average_precision() -> None:
    logits, labels = multilabel(50, 3)
    labels[:, 1] = 0
    found = average_precision(logits, labels)
    assert found[1].isnan()
    assert multilabel_metrics(logits, labels, 1)["mean_average_precision"] == pytest.approx(found[[0, 2]].mean().item())


@pytest.mark.parametrize("tied", [False, True])
def test_thresholds_reach_the_best_f_beta_of_all_thresholds(tied: bool) -> None:
    logits, labels = multilabel(250, 4, tied)
    beta = 2.0
    for_all, per_label = choose_thresholds(logits, labels, beta)
    tuned = tuned_metrics(logits, labels, beta, for_all, per_label)

    def best(truth: np.ndarray, scores: np.ndarray) -> float:
        precision, recall, _ = precision_recall_curve(truth, scores)
        return np.nanmax((1 + beta**2) * precision * recall / np.maximum(beta**2 * precision + recall, 1e-12))

    truth, scores = labels.numpy(), logits.double().sigmoid().numpy()
    assert tuned["fbeta_micro_global_threshold"] == pytest.approx(best(truth.ravel(), scores.ravel()))
    wanted = [best(truth[:, label], scores[:, label]) for label in range(4)]
    assert tuned["fbeta_macro_label_thresholds"] == pytest.approx(np.mean(wanted))
    predicted = scores >= np.array(per_label)
    assert tuned["fbeta_samples_label_thresholds"] == pytest.approx(
        fbeta_score(truth, predicted, beta=beta, average="samples", zero_division=0)
    )
