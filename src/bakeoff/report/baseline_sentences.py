"""What answering without looking at the image scores, beside the experiments."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bakeoff.analysis.baselines import LABEL_FREQUENCIES, MAJORITY_CLASS
from bakeoff.analysis.labels import BASELINES
from bakeoff.language import mark
from bakeoff.report.document import Cell
from bakeoff.report.material import Material, Row, cell_of, run_key
from bakeoff.report.numbers import NONE, is_known, metric_text
from bakeoff.study.metrics import Metric

MEANING = {
    MAJORITY_CLASS: mark("{name}: always answering {answer}, the most frequent class of the training images."),
    LABEL_FREQUENCIES: mark("{name}: answering each label with its share of the training images as its probability."),
}
UNBEATEN = {
    MAJORITY_CLASS: mark(
        "No experiment beats always answering {answer}, the most frequent class of the training images: {value}."
    ),
    LABEL_FREQUENCIES: mark("No experiment beats answering each label with its share of the training images: {value}."),
}


def baseline_of(material: Material, dataset: str) -> Mapping[str, Row]:
    """The rows of a dataset's baseline by metric; empty where there is none."""
    return {str(row["metric"]): row for row in material.statistic("baselines") if row["dataset"] == dataset}


def baseline_cells(material: Material, dataset: str, metrics: Sequence[Metric | None]) -> list[list[Cell]]:
    """The baseline's row of a table whose columns after the first show these metrics, or something else; no row
    without a baseline."""
    found = baseline_of(material, dataset)
    if not found:
        return []
    cells = [Cell(_name(material, found))]
    for metric in metrics:
        score = found[metric.name]["score"] if metric and metric.name in found else None
        cells.append(Cell(metric_text(score, metric, material.language), value=score) if metric else Cell(NONE))
    return [cells]


def baseline_meaning(material: Material, dataset: str) -> list[str]:
    """What the name of the baseline means; nothing without a baseline."""
    found = baseline_of(material, dataset)
    return [_said(material, MEANING, found, name=_name(material, found))] if found else []


def unbeaten_baseline(material: Material, dataset: str) -> list[str]:
    """A sentence where no experiment with a complete run has a better mean than the baseline."""
    found, metric = baseline_of(material, dataset), material.metric
    score = found[metric.name]["score"] if metric.name in found else None
    means = [row[f"{material.score}_mean"] for row in material.of_dataset(dataset).values()]
    known = [mean for mean in means if is_known(mean)]
    if not known or not is_known(score):
        return []
    if any(mean > score if metric.higher_is_better else mean < score for mean in known):
        return []
    return [_said(material, UNBEATEN, found, value=metric_text(score, metric, material.language, unit=True))]


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
