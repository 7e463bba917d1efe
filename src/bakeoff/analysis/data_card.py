"""What statistics take from the card of a prepared dataset: its classes, and how many training images have each."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class DataCard:
    """The names of K classes; how many training images have each, and of how many this is known [K]."""

    classes: list[str]
    training: Counts
    known: Counts


def read_overlap(folder: Path) -> float:
    """The number of test images of prepared data by that of all others; NaN where the data are not prepared there.

    Raises BakeoffError when the card is damaged.
    """
    path = folder / "card.json"
    try:
        counts = json.loads(path.read_text(encoding="utf-8"))["counts"]
        return float(counts["test"] / (counts["train"] + counts["validation"]))
    except FileNotFoundError:
        return np.nan
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; prepare the data again") from error


def read_data_card(study: Study, dataset: str) -> DataCard | None:
    """The card of a dataset; None where the data are not prepared here. Raises BakeoffError when it is damaged."""
    path = data_folder(study, dataset) / "card.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        training = np.array(card["class_counts"]["train"], np.int64)
        # Only multi-label data leave out labels; they are counted label by label.
        ignored = card["ignored_counts"]["train"] if "ignored_counts" in card else np.zeros_like(training)
        known = card["counts"]["train"] - np.array(ignored)
        return DataCard([str(name) for name in card["classes"]], training, known)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; prepare the data again") from error
