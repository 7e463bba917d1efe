"""What answering without looking at the image scores, beside the experiments."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bakeoff.analysis.baselines import LABEL_FREQUENCIES, MAJORITY_CLASS
from bakeoff.analysis.labels import BASELINES
from bakeoff.language import Language, mark
from bakeoff.report.document import Cell
from bakeoff.report.material import Material, Row, cell_of, run_key
from bakeoff.report.numbers import NONE, is_known, metric_text
from bakeoff.study.metrics import Metric

GIVES = {
    MAJORITY_CLASS: mark("Always answering the most frequent class, {answer}, gives {value}."),
    LABEL_FREQUENCIES: mark("Answering each label with its share of the training images gives {value}."),
}
UNBEATEN = {
    MAJORITY_CLASS: mark("No experiment does better than always answering the most frequent class, {answer}: {value}."),
    LABEL_FREQUENCIES: mark(
        "No experiment does better than answering each label with its share of the training images: {value}."
    ),
}
WITHIN_REACH = {
    MAJORITY_CLASS: mark(
        "That is not clearly better than always answering the most frequent class, {answer}: {value}."
    ),
    LABEL_FREQUENCIES: mark(
        "That is not clearly better than answering each label with its share of the training images: {value}."
    ),
}


def baseline_of(material: Material, dataset: str) -> Mapping[str, Row]:
    """The rows of a dataset's baseline by metric; empty where there is none."""
    return {str(row["metric"]): row for row in material.statistic("baselines") if row["dataset"] == dataset}


def baseline_cells(
    material: Material, dataset: str, columns: Sequence[tuple[Metric, Callable[[Any, Language], str]] | None]
) -> list[list[Cell]]:
    """The baseline's row of a table whose columns after the first show these metrics, in these words, or something
    else; no row without a baseline."""
    found = baseline_of(material, dataset)
    if not found:
        return []
    cells = [Cell(_name(material, found))]
    for column in columns:
        score = found[column[0].name]["score"] if column and column[0].name in found else None
        cells.append(Cell(column[1](score, material.language), value=score) if column else Cell(NONE))
    return [cells]


def what_the_baseline_gives(material: Material, dataset: str) -> list[str]:
    """A sentence on what the baseline scores, and whether the best experiment clearly does better."""
    found, metric = baseline_of(material, dataset), material.metric
    score: Any = found[metric.name]["score"] if metric.name in found else None
    rows = [row for row in material.of_dataset(dataset).values() if is_known(row[f"{material.score}_mean"])]
    if not rows or not is_known(score):
        return []
    sign, name = (1 if metric.higher_is_better else -1), material.score
    best = max(rows, key=lambda row: sign * row[f"{name}_mean"])
    near = best[f"{name}_low" if metric.higher_is_better else f"{name}_high"]  # the interval's end towards it
    messages = GIVES
    if sign * best[f"{name}_mean"] <= sign * score:
        messages = UNBEATEN
    elif is_known(near) and sign * near <= sign * score:
        messages = WITHIN_REACH
    return [_said(material, messages, found, value=metric_text(score, metric, material.language, unit=True))]


def runs_with_one_answer(material: Material) -> list[str]:
    """The runs that say the same of every test image, where the test images have different labels."""
    alike = [row for row in material.statistic("answers") if row["answers"] == 1]
    occurring = Counter(cell_of(row) for row in material.statistic("classes") if row["images"] > 0) if alike else {}
    return [run_key(row) for row in alike if occurring.get(cell_of(row), 0) > 1]


def _name(material: Material, found: Mapping[str, Row]) -> str:
    """What a baseline is called."""
    words = BASELINES[_kind(found)]
    return material.language.say(words)


def _said(material: Material, messages: Mapping[str, str], found: Mapping[str, Row], **words: str) -> str:
    """The message about a baseline of its kind."""
    message, answer = messages[_kind(found)], next(iter(found.values()))["answer"]
    return material.language.say(message, answer=answer, **words)


def _kind(found: Mapping[str, Row]) -> str:
    return str(next(iter(found.values()))["baseline"])
