"""How metrics and experiments are called in figures and reports."""

from collections.abc import Sequence
from dataclasses import replace

from bakeoff.language import Language, capitalized, mark
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.metrics import Metric
from bakeoff.study.study import Study

SPLIT_TITLES = {"train": mark("Train"), "validation": mark("Validation"), "test": mark("Test")}
BASELINES = {"majority_class": mark("majority class"), "label_frequencies": mark("label frequencies")}
SCORES = {
    "test": mark("Test {metric}"),
    "validation": mark("Validation {metric}"),
    "train": mark("Train {metric}"),
    "test_last": mark("Test {metric}, last epoch"),
    "test_max": mark("Test {metric}, best epoch on test (optimistic)"),
}


def metric_name(metric: Metric, study: Study, language: Language) -> str:
    """What a metric is called; catalogues know F-beta, whatever the study's β is."""
    f_beta = f"F{study.beta:g}"
    return language.say(metric.label.replace(f_beta, "F-beta")).replace("F-beta", f_beta)


def score_name(score: str, metric: Metric, study: Study, language: Language) -> str:
    """What a metric of one of SCORES is called, as a title."""
    return capitalized(language.say(SCORES[score], metric=metric_name(metric, study, language)))


def varying_facets(cells: Sequence[Experiment]) -> list[str]:
    """The facets of an experiment that have more than one value among `cells`."""
    return [facet for facet in FACETS if len({getattr(cell, facet) for cell in cells}) > 1]


def short_labels(cells: Sequence[Experiment]) -> dict[Experiment, str]:
    """Experiment → label that leaves out what all `cells` share; a lone experiment is called by its architecture."""
    facets = varying_facets(cells) or ["architecture"]
    return {cell: " · ".join(getattr(cell, facet) for facet in facets) for cell in cells}


def configuration_labels(cells: Sequence[Experiment]) -> dict[str, str]:
    """What configurations, experiments without their dataset, are called: `mlp/sgd/plain` → label that leaves out what
    all share."""
    return {cell.key[1:]: label for cell, label in short_labels([replace(cell, dataset="") for cell in cells]).items()}


def term_name(term: str, language: Language) -> str:
    """What a source of variance is called: `architecture:seed` is architecture × seed."""
    names = {
        "dataset": language.say("dataset"),
        "architecture": language.say("architecture"),
        "optimizer": language.say("optimizer"),
        "recipe": language.say("recipe"),
        "split": language.say("split of the data"),
        "seed": language.say("seed"),
        "residual": language.say("the rest"),
        "shared": language.say("not attributable"),
        "tuning": language.say("tuning again"),
    }
    return " × ".join(names[part] for part in term.split(":"))
