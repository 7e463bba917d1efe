"""Which classes are confused, and which test images are hardest.

Images are numbered by their row in the prepared test split: image 12 is `test_images.npy[12]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.analysis.test_set_error import binary_loss
from bakeoff.results.predictions import ClassPredictions, Floats, Predictions
from bakeoff.results.significant_digits import DECIMALS
from bakeoff.study.matrix import FACETS, Experiment

MOST_CLASSES = 50  # of a confusion matrix that people can still read
PAIRS = 20
EXAMPLES = 5
HARDEST = 20
SEPARATOR = "; "  # between the labels of a multi-label image


def confusion_table(predictions: ClassPredictions, names: Sequence[str]) -> pd.DataFrame:
    """The cells of the confusion matrix that are not empty: mean images per run, and their share of the true class.

    No rows for data of more than 50 classes.
    """
    cells = _confusion_cells(predictions, names)
    return (cells if predictions.classes <= MOST_CLASSES else cells[:0]).drop(columns=["row", "column"])


def confused_pairs_table(predictions: ClassPredictions, names: Sequence[str]) -> pd.DataFrame:
    """The 20 most frequent mistakes, with the test images on which the most runs make them (`examples`)."""
    cells = _confusion_cells(predictions, names)
    wrong = cells[cells["row"] != cells["column"]].sort_values("images", ascending=False, kind="stable")[:PAIRS]
    examples = [_examples(predictions, *pair) for pair in zip(wrong["row"], wrong["column"], strict=True)]
    return wrong.drop(columns=["row", "column"]).assign(examples=examples)


@dataclass(frozen=True)
class Confused:
    """A test image by its number, its class, and the class that it is taken for."""

    image: int
    true: str
    predicted: str


def confused_images(pairs: pd.DataFrame, cell: Experiment) -> list[Confused]:
    """An image of each of the 5 most frequent mistakes of an experiment; `pairs` is the table of confused pairs."""
    of_cell = pairs[(pairs[list(FACETS)] == [getattr(cell, facet) for facet in FACETS]).all(axis=1)]
    found = [
        Confused(int(str(images).split()[0]), true, taken_for)
        for images, true, taken_for in zip(of_cell["examples"], of_cell["true"], of_cell["predicted"], strict=True)
        if images
    ]
    return found[:EXAMPLES]


def hardest_images_table(predictions: Predictions, names: Sequence[str], loss: Floats, wrong: Floats) -> pd.DataFrame:
    """The 20 test images with the highest mean loss over runs: what they are, and what most runs predict.

    `loss` and `wrong` are those of `image_loss` and `image_wrong`.
    """
    return hardest_images(loss, wrong, predictions.labels, names, [guesses_of(predictions)])


@dataclass(frozen=True)
class Guesses:
    """What S runs take N test images for.

    Multi-class: `answers` [S, N] are classes and `confidence` [S, N] the probability of each. Multi-label: `answers`
    [N, L] are the shares of runs that answer each label, at a probability of 0.5, and `confidence` is None.
    """

    answers: Floats
    confidence: Floats | None


def guesses_of(predictions: Predictions) -> Guesses:
    if isinstance(predictions, ClassPredictions):
        return Guesses(predictions.predicted, predictions.confidence)
    decisions = (predictions.logits >= 0) & predictions.known
    return Guesses(decisions.mean(axis=0, dtype=np.float32), None)


def hardest_images(
    loss: Floats, wrong: Floats, labels: NDArray[Any], names: Sequence[str], guesses: Sequence[Guesses]
) -> pd.DataFrame:
    """The 20 test images with the highest loss, of losses [N], shares of wrong runs [N], labels [N] or [N, L], and the
    guesses of one experiment or more."""
    rows = np.argsort(-np.round(loss, DECIMALS), kind="stable")[:HARDEST]
    called = [names[label] if labels.ndim == 1 else joined(names, label == 1) for label in labels[rows]]
    predicted, sure = zip(*(_most_frequent(guesses, int(row), names) for row in rows), strict=True)
    return pd.DataFrame({
        "image": rows, "label": called, "predicted": predicted, "sure": sure, "loss": loss[rows], "wrong": wrong[rows],
    })  # fmt: skip


def _most_frequent(guesses: Sequence[Guesses], row: int, names: Sequence[str]) -> tuple[str, float]:
    """What most runs take an image for, and how sure those are that do: NaN for multi-label data."""
    if guesses[0].confidence is None:
        return joined(names, np.mean([each.answers[row] for each in guesses], axis=0) > 0.5), np.nan
    answers = np.concatenate([each.answers[:, row] for each in guesses])
    confidence = np.concatenate([each.confidence[:, row] for each in guesses if each.confidence is not None])
    answer = int(np.bincount(answers).argmax())
    return names[answer], float(confidence[answers == answer].mean(dtype=float))


def image_loss(predictions: Predictions) -> Floats:
    """The mean loss of each test image over runs [N]; for multi-label data, also over its known labels."""
    if isinstance(predictions, ClassPredictions):
        mean: Floats = predictions.loss.mean(axis=0, dtype=float)
        return mean
    known = predictions.known
    total = np.zeros(len(known))
    for run in range(len(predictions.seeds)):
        total += np.where(known, binary_loss(predictions, run), 0.0).sum(axis=1)
    return total / np.maximum(known.sum(axis=1), 1) / len(predictions.seeds)


def image_wrong(predictions: Predictions) -> Floats:
    """The share of runs that have each test image wrong [N]; for multi-label data, any label of it at 0.5."""
    if isinstance(predictions, ClassPredictions):
        return 1 - predictions.correct.mean(axis=0)
    wrong = ((predictions.logits >= 0) != (predictions.labels == 1)) & predictions.known
    return wrong.any(axis=2).mean(axis=0)


def _confusion_cells(predictions: ClassPredictions, names: Sequence[str]) -> pd.DataFrame:
    """The cells that are not empty: `row` and `column` in the order of classes, and the columns of the table."""
    codes = predictions.labels * predictions.classes + predictions.predicted
    cells, counts = np.unique(codes, return_counts=True)
    row, column = np.divmod(cells, predictions.classes)
    classes, images = np.asarray(names, dtype=object), counts / len(predictions.seeds)
    table = pd.DataFrame({"row": row, "column": column, "true": classes[row], "predicted": classes[column]})
    return table.assign(images=images, share=images / np.bincount(predictions.labels)[row])


def _examples(predictions: ClassPredictions, true: int, predicted: int) -> str:
    """The images of a class that the most runs take for another, ties by the highest loss."""
    members = np.flatnonzero(predictions.labels == true)
    runs = (predictions.predicted[:, members] == predicted).sum(axis=0)
    loss = predictions.loss[:, members].mean(axis=0, dtype=float).round(DECIMALS)
    order = np.lexsort((-loss, -runs))[:EXAMPLES]
    return " ".join(str(members[row]) for row in order if runs[row])


def joined(names: Sequence[str], chosen: NDArray[np.bool_]) -> str:
    """The labels of a multi-label image in one text; `chosen` [L] says which."""
    return SEPARATOR.join(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)
