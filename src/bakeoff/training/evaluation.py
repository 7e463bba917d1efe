"""What a trained run is worth: the test split, at the epoch that validation chose and at the last."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bakeoff.results.predictions import Floats
from bakeoff.results.result import Metrics, Thresholds
from bakeoff.study.metrics import Metric
from bakeoff.training.jackknife import influence_of
from bakeoff.training.scoring import MetricValues, average_precision, choose_thresholds, tuned_metrics
from bakeoff.training.state import EpochRow, Progress, weights_of
from bakeoff.training.trainer import Trainer


@dataclass(frozen=True)
class Outcome:
    """What the final evaluation gives: the metrics, and the test split's logits [N, classes] and labels.

    `influence` is that of test images on the study's metric, where a plugin defines it.
    """

    metrics: Metrics
    logits: Tensor
    labels: Tensor
    influence: Floats | None = None


def final_evaluation(trainer: Trainer, records: Mapping[str, Metric], classes: list[str]) -> Outcome:
    """The test split for the last epoch and for the chosen one; leaves the chosen weights in the network."""
    network, progress, settings = trainer.network, trainer.progress, trainer.settings
    logits, labels = trainer.predict("test")
    found = {"test_last": settings.score(logits, labels)}
    if progress.best_epoch is None:
        progress.best_weights = weights_of(network)
    else:
        if progress.best_epoch != progress.epoch:  # else the network has the chosen weights already
            network.load_state_dict(progress.best_weights)
            logits, labels = trainer.predict("test")
        found["test"] = settings.score(logits, labels)
    if progress.status == "completed" and not all(math.isfinite(scores["loss"]) for scores in found.values()):
        progress.status, progress.message = "diverged", "the loss on the test split was not finite"
    if progress.status == "completed" and (undefined := _undefined(settings.metric.name, progress, found)):
        progress.status, progress.message = "metric_undefined", undefined
    if settings.recipe.track_test:
        found["test_max"] = best_over_epochs([_split_of(row, "test") for row in progress.history], records)
    metrics = scores_of_epochs(progress).model_copy(update=found)
    if progress.best_epoch is not None and settings.scoring.task == "multi-label":
        metrics = _with_thresholds(trainer, metrics, logits, labels, classes)
    own, influence = settings.scoring.own.get(settings.metric.name), None
    if own and progress.status == "completed":
        influence = influence_of(settings.metric.name, own, logits, labels)
    return Outcome(metrics, logits.cpu(), labels.cpu(), influence)


def _undefined(metric: str, progress: Progress, test: Mapping[str, MetricValues]) -> str:
    """Where the study's metric has no finite value, so that no epoch could be chosen or none can be compared."""
    places = []
    if progress.best_epoch is None:
        places.append("on the validation split at any epoch")
    if not math.isfinite(test.get("test", test["test_last"])[metric]):
        places.append("on the test split")
    return f"{metric} has no finite value {' or '.join(places)}" if places else ""


def _with_thresholds(trainer: Trainer, metrics: Metrics, logits: Tensor, labels: Tensor, classes: list[str]) -> Metrics:
    """Multi-label: F-beta of validation and test at the thresholds that validation chooses, and AP per label."""
    beta = trainer.settings.scoring.beta
    chosen_on = trainer.predict("validation")
    for_all, per_label = choose_thresholds(*chosen_on, beta)
    precisions = average_precision(logits, labels).tolist()
    return metrics.model_copy(
        update={
            "validation": {**metrics.split("validation"), **tuned_metrics(*chosen_on, beta, for_all, per_label)},
            "test": {**metrics.split("test"), **tuned_metrics(logits, labels, beta, for_all, per_label)},
            "thresholds": Thresholds(for_all=for_all, labels=dict(zip(classes, per_label, strict=True))),
            "test_average_precision": dict(zip(classes, precisions, strict=True)),
        }
    )


def scores_of_epochs(progress: Progress) -> Metrics:
    """The metrics of training and validation at the chosen epoch, where there is one, and at the last."""
    found = {
        f"{split}{suffix}": _split_of(progress.history[epoch - 1], split)
        for split in ("train", "validation")
        for suffix, epoch in (("", progress.best_epoch), ("_last", progress.epoch))
        if epoch
    }
    return Metrics(best_epoch=progress.best_epoch, epochs=progress.epoch).model_copy(update=found)


def _split_of(row: EpochRow, split: str) -> MetricValues:
    return {name.removeprefix(f"{split}_"): value for name, value in row.items() if name.startswith(f"{split}_")}


def best_over_epochs(rows: list[MetricValues], records: Mapping[str, Metric]) -> MetricValues:
    """The best value of each metric over the epochs, leaving out those where it is NaN."""
    best = {name: np.fmax if records[name].higher_is_better else np.fmin for name in rows[0]}
    return {name: float(better.reduce([row[name] for row in rows])) for name, better in best.items()}
