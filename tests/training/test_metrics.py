"""Metrics against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, top_k_accuracy_score

from bakeoff.training.metrics import is_better, multiclass_metrics


@pytest.mark.parametrize(("images", "classes"), [(400, 10), (30, 20), (50, 6)])
def test_metrics_equal_scikit_learns(images: int, classes: int) -> None:
    random = np.random.default_rng(images)
    logits = random.normal(size=(images, classes)).astype(np.float32)
    labels = random.integers(0, classes, images)
    found = multiclass_metrics(torch.tensor(logits), torch.tensor(labels))
    exponentials = np.exp(logits.astype(float))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    names = list(range(classes))
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, logits.argmax(1)))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, logits.argmax(1), average="macro", zero_division=0))
    assert found["top5_accuracy"] == pytest.approx(top_k_accuracy_score(labels, logits, k=5, labels=names))
    assert found["loss"] == pytest.approx(log_loss(labels, probabilities, labels=names), rel=1e-5)


def test_top5_of_three_classes_is_one() -> None:
    assert multiclass_metrics(torch.randn(7, 3), torch.zeros(7, dtype=torch.long))["top5_accuracy"] == 1


def test_equal_is_not_better_and_a_loss_is_better_when_lower() -> None:
    assert not is_better(0.5, 0.5, "accuracy")
    assert is_better(0.6, 0.5, "accuracy")
    assert not is_better(0.6, 0.5, "accuracy", min_delta=0.2)
    assert is_better(0.4, 0.5, "loss")
