"""What a trained run is worth: the test split, at the epoch that validation chose and at the last."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bakeoff.data.batches import Batches
from bakeoff.data.feature_batches import FeatureBatches
from bakeoff.study.metrics import Metric
from bakeoff.training.loop import Plan, Progress, Splits, predict, score, weights_of
from bakeoff.training.scoring import Metrics, average_precision, choose_thresholds, is_better, tuned_metrics


@dataclass(frozen=True)
class Outcome:
    """What the final evaluation gives: metrics per split, and the test split's logits [N, classes] and labels."""

    metrics: dict[str, Any]
    logits: Tensor
    labels: Tensor


def final_evaluation(
    network: nn.Module,
    splits: Splits,
    plan: Plan,
    progress: Progress,
    records: dict[str, Metric],
    classes: list[str],
) -> Outcome:
    """The test split for the last epoch and for the chosen one; leaves the chosen weights in the network."""
    logits, labels = predict(network, splits.test, plan)
    metrics: dict[str, Any] = of_epochs(progress) | {"test_last": score(logits, labels, plan)}
    if progress.best_epoch is None:
        progress.best_weights = weights_of(network)
    elif progress.best_epoch != progress.epoch:  # else the network has the chosen weights already
        network.load_state_dict(progress.best_weights)
        logits, labels = predict(network, splits.test, plan)
    if progress.best_epoch is not None:
        metrics |= {"test": score(logits, labels, plan)}
        if plan.scoring.task == "multi-label":
            metrics |= _with_thresholds(network, splits.validation, plan, metrics, logits, labels, classes)
    if progress.status == "completed" and not all(
        math.isfinite(metrics[name]["loss"]) for name in ("test", "test_last")
    ):
        progress.status, progress.message = "diverged", "the loss on the test split was not finite"
    if plan.recipe.track_test:
        metrics["test_max"] = best_over_epochs([_split_of(row, "test") for row in progress.history], records)
    return Outcome(metrics, logits.cpu(), labels.cpu())


def _with_thresholds(
    network: nn.Module,
    validation: Batches | FeatureBatches,
    plan: Plan,
    metrics: dict[str, Any],
    logits: Tensor,
    labels: Tensor,
    classes: list[str],
) -> dict[str, Any]:
    """Multi-label: F-beta of validation and test at the thresholds that validation chooses, and AP per label."""
    beta = plan.scoring.beta
    chosen_on = predict(network, validation, plan)
    thresholds = choose_thresholds(*chosen_on, beta)
    precisions = average_precision(logits, labels).tolist()
    return {
        "validation": metrics["validation"] | tuned_metrics(*chosen_on, beta, thresholds),
        "test": metrics["test"] | tuned_metrics(logits, labels, beta, thresholds),
        "thresholds": {
            "global": thresholds.for_all,
            "labels": dict(zip(classes, thresholds.per_label, strict=True)),
        },
        "test_average_precision": dict(zip(classes, precisions, strict=True)),
    }


def of_epochs(progress: Progress) -> dict[str, Any]:
    """The metrics of training and validation at the chosen epoch, where there is one, and at the last."""
    found: dict[str, Any] = {}
    for split in ("train", "validation"):
        if progress.best_epoch is not None:
            found[split] = _split_of(progress.history[progress.best_epoch - 1], split)
        if progress.history:
            found[f"{split}_last"] = _split_of(progress.history[-1], split)
    return found


def _split_of(row: dict[str, float], split: str) -> Metrics:
    prefix = f"{split}_"
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def best_over_epochs(rows: list[Metrics], records: dict[str, Metric]) -> Metrics:
    best = dict(rows[0])
    for row in rows[1:]:
        better = {
            name
            for name in row
            if math.isnan(best[name]) or is_better(row[name], best[name], records[name].higher_is_better)
        }
        best |= {name: row[name] for name in better}
    return best
