"""How metrics and experiments are called in figures and reports."""

from collections.abc import Sequence

from bakeoff.study import Experiment

METRICS = ("loss", "accuracy", "top5_accuracy", "macro_f1")
METRIC_LABELS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "top5_accuracy": "top-5 accuracy",
    "macro_f1": "macro-F1",
}
FACETS = ("dataset", "architecture", "optimizer", "recipe")


def is_percent(metric: str) -> bool:
    """Whether a metric is a fraction that people read as a percentage."""
    return metric != "loss"


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of a metric is the better one."""
    return metric != "loss"


def varying_facets(cells: Sequence[Experiment]) -> list[str]:
    """The facets of an experiment that have more than one value among `cells`."""
    return [facet for facet in FACETS if len({getattr(cell, facet) for cell in cells}) > 1]


def short_labels(cells: Sequence[Experiment]) -> dict[Experiment, str]:
    """Experiment → label that leaves out what all `cells` share; a lone experiment is called by its architecture."""
    facets = varying_facets(cells) or ["architecture"]
    return {cell: " · ".join(getattr(cell, facet) for facet in facets) for cell in cells}
