"""The task that a dataset poses, as far as its entry says it, and the metrics that fit."""

from collections.abc import Mapping

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Dataset
from bakeoff.study.metrics import Metric, Task

TASKS_OF_SOURCES: dict[str, Task] = {
    "digits": "multi-class",
    "folder": "multi-class",
    "tiny_imagenet": "multi-class",
    "torchvision": "multi-class",
    "voc": "multi-label",
}


def task_of(entry: Dataset) -> Task | None:
    """The task of a dataset before it is prepared; None where only its data can tell."""
    if entry.source == "csv":
        return "multi-class" if entry.arguments.get("label") is not None else "multi-label"
    return TASKS_OF_SOURCES.get(entry.source)


def check_metric(metric: Metric, known: Mapping[str, Metric], task: Task, dataset: str) -> None:
    """Raise BakeoffError when the metric that chooses the epoch is not one of a dataset's task."""
    if task not in metric.tasks:
        allowed = ", ".join(name for name, other in known.items() if task in other.tasks and other.every_epoch)
        raise BakeoffError(f"{metric.name} is no metric of {task} data ({dataset}); allowed: {allowed}", ["metric"])
