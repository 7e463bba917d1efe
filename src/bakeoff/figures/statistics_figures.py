"""Figures of a study's statistics: mistakes of the best experiments, choices that matter, ranks across datasets."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from bakeoff.analysis.images import split_images
from bakeoff.analysis.labels import configuration_labels, short_labels, term_name
from bakeoff.analysis.ranking import best_on, ranking
from bakeoff.analysis.shown_cut import read_shown, shown_cut
from bakeoff.analysis.variance import shown_sources
from bakeoff.figures.class_scores import class_scores
from bakeoff.figures.confusion_and_calibration import captioned, confusion, precision_recall, reliability
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.factor_effects import factor_effects
from bakeoff.figures.ranks_and_variance import critical_difference, performance_profiles, variance_shares
from bakeoff.figures.style import cells_of, shortened
from bakeoff.language import Language
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

OF_AN_EXPERIMENT = ("classes", "confusion", "reliability", "precision_recall", "confused_pairs")
OF_FIGURES = (
    *OF_AN_EXPERIMENT,
    "hardest_images",
    "variance",
    "effects",
    "ranks",
    "rank_test",
    "rank_groups",
    "profiles",
)
CONFUSED_PAIRS = HARDEST_IMAGES = 10
LABELS_IN_A_FIGURE = CONFIGURATIONS_IN_A_FIGURE = 20


def statistics_figures(study: Study, language: Language, layout: Layout, present: pd.DataFrame) -> Iterator[Drawing]:
    """What the tables allow; `present` are the experiments that have a completed run."""
    rows = dict(zip(cells_of(present), records(present), strict=True))
    tables = {name: read_shown(study, layout, name) for name in OF_FIGURES}
    for dataset in dict.fromkeys(present["dataset"]):
        best = best_on(dataset, rows, study.leading_metric)
        if best is not None:
            mine = {name: _about(tables[name], best) for name in OF_AN_EXPERIMENT}
            mine["hardest_images"] = _about(tables["hardest_images"], Experiment(dataset, "", "", ""))
            yield from _of_errors(study, language, dataset, mine)
            here = {cell: row for cell, row in rows.items() if cell.dataset == dataset}
            yield from _of_classes(study, language, dataset, here, tables["classes"])
    of_terms = {term_name(row["term"], language): row["share"] for row in shown_sources(records(tables["variance"]))}
    if of_terms:
        yield Drawing("variance_shares.svg", partial(variance_shares, of_terms, language))
    if len(tables["effects"]):
        yield Drawing("factor_effects.svg", partial(factor_effects, study.as_written, language, tables["effects"]))
    called = configuration_labels(list(study.as_written.cells))
    if len(tables["rank_test"]):
        ranks = tables["ranks"][tables["ranks"]["dataset"] == ""]
        averages = {called[key]: rank for key, rank in zip(ranks["configuration"], ranks["rank"], strict=True)}
        groups = [
            [called[key] for key in group] for _, group in tables["rank_groups"].groupby("group")["configuration"]
        ]
        distance = float(tables["rank_test"]["critical_difference"].iloc[0])
        yield Drawing("critical_difference.svg", partial(critical_difference, averages, groups, distance, language))
    ratios = tables["profiles"][tables["profiles"]["kind"] == "ratio"]
    if 0 < ratios["configuration"].nunique() <= CONFIGURATIONS_IN_A_FIGURE:
        named = ratios.assign(configuration=ratios["configuration"].map(called))
        yield Drawing("performance_profiles.svg", partial(performance_profiles, named, language))


def _of_classes(
    study: Study, language: Language, dataset: str, rows: Mapping[Experiment, Mapping[str, Any]], classes: pd.DataFrame
) -> Iterator[Drawing]:
    """How the experiments on a dataset do on each class."""
    here = classes[classes["dataset"] == dataset]
    score = "average_precision" if here["average_precision"].notna().any() else "f1"
    if len(rows) < 2 or here[score].isna().all():
        return
    title = {"f1": language.say("F1 of the class"), "average_precision": language.say("Average precision of the label")}
    ranks, labels = ranking(rows, study.leading_metric), short_labels(list(rows))
    order = [(cell, labels[cell]) for cell in sorted(ranks, key=lambda cell: ranks[cell])]
    yield Drawing(f"class_scores_{dataset}.svg", partial(class_scores, here, score, title[score], order, language))


def _of_errors(study: Study, language: Language, dataset: str, tables: Mapping[str, pd.DataFrame]) -> Iterator[Drawing]:
    """The mistakes of the best experiment on a dataset, and the images that are hardest for all."""
    if len(tables["confusion"]):
        classes = list(tables["classes"]["class"])
        yield Drawing(f"confusion_{dataset}.svg", partial(confusion, tables["confusion"], classes, language))
    if len(tables["reliability"]):
        yield Drawing(f"reliability_{dataset}.svg", partial(reliability, tables["reliability"], language))
    if 0 < tables["precision_recall"]["class"].nunique() <= LABELS_IN_A_FIGURE:
        of_labels = partial(precision_recall, tables["precision_recall"], language)
        yield Drawing(f"precision_recall_{dataset}.svg", of_labels)
    images = split_images(study, shown_cut(study, dataset), "test")
    if images is None:
        return
    pictures: dict[str, list[tuple[int, str]]] = {
        "confused_pairs": [
            (int(image), _taken(row["true"], row["predicted"], language))
            for row in records(tables["confused_pairs"])[:CONFUSED_PAIRS]
            for image in str(row["examples"]).split()[:1]
        ],
        "hardest_images": [
            (int(row["image"]), _hard(row, language)) for row in records(tables["hardest_images"])[:HARDEST_IMAGES]
        ],
    }
    for name, shown in pictures.items():
        if shown:
            numbers, captions = zip(*shown, strict=True)
            yield Drawing(f"{name}_{dataset}.svg", partial(captioned, images[list(numbers)], captions))


def _hard(row: Mapping[str, Any], language: Language) -> str:
    """What a hard image is, what most runs take it for, and how sure they are; or how many runs have it wrong."""
    label = shortened(row["label"] or "–")
    if row["label"] == row["predicted"]:
        share = f"{100 * row['wrong']:.0f}"
        return language.say("{label}, wrong in {share} % of runs", label=label, share=share)
    taken = _taken(row["label"], row["predicted"], language)
    if pd.isna(row["sure"]):
        return taken
    return language.say("{taken}, {share} % sure", taken=taken, share=f"{100 * row['sure']:.0f}")


def _taken(true: str, predicted: str, language: Language) -> str:
    true, predicted = (shortened(name or "–") for name in (true, predicted))
    return language.say("{true} taken for {predicted}", true=true, predicted=predicted)


def _about(table: pd.DataFrame, cell: Experiment) -> pd.DataFrame:
    """The rows about an experiment."""
    return table[(table[list(FACETS)] == [getattr(cell, facet) for facet in FACETS]).all(axis=1)]
