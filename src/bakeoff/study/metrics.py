"""The metrics, and how people read them. training/scoring.py computes them."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["multi-class", "multi-label"]
TASKS: tuple[Task, ...] = ("multi-class", "multi-label")
MULTI_CLASS: tuple[Task, ...] = ("multi-class",)
MULTI_LABEL: tuple[Task, ...] = ("multi-label",)
IGNORED = 255  # in multi-label data: the label counts neither as present nor as absent


@dataclass(frozen=True)
class Metric:
    """One number that says how good the predictions for a split are.

    `percent`: a fraction that people read as a percentage. `headline`: tables show it beside the leading metric.
    `every_epoch`: it is computed at each epoch, so it can choose the best one.
    """

    name: str
    label: str
    tasks: tuple[Task, ...] = TASKS
    higher_is_better: bool = True
    percent: bool = True
    headline: bool = False
    every_epoch: bool = True


AVERAGES = ("micro", "macro", "samples")  # as scikit-learn's fbeta_score calls them
THRESHOLDS = {
    "global_threshold": "one threshold chosen on validation",
    "label_thresholds": "thresholds chosen on validation for each label",
}

METRICS: dict[str, Metric] = {
    record.name: record
    for record in (
        Metric("loss", "loss", higher_is_better=False, percent=False),
        Metric("accuracy", "accuracy", MULTI_CLASS, headline=True),
        Metric("top5_accuracy", "top-5 accuracy", MULTI_CLASS),
        Metric("macro_f1", "macro-F1", MULTI_CLASS, headline=True),
        Metric("mean_average_precision", "mean average precision", MULTI_LABEL, headline=True),
        *(Metric(f"fbeta_{average}", f"{average} F-beta", MULTI_LABEL, headline=True) for average in AVERAGES),
        *(
            Metric(f"fbeta_{average}_{name}", f"{average} F-beta ({words})", MULTI_LABEL, every_epoch=False)
            for name, words in THRESHOLDS.items()
            for average in AVERAGES
        ),
    )
}
