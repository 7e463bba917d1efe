"""Learning curves: of one experiment, and of all on a dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bakeoff.analysis.curves import band
from bakeoff.analysis.labels import SPLIT_TITLES, metric_name, score_name, short_labels
from bakeoff.figures.axes import columns_of, format_epochs, format_value, legend_at_the_right, set_scale
from bakeoff.figures.style import BETWEEN, DASHES, MUTED, WIDTH, Style, line_styles, rest_of, split_facets, squeezed
from bakeoff.language import Language, capitalized
from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study

LINES_IN_ONE_PANEL = 6
LETTERS_ACROSS = 68  # for panel titles, across a whole figure
LINES_OF_A_DRAWING = 200  # beyond this, a band stands for the lines of all others, which would take megabytes
GREY = "#d0d0d0"  # of what stands behind an experiment: all the others


Scales = Mapping[str, tuple[float, float]]  # metric → its lowest and highest value


def scales_of(study: Study, history: pd.DataFrame) -> Scales:
    """The ends of each metric that curves of a dataset's experiments show, so that they are all drawn to one scale."""
    found = {}
    for metric in (study.metric, _beside(study, history)):
        values = history[[f"train_{metric}", f"validation_{metric}"]].to_numpy(float)
        values = values[np.isfinite(values)]
        if values.size:
            found[metric] = float(values.min()), float(values.max())
    return found


def curves_figure(study: Study, language: Language, epochs: pd.DataFrame, style: Style, scales: Scales) -> Figure:
    """One experiment: the study's metric on the left, the loss or another on the right; dots mark chosen epochs.

    `scales` are those of the dataset: experiments can be compared from figure to figure.
    """
    figure = Figure(figsize=(WIDTH, 2.7))
    # Fixed margins: there is one such figure per experiment, and fitting the layout would double its time.
    panels = figure.subplots(
        1, 2, gridspec_kw={"left": 0.085, "right": 0.99, "bottom": 0.23, "top": 0.9, "wspace": 0.19}
    )
    for axes, metric in zip(panels, (study.metric, _beside(study, epochs)), strict=True):
        for split, dash in (("train", DASHES[1]), ("validation", "-")):
            color = MUTED if split == "train" else style.color
            _draw_band(axes, band(epochs, f"{split}_{metric}"), color, dash, language.say(SPLIT_TITLES[split]).lower())
        chosen = epochs[epochs["epoch"] == epochs["best_epoch"]]
        ring = {"s": 14, "facecolor": "white", "edgecolor": style.color, "linewidth": 1, "zorder": 3}
        axes.scatter("epoch", f"validation_{metric}", data=chosen, label=language.say("chosen epoch"), **ring)
        axes.set_title(capitalized(metric_name(study.metrics[metric], study, language)), loc="left")
        if metric in scales:
            set_scale(axes, *scales[metric], logarithmic=metric == "loss")
        format_value(axes.yaxis, study.metrics[metric], language)
        format_epochs(axes, language)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", borderaxespad=0.2, ncols=3, frameon=False, fontsize=8)
    return figure


def _beside(study: Study, epochs: pd.DataFrame) -> str:
    """The metric beside the study's: the loss; beside the loss, the first other metric with values."""
    if study.metric != "loss":
        return "loss"
    present = epochs.columns[epochs.notna().any()]  # a study of two tasks has empty columns
    return next((name for name in study.metrics if name != "loss" and f"validation_{name}" in present), "loss")


def overview(
    study: Study,
    language: Language,
    curves: dict[Experiment, pd.DataFrame],
    cells: list[Experiment],
    styles: dict[Experiment, Style],
) -> Figure:
    """All experiments on a dataset: few in one panel, more in a panel per value of the first facet that varies."""
    first, rest = split_facets(cells)
    labels = short_labels(cells)
    names = list(dict.fromkeys(getattr(cell, first) for cell in cells))
    if len(cells) <= LINES_IN_ONE_PANEL:
        groups: list[tuple[str, list[Experiment]]] = [("", cells)]
    elif rest:
        groups = [(name, [cell for cell in cells if getattr(cell, first) == name]) for name in names]
    else:
        groups = [(labels[cell], [cell]) for cell in cells]
    columns = min(4, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(WIDTH, 3.2 if rows == 1 and columns == 1 else 1.9 * rows + 0.7), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    # Within a panel, colour is free to tell the other facets apart.
    looks = zip(dict.fromkeys(rest_of(cell, rest) for cell in cells), line_styles(), strict=False)
    shapes = dict(looks) if len(groups) > 1 and rest else {}
    crowded = len(cells) * len(groups) > LINES_OF_A_DRAWING
    everything = pd.DataFrame({cell: curves[cell]["mean"] for cell in cells}).agg(["min", "max"], axis=1)
    for position, (axes, (title, members)) in enumerate(zip(grid.flat, groups, strict=False)):
        if crowded:
            axes.fill_between(
                everything.index, everything["min"], everything["max"], color=GREY, alpha=0.5, linewidth=0
            )
        for cell in cells if len(groups) > 1 and not crowded else ():
            axes.plot(curves[cell].index, curves[cell]["mean"], color=GREY, linewidth=0.6, zorder=1)
        for cell in members:
            color, dash = shapes[rest_of(cell, rest)] if shapes else (styles[cell].color, styles[cell].dash)
            name = BETWEEN.join(rest_of(cell, rest)) if shapes else labels[cell]
            _draw_band(axes, curves[cell], color, dash, squeezed(name))
        if title:
            axes.set_title(squeezed(title, LETTERS_ACROSS // columns), loc="left")
        format_epochs(axes, language)
        format_value(axes.yaxis, study.leading_metric, language)
        last = position + columns >= len(groups)
        axes.xaxis.label.set_visible(last)
        axes.tick_params(labelbottom=last)
    for axes in grid.flat[len(groups) :]:
        axes.set_visible(False)
    figure.supylabel(score_name("validation", study.leading_metric, study, language), fontsize=9)
    _overview_legend(figure, list(grid.flat[: len(groups)]), bool(shapes))
    return figure


def _overview_legend(figure: Figure, panels: Sequence[Axes], shared: bool) -> None:
    if len(panels) == 1:
        if len(panels[0].get_lines()) > 1:
            legend_at_the_right(panels[0])
    elif shared:
        entries = {
            label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            entries.values(), entries.keys(), loc="outside lower center", ncols=columns_of(list(entries)), frameon=False
        )


def _draw_band(axes: Axes, epochs: pd.DataFrame, color: Any, dash: Any, label: str) -> None:
    if len(epochs) == 1:
        axes.plot(epochs.index, epochs["mean"], color=color, marker="o", markersize=3, linestyle="none", label=label)
        return
    axes.fill_between(epochs.index, epochs["min"], epochs["max"], color=color, alpha=0.18, linewidth=0)
    axes.plot(epochs.index, epochs["mean"], color=color, linestyle=dash, label=label)
