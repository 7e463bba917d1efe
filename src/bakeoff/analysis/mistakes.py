"""Which classes are confused, and which test images are hardest.

Images are numbered by their row in the prepared test split: image 12 is `test_images.npy[12]`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.analysis.test_set_error import binary_loss
from bakeoff.results.predictions import ClassPredictions, Floats, Predictions

MOST_CLASSES = 50  # of a confusion matrix that people can still read
PAIRS = 20
EXAMPLES = 5
HARDEST = 20
SEPARATOR = "; "  # between the labels of a multi-label image
INDICES_SEPARATOR = " "


def confusion_table(predictions: ClassPredictions, names: Sequence[str]) -> pd.DataFrame:
    """The cells of the confusion matrix that are not empty: mean images per run, and their share of the true class.

    No rows for data of more than 50 classes.
    """
    true, predicted, images = confusion_cells(predictions)
    if predictions.classes > MOST_CLASSES:
        true, predicted, images = true[:0], predicted[:0], images[:0]
    of_class = np.bincount(predictions.labels, minlength=predictions.classes)
    classes = np.asarray(names, dtype=object)
    return pd.DataFrame(
        {"true": classes[true], "predicted": classes[predicted], "images": images, "share": images / of_class[true]}
    )


def confused_pairs_table(predictions: ClassPredictions, names: Sequence[str]) -> pd.DataFrame:
    """The 20 most frequent mistakes, with the test images on which the most runs make them (`examples`)."""
    true, predicted, images = confusion_cells(predictions)
    wrong = np.flatnonzero(true != predicted)
    wrong = wrong[np.argsort(-images[wrong], kind="stable")][:PAIRS]
    of_class = np.bincount(predictions.labels, minlength=predictions.classes)
    return pd.DataFrame(
        {
            "true": [names[true[row]] for row in wrong],
            "predicted": [names[predicted[row]] for row in wrong],
            "images": images[wrong],
            "share": images[wrong] / of_class[true[wrong]],
            "examples": [_examples(predictions, true[row], predicted[row]) for row in wrong],
        }
    )


def hardest_images_table(predictions: Predictions, names: Sequence[str], loss: Floats, wrong: Floats) -> pd.DataFrame:
    """The 20 test images with the highest mean loss over runs: what they are, and what most runs predict.

    `loss` and `wrong` are those of `image_loss` and `image_wrong`.
    """
    table = hardest_images(loss, wrong, predictions.labels, names)
    rows = table["image"].to_numpy()
    if isinstance(predictions, ClassPredictions):
        table["predicted"] = [names[int(np.bincount(predictions.predicted[:, row]).argmax())] for row in rows]
    else:
        decisions = (predictions.logits[:, rows] >= 0) & predictions.known[rows]
        table["predicted"] = [_joined(names, row) for row in decisions.mean(axis=0) > 0.5]
    return table


def hardest_images(loss: Floats, wrong: Floats, labels: NDArray[Any], names: Sequence[str]) -> pd.DataFrame:
    """The 20 test images with the highest loss, of losses [N], shares of wrong runs [N] and labels [N] or [N, L]."""
    rows = np.argsort(-loss, kind="stable")[:HARDEST]
    called = [names[label] if labels.ndim == 1 else _joined(names, label == 1) for label in labels[rows]]
    return pd.DataFrame({"image": rows, "label": called, "loss": loss[rows], "wrong": wrong[rows]})


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


def confusion_cells(predictions: ClassPredictions) -> tuple[Floats, Floats, Floats]:
    """True class, predicted class and mean images per run of the cells that are not empty, in the order of classes."""
    codes = predictions.labels * predictions.classes + predictions.predicted
    cells, counts = np.unique(codes, return_counts=True)
    return cells // predictions.classes, cells % predictions.classes, counts / len(predictions.seeds)


def _examples(predictions: ClassPredictions, true: int, predicted: int) -> str:
    """The images of a class that the most runs take for another, ties by the highest loss."""
    members = np.flatnonzero(predictions.labels == true)
    runs = (predictions.predicted[:, members] == predicted).sum(axis=0)
    order = np.lexsort((-predictions.loss[:, members].mean(axis=0), -runs))[:EXAMPLES]
    return INDICES_SEPARATOR.join(str(members[row]) for row in order if runs[row])


def _joined(names: Sequence[str], chosen: NDArray[np.bool_]) -> str:
    return SEPARATOR.join(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)
