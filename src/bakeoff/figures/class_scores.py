"""How experiments do on each class: a heat map whose rows are the classes on which they differ most."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bakeoff.figures.axes import format_percent
from bakeoff.figures.style import WIDTH, ink_on, shortened, squeezed
from bakeoff.language import Language
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import Experiment

CLASSES = 30
EXPERIMENTS = 24
NUMBERED = 12  # experiments: with more, a cell has no room for a number


def class_scores(
    classes: pd.DataFrame, score: str, title: str, order: Sequence[tuple[Experiment, str]], language: Language
) -> Figure:
    """The `score`, a column of the table "classes", of each class and experiment of a dataset.

    `order` has the experiments, the best first, with their labels; columns are the first of them. Rows are the classes
    with the largest distance between the experiments, the largest on top. `title` says what the score is.
    """
    shown = list(order)[:EXPERIMENTS]
    values = {cell: rows.set_index("class")[score] for cell, rows in by_experiment(classes)}
    table = pd.DataFrame({cell: values[cell] for cell, _ in shown}).dropna(how="all")
    spread = table.max(axis=1) - table.min(axis=1)
    table = table.loc[spread.sort_values(ascending=False, kind="stable").index[:CLASSES]]
    size = min(WIDTH, 2.8 + 0.7 * len(shown)), 0.2 * len(table) + 2.0
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    shares = table.to_numpy(float)
    low, high = np.nanmin(shares), np.nanmax(shares)
    edges = np.arange(len(shown) + 1) - 0.5, np.arange(len(table) + 1) - 0.5
    image = axes.pcolormesh(*edges, shares, cmap="Blues", vmin=low, vmax=high if high > low else low + 0.01)
    axes.invert_yaxis()
    axes.set_xticks(range(len(shown)), [squeezed(label, 30) for _, label in shown], rotation=45, ha="right", va="top",
                    rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(table)), [shortened(str(name)) for name in table.index])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(shown) <= NUMBERED:
        for row, column in np.argwhere(~np.isnan(shares)):
            share = shares[row, column]
            color = ink_on(image.to_rgba(share))
            text = language.number(100 * share, 1)
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=7)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30, label=title)
    bar.outline.set_visible(False)
    format_percent(bar.ax.yaxis, language)
    return figure
