"""The predictions of runs, written and read: what each test image was taken for.

The logits of one run at a time are in memory; of multi-class ones a few numbers per image are kept.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.files import write_atomically
from bakeoff.results.result import read_result, unusable
from bakeoff.study.metrics import IGNORED
from bakeoff.study.paths import RunPaths

Floats = NDArray[Any]
Bools = NDArray[np.bool_]
IMAGES_AT_ONCE = 4_096  # rows of logits that are worked on at a time: they stay in the processor's cache


@dataclass(frozen=True)
class ClassPredictions:
    """Multi-class: what S runs of an experiment made of N test images of `classes` classes.

    `labels` int64 [N]; `predicted` int32 [S, N]; `confidence` float32 [S, N], the probability of the predicted class;
    `loss` float32 [S, N], the cross-entropy in nats; `in_top5` [S, N], whether the label is among the five highest;
    `brier` float32 [S, N], the squared distance of the probabilities from the truth, from 0 to 2. `influence` [S, M] is
    that of images, or groups of them, on a plugin's metric that leads the study; None where a run has none.
    `together` is the ensemble; None of a single run.
    """

    seeds: tuple[int, ...]
    classes: int
    labels: NDArray[np.int64]
    predicted: NDArray[np.int32]
    confidence: Floats
    loss: Floats
    in_top5: Bools
    brier: Floats
    influence: Floats | None = None
    together: "ClassPredictions | None" = None

    @property
    def ensemble(self) -> "ClassPredictions":
        """The one run whose probabilities are the mean over all runs."""
        return self.together or self

    @property
    def correct(self) -> Bools:
        """Whether each image was classified right by each run [S, N]."""
        return self.predicted == self.labels


@dataclass(frozen=True)
class LabelPredictions:
    """Multi-label: what S runs of an experiment made of L labels of N test images.

    `labels` uint8 [N, L] of 0, 1 and 255 (takes no part); `logits` float32 [S, N, L]. What the results say of them:
    `average_precision` [S, L], and thresholds of probabilities as validation chose them, `threshold` [S] for all labels
    and `thresholds` [S, L] for each; NaN where a result has none. `influence` as above.
    """

    seeds: tuple[int, ...]
    labels: NDArray[np.uint8]
    logits: Floats
    average_precision: Floats
    threshold: Floats
    thresholds: Floats
    influence: Floats | None = None

    @property
    def classes(self) -> int:
        """How many labels there are."""
        return self.labels.shape[1]

    @property
    def ensemble(self) -> "LabelPredictions":
        """The one run whose probabilities are the mean over all runs; what results say of runs it lacks."""
        exact, unknown = self.logits.astype(float), np.full((1, self.classes), np.nan)
        true, untrue = (np.logaddexp.reduce(-np.logaddexp(0, sign * exact), keepdims=True) for sign in (-1, 1))
        return LabelPredictions(self.seeds[:1], self.labels, true - untrue, unknown, unknown[:, 0], unknown)

    @property
    def known(self) -> Bools:
        """Which labels take part [N, L]."""
        known: Bools = self.labels != IGNORED
        return known


Predictions = ClassPredictions | LabelPredictions


def write_predictions(path: Path, logits: Floats, labels: NDArray[Any], influence: Floats | None = None) -> None:
    """Write predictions.npz, atomically: float32 logits [N, classes] of the test split, and its labels [N] or
    [N, classes]; where a plugin defines the study's metric, also the influence of test images (or groups) on it.
    """
    more: dict[str, Any] = {} if influence is None else {"influence": influence}
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.savez(file, logits=logits, labels=labels, **more)


def read_predictions(runs: Mapping[int, RunPaths]) -> Predictions:
    """The predictions of an experiment's completed runs, at least one, by seed.

    Raises BakeoffError naming the file that is missing or cannot be understood.
    """
    rows: list[tuple[NDArray[Any], ...]] = []
    influences: list[Floats | None] = []
    seeds = tuple(runs)
    labels: Any = None
    probabilities: Any = None
    for paths in runs.values():
        logits, own_labels, influence = read_logits(paths.predictions)
        influences.append(influence)
        if labels is not None and not np.array_equal(own_labels, labels):
            raise unusable(paths.predictions, f"its test images are not those of seed {seeds[0]}")
        labels, classes = own_labels, logits.shape[1]
        if labels.ndim == 1:
            # Exact sums: what a processor adds differently in the last digit would be a digit of float32.
            probabilities = np.zeros(logits.shape) if probabilities is None else probabilities
            rows.append(_reduced(logits, labels, probabilities))
        else:
            rows.append((logits, *_label_results(paths.result, classes)))
    columns: Any = (np.stack(column) for column in zip(*rows, strict=True))
    known = [each for each in influences if each is not None]
    influence = np.stack(known) if len(known) == len(seeds) else None
    if labels.ndim == 1:
        together = _ensemble(probabilities / len(seeds), seeds, labels) if len(seeds) > 1 else None
        found = ClassPredictions(seeds, classes, labels, *columns)
        return replace(found, influence=influence, together=together)
    return replace(LabelPredictions(seeds, labels, *columns), influence=influence)


def read_logits(path: Path) -> tuple[Floats, NDArray[Any], Floats | None]:
    """Of one run: logits [N, K], labels [N] or [N, K], and influences [M] where there are some.

    Raises BakeoffError where the file cannot be read.
    """
    try:
        with np.load(path) as saved:
            logits, labels = saved["logits"], saved["labels"]
            influence = saved.get("influence", None)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unusable(path, getattr(error, "strerror", None) or str(error)) from error
    if logits.ndim != 2 or len(logits) == 0 or labels.shape not in ((len(logits),), logits.shape):
        raise unusable(path, f"logits {logits.shape} do not fit labels {labels.shape}")
    return logits, labels, influence


def _ensemble(probabilities: Floats, seeds: tuple[int, ...], labels: NDArray[np.int64]) -> ClassPredictions:
    """The run with these probabilities [N, K]."""
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    columns: Any = (column[None] for column in _reduced(logits, labels, np.zeros_like(logits)))
    return ClassPredictions(seeds[:1], logits.shape[1], labels, *columns)


def _reduced(
    logits: Floats, labels: NDArray[np.int64], probabilities: Floats
) -> tuple[NDArray[Any], Floats, Floats, Bools, Floats]:
    """The fields of ClassPredictions of one run, from `predicted` to `brier`, each [N]. Its probabilities are added to
    `probabilities` [N, K]."""
    count = len(labels)
    predicted, in_top5 = np.empty(count, np.int32), np.empty(count, np.bool_)
    confidence, loss, brier = np.empty((3, count), np.float32)
    for start in range(0, count, IMAGES_AT_ONCE):
        here = slice(start, start + IMAGES_AT_ONCE)
        part, rows = logits[here].astype(float), np.arange(len(labels[here]))
        predicted[here] = part.argmax(axis=1)
        highest, wanted = part[rows, predicted[here]], part[rows, labels[here]]
        relative = np.exp(part - highest[:, None])
        total = relative.sum(axis=1)
        probabilities[here] += relative / total[:, None]
        log_total = np.log(total)
        confidence[here] = np.exp(-log_total)
        loss[here] = highest - wanted + log_total
        brier[here] = (relative**2).sum(axis=1) / total**2 - 2 * np.exp(wanted - highest) / total + 1
        in_top5[here] = (part > wanted[:, None]).sum(axis=1) < 5
    return predicted, confidence, loss, in_top5, brier


def _label_results(path: Path, labels: int) -> tuple[Floats, Floats, Floats]:
    """Of a result.json: average precision of each label [L], the threshold for all [], the threshold of each [L]."""
    result = read_result(path)
    if result is None:
        raise unusable(path, "there is no such file")
    thresholds = result.metrics.thresholds
    by_label = [result.metrics.split("test_average_precision"), thresholds.labels if thresholds else {}]
    values = [np.array(list(found.values()) or [None] * labels, dtype=float) for found in by_label]
    if any(found.shape != (labels,) for found in values):
        raise unusable(path, f"thresholds or average precisions are not those of {labels} labels")
    return values[0], np.array(thresholds.for_all if thresholds else np.nan), values[1]
