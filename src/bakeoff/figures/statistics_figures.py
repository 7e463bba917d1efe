"""Figures of a study's statistics: mistakes of the best experiments, choices that matter, ranks across datasets."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from bakeoff.analysis.images import split_images
from bakeoff.analysis.labels import configuration_labels, term_name
from bakeoff.analysis.ranking import best_on
from bakeoff.analysis.statistics import read_statistics
from bakeoff.analysis.variance import SHARED
from bakeoff.figures.confusion_and_calibration import captioned, confusion, precision_recall, reliability
from bakeoff.figures.ranks_and_variance import critical_difference, performance_profiles, variance_shares
from bakeoff.figures.style import cells_of, shortened
from bakeoff.language import Language
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

OF_AN_EXPERIMENT = ("classes", "confusion", "reliability", "precision_recall", "confused_pairs")
OF_FIGURES = (*OF_AN_EXPERIMENT, "hardest_images", "variance", "ranks", "rank_test", "rank_groups", "profiles")
CONFUSED_PAIRS = HARDEST_IMAGES = 10
LABELS_IN_A_FIGURE = CONFIGURATIONS_IN_A_FIGURE = 20


def statistics_figures(
    study: Study, language: Language, layout: Layout, present: pd.DataFrame
) -> Iterator[tuple[str, Figure]]:
    """File names and figures; `present` are the experiments that have a completed run."""
    rows = dict(zip(cells_of(present), records(present), strict=True))
    tables = {name: read_statistics(layout, name) for name in OF_FIGURES}
    for dataset in dict.fromkeys(present["dataset"]):
        best = best_on(dataset, rows, study.leading_metric)
        if best is not None:
            mine = {name: _about(table, best) for name, table in tables.items() if name in OF_AN_EXPERIMENT}
            yield from _of_errors(
                study, language, dataset, mine, _about(tables["hardest_images"], Experiment(dataset, "", "", ""))
            )
    shares = tables["variance"][tables["variance"]["term"] != "total"]
    shares = shares[(shares["degrees_of_freedom"] > 0) | (shares["term"] == SHARED)]
    if len(shares) > 1 and shares["share"].notna().all():
        names = [term_name(term, language) for term in shares["term"]]
        yield "variance_shares.svg", variance_shares(dict(zip(names, shares["share"], strict=True)), language)
    called = configuration_labels(list(study.cells))
    if len(tables["rank_test"]):
        ranks = tables["ranks"][tables["ranks"]["dataset"] == ""]
        averages = {called[key]: rank for key, rank in zip(ranks["configuration"], ranks["rank"], strict=True)}
        groups = [
            [called[key] for key in group] for _, group in tables["rank_groups"].groupby("group")["configuration"]
        ]
        distance = float(tables["rank_test"]["critical_difference"].iloc[0])
        yield "critical_difference.svg", critical_difference(averages, groups, distance, language)
    ratios = tables["profiles"][tables["profiles"]["kind"] == "ratio"]
    if 0 < ratios["configuration"].nunique() <= CONFIGURATIONS_IN_A_FIGURE:
        named = ratios.assign(configuration=ratios["configuration"].map(called))
        yield "performance_profiles.svg", performance_profiles(named, language)


def _of_errors(
    study: Study, language: Language, dataset: str, tables: Mapping[str, pd.DataFrame], hardest: pd.DataFrame
) -> Iterator[tuple[str, Figure]]:
    """The mistakes of the best experiment on a dataset, and the images that are hardest for all."""
    if len(tables["confusion"]):
        yield f"confusion_{dataset}.svg", confusion(tables["confusion"], list(tables["classes"]["class"]), language)
    if len(tables["reliability"]):
        yield f"reliability_{dataset}.svg", reliability(tables["reliability"], language)
    if 0 < tables["precision_recall"]["class"].nunique() <= LABELS_IN_A_FIGURE:
        yield f"precision_recall_{dataset}.svg", precision_recall(tables["precision_recall"], language)
    images = split_images(study, dataset, "test")
    if images is None:
        return
    shown = [
        (
            int(image),
            language.say(
                "{true},\ntaken for {predicted}", true=shortened(row["true"]), predicted=shortened(row["predicted"])
            ),
        )
        for row in records(tables["confused_pairs"])[:CONFUSED_PAIRS]
        for image in str(row["examples"]).split()[:1]
    ]
    if shown:
        pixels = images[[image for image, _ in shown]]
        yield f"confused_pairs_{dataset}.svg", captioned(pixels, [text for _, text in shown], columns=5)
    hard = records(hardest)[:HARDEST_IMAGES]
    if hard:
        captions = [
            language.say(
                "{label}\nwrong {share} %", label=shortened(row["label"] or "–"), share=f"{100 * row['wrong']:.0f}"
            )
            for row in hard
        ]
        pixels = images[[int(row["image"]) for row in hard]]
        yield f"hardest_images_{dataset}.svg", captioned(pixels, captions, columns=5)


def _about(table: pd.DataFrame, cell: Experiment) -> pd.DataFrame:
    """The rows about an experiment."""
    chosen = table
    for facet in FACETS:
        chosen = chosen[chosen[facet] == getattr(cell, facet)]
    return chosen
