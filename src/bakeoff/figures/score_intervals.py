"""The scores of a dataset's experiments, seed by seed, with their intervals."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bakeoff.analysis.labels import score_name, short_labels
from bakeoff.figures.axes import format_value
from bakeoff.figures.baseline_line import draw_baseline
from bakeoff.figures.style import INK, WIDTH, Style, cells_of
from bakeoff.language import Language
from bakeoff.results.summary_tables import by_experiment, records
from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study

EDGE: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.8}  # of the diamond for a mean


def comparison(
    study: Study,
    language: Language,
    experiments: pd.DataFrame,
    runs: pd.DataFrame,
    styles: dict[Experiment, Style],
    baseline: tuple[str, float] | None = None,
) -> Figure:
    """The experiments of one dataset, the best on top: a dot per seed, the mean and its 95 % interval.

    A line marks the `baseline`, by its name and score.
    """
    score = f"test_{study.metric}"
    rows = dict(zip(cells_of(experiments), records(experiments), strict=True))
    labels = short_labels(list(rows))
    lowest_first = study.leading_metric.higher_is_better  # rows go upwards
    order = sorted(rows, key=lambda cell: rows[cell][f"{score}_mean"], reverse=not lowest_first)
    figure = Figure(figsize=(WIDTH, 0.27 * len(order) + 1.0), layout="constrained")
    axes = figure.subplots()
    seeds = {cell: group[score] for cell, group in by_experiment(runs)}
    for height, cell in enumerate(order):
        color = styles[cell].color
        mean, low, high = (rows[cell][f"{score}_{part}"] for part in ("mean", "low", "high"))
        axes.scatter(
            seeds[cell], [height - 0.2] * len(seeds[cell]), s=11, color=color, alpha=0.55, linewidth=0, zorder=2
        )
        axes.plot([low, high], [height + 0.1] * 2, color=INK, linewidth=1.3, zorder=3)
        axes.plot(mean, height + 0.1, marker="D", markersize=4.5, color=color, zorder=4, **EDGE)
    axes.set_yticks(range(len(order)), [labels[cell] for cell in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(score_name("test", study.leading_metric, study, language))
    if baseline:
        draw_baseline(axes, *baseline, study.leading_metric, language, upright=True)
    format_value(axes.xaxis, study.leading_metric, language)
    return figure
