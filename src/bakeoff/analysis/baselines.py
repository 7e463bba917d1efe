"""What answering without looking at the image scores: the baseline that every experiment has to beat.

It knows how many training images each class has, and nothing else. Multi-class data: always the class that most of them
have, the first of equals; then the others by their number. Multi-label data: each label with its share of the training
images as its probability, so that it is answered from a share of 0.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.analysis.data_card import Counts, DataCard
from bakeoff.analysis.mistakes import joined
from bakeoff.results.predictions import Floats
from bakeoff.study.metrics import AVERAGES, IGNORED
from bakeoff.study.study import Study

MAJORITY_CLASS, LABEL_FREQUENCIES = "majority_class", "label_frequencies"
LEAST_IMAGES = 0.5  # as which a class without a training image counts in the loss, which would else be infinite


@dataclass(frozen=True)
class Baseline:
    """`kind` is "majority_class" or "label_frequencies", `answer` what it says of every image, `scores` by metric."""

    kind: str
    answer: str
    scores: Mapping[str, float]


def baseline(study: Study, card: DataCard, labels: NDArray[Any]) -> Baseline:
    """The baseline of a dataset on its test labels: int64 [N], or uint8 [N, L] of 0, 1 and 255 for multi-label data.

    Metrics of plugins are left out, and so is a loss that some recipe sums over labels.
    """
    if labels.ndim == 1:
        answer = card.classes[int(np.argmax(card.training))]
        return Baseline(MAJORITY_CLASS, answer, majority_class(card.training, labels))
    scores = label_frequencies(card.training, card.known, labels, study.beta)
    if any(recipe.loss is not None and recipe.loss.reduction == "sum" for recipe in study.recipes.values()):
        del scores["loss"]
    return Baseline(LABEL_FREQUENCIES, joined(card.classes, _answered(card.training, card.known)), scores)


def majority_class(training: Counts, labels: NDArray[np.int64]) -> dict[str, float]:
    """The scores of always answering the classes in the order of their training images [K], on test labels [N].

    The loss is the cross-entropy of the shares of training images. A class without any counts as half an image.
    """
    order = np.argsort(-training, kind="stable")
    shares = np.maximum(training, LEAST_IMAGES) / training.sum()
    hits = int((labels == order[0]).sum())
    # F1 of the class that is always predicted is 2·hits / (hits + N), and 0 of every other class that occurs.
    occurring = len(np.union1d(labels, order[:1]))
    return {
        "loss": float(-np.log(shares[labels]).mean()),
        "accuracy": hits / len(labels),
        "top5_accuracy": float(np.isin(labels, order[:5]).mean()),
        "macro_f1": 2 * hits / (hits + len(labels)) / occurring,
    }


def label_frequencies(training: Counts, known: Counts, labels: NDArray[np.uint8], beta: float) -> dict[str, float]:
    """The scores of the shares of training images as probabilities, on test labels [N, L].

    `training` of the `known` images have each label [L]. All images share a score, so the average precision of a label
    is the share of test images that have it. The loss is the binary cross-entropy; a label that no training image has,
    or every one, counts as half an image away from that. F-beta is at a probability of 0.5, as that of experiments.
    """
    true, takes_part = labels == 1, labels != IGNORED
    images = np.maximum(known, 1)
    probability = np.clip(training, LEAST_IMAGES, images - LEAST_IMAGES) / images
    positive = true.any(axis=0)
    precision = true.sum(axis=0)[positive] / takes_part.sum(axis=0)[positive]
    loss = -np.log(np.where(true, probability, 1 - probability))[takes_part]
    guessed = takes_part & _answered(training, known)
    scores = {
        "loss": float(loss.mean()) if loss.size else np.nan,
        "mean_average_precision": float(precision.mean()) if precision.size else np.nan,
    }
    for average, axes in zip(AVERAGES, ((0, 1), (0,), (1,)), strict=True):
        hits, relevant, answered = (part.sum(axes) for part in (true & guessed, true, guessed))
        scores[f"fbeta_{average}"] = float(np.mean(_fbeta(hits, relevant, answered, beta)))
    return scores


def baselines_table(baselines: Mapping[str, Baseline]) -> pd.DataFrame:
    """One row per dataset and metric, from the baselines by their datasets."""
    return pd.DataFrame([
        {"dataset": name, "baseline": found.kind, "answer": found.answer, "metric": metric, "score": score}
        for name, found in baselines.items()
        for metric, score in found.scores.items()
    ])  # fmt: skip


def _answered(training: Counts, known: Counts) -> NDArray[np.bool_]:
    """Which labels [L] at least half of the training images have."""
    return (known > 0) & (2 * training >= known)


def _fbeta(hits: Floats, relevant: Floats, answered: Floats, beta: float) -> Floats:
    """(1 + β²)·hits / (β²·relevant + answered), and 0 where nothing is relevant or answered."""
    total = beta**2 * relevant + answered
    return np.asarray((1 + beta**2) * hits / np.where(total > 0, total, 1.0))
