"""What statistics take from the card of a prepared dataset: its classes, and how many training images have each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.study.cuts import Cut
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study

Counts = NDArray[np.int64]
Taken = TypeVar("Taken")


@dataclass(frozen=True)
class DataCard:
    """The names of K classes; how many training images have each, and of how many this is known [K]."""

    classes: list[str]
    training: Counts
    known: Counts


def read_data_card(study: Study, dataset: str) -> DataCard | None:
    """The card of a dataset; None where the data are not prepared here. Raises BakeoffError when it is damaged."""
    return _of_card(data_folder(study, dataset), _data_card)


def mean_overlaps(cuts: Mapping[Cut, Path]) -> dict[str, float]:
    """Whole datasets that are split repeatedly → the number of test images by that of all others, a mean over cuts.

    `cuts` have the folders of their prepared data. NaN where data are not prepared there. Raises BakeoffError when a
    card is damaged.
    """
    found: dict[str, list[float]] = {}
    for cut, folder in cuts.items():
        overlap = _of_card(folder, _overlap)
        found.setdefault(cut.of, []).append(np.nan if overlap is None else overlap)
    return {of: float(np.mean(each)) for of, each in found.items()}


def _data_card(card: Mapping[str, Any]) -> DataCard:
    training = np.array(card["class_counts"]["train"], np.int64)
    # Only multi-label data leave out labels; they are counted label by label.
    ignored = card["ignored_counts"]["train"] if "ignored_counts" in card else np.zeros_like(training)
    return DataCard([str(name) for name in card["classes"]], training, card["counts"]["train"] - np.array(ignored))


def _overlap(card: Mapping[str, Any]) -> float:
    counts = card["counts"]
    return float(counts["test"] / (counts["train"] + counts["validation"]))


def _of_card(folder: Path, take: Callable[[Mapping[str, Any]], Taken]) -> Taken | None:
    """What is taken from the card of a folder; None where there is none. Raises BakeoffError when it is damaged."""
    path = folder / "card.json"
    try:
        return take(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; prepare the data again") from error
