"""What goes wrong: confusion, calibration, and the hardest images."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bakeoff.analysis.images import Images, mosaic, shape_on_paper
from bakeoff.figures.axes import ROUND, format_percent, legend_at_the_right
from bakeoff.figures.style import MUTED, PALETTE, WIDTH, ink_on, line_styles, shortened
from bakeoff.language import Language

NUMBERED_CLASSES = 15  # a larger matrix has no room for numbers
SHADES = 64
SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
BLUES, NORM = colormaps["Blues"], PowerNorm(0.5, 0, 1)  # of shares; on a linear scale 2 % would look like none
COLUMNS_OF_IMAGES = 5
LETTERS_OF_A_CAPTION = 22


def confusion(cells: pd.DataFrame, classes: Sequence[str], language: Language) -> Figure:
    """The share of each true class that is predicted as each class; a row sums to 100 %.

    `cells` has the columns `true`, `predicted` and `share`, and a row for each cell that is not empty.
    """
    places = {name: index for index, name in enumerate(classes)}
    shares = np.zeros((len(classes), len(classes)))
    shares[cells["true"].map(places), cells["predicted"].map(places)] = cells["share"]
    side = min(6.2, max(3.2, 0.42 * len(classes)))
    names = 0.07 * max(map(len, map(shortened, classes)))  # inches
    figure = Figure(figsize=(side + 0.5 + names, side + 0.3 + names), layout="constrained")
    axes = figure.subplots()
    paint(axes, shares)
    axes.set(xlim=(-0.5, len(classes) - 0.5), ylim=(-0.5, len(classes) - 0.5))
    axes.invert_yaxis()
    axes.set_aspect("equal")
    letters: dict[str, Any] = {"fontsize": min(8.5, 0.8 * 72 * side / len(classes))}  # no larger than a row is high
    axes.set_xticks(range(len(classes)), map(shortened, classes), rotation=90, **letters)
    axes.set_yticks(range(len(classes)), map(shortened, classes), **letters)
    axes.set(xlabel=language.say("Predicted class"), ylabel=language.say("True class"))
    axes.grid(visible=False)
    axes.spines[:].set_visible(True)
    axes.tick_params(length=0)
    if len(classes) <= NUMBERED_CLASSES:
        for true, predicted in zip(*np.nonzero(shares >= 0.005), strict=True):
            share = shares[true, predicted]
            color = ink_on(BLUES(float(NORM(share))))
            axes.text(predicted, true, f"{100 * share:.0f}", ha="center", va="center", color=color, fontsize=7.5)
    else:
        format_percent(figure.colorbar(ScalarMappable(NORM, BLUES), ax=axes, shrink=0.7).ax.yaxis, language)
    return figure


def paint(axes: Axes, shares: NDArray[np.float64]) -> None:
    """Fill the cells of a matrix [K, K] by their shares: a path for each shade, which is a tenth of a path for each."""
    axes.set_facecolor(BLUES(0.0))
    shades = np.ceil(NORM(shares) * SHADES).astype(int)
    for shade in np.unique(shades[shades > 0]):
        corners = np.argwhere(shades == shade)[:, ::-1, None].swapaxes(1, 2) - 0.5  # [cells, 1, 2]
        path = Path.make_compound_path(*(Path(SQUARE + corner, closed=True) for corner in corners))
        axes.add_patch(PathPatch(path, facecolor=BLUES(shade / SHADES), edgecolor="none"))


def reliability(bins: pd.DataFrame, language: Language) -> Figure:
    """How often predictions with a given probability are true, with 95 % intervals; below, how many there are.

    `bins` has the columns `low`, `high`, `predictions`, `probability`, `observed`, `observed_low`, `observed_high`.
    """
    figure = Figure(figsize=(4.4, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    hue = PALETTE[0]
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 2)), label=language.say("calibrated"))
    errors = np.abs(bins[["observed_low", "observed_high"]].to_numpy(float).T - bins["observed"].to_numpy(float))
    upper.errorbar(
        bins["probability"], bins["observed"], yerr=errors, color=hue, marker="o", markersize=4, linewidth=1,
        elinewidth=1, capsize=2, label=language.say("found"),
    )  # fmt: skip
    upper.set_ylabel(language.say("Share that is true"))
    upper.set_ylim(-0.03, 1.03)
    upper.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0)
    widths, counts = bins["high"] - bins["low"], bins["predictions"]
    lower.bar(bins["low"], counts, width=widths, align="edge", color=hue, alpha=0.6)
    for low, width, count in zip(bins["low"], widths, counts, strict=True):
        lower.text(low + width / 2, count, language.whole(round(count)), ha="center", va="bottom", fontsize=7)
    lower.margins(y=0.25)
    lower.set(xlabel=language.say("Predicted probability"), ylabel=language.say("Predictions"), xlim=(-0.03, 1.03))
    lower.yaxis.set_major_formatter(lambda value, _: language.whole(value))
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND))
        format_percent(axis, language)
    return figure


def precision_recall(curves: pd.DataFrame, language: Language) -> Figure:
    """Precision against recall, a line for each label: `curves` has the columns `class`, `recall` and `precision`."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for (label, curve), (color, dash) in zip(curves.groupby("class", sort=False), line_styles(), strict=False):
        axes.step(curve["recall"], curve["precision"], where="post", color=color, linestyle=dash, label=label)
    axes.set(xlabel=language.say("Recall"), ylabel=language.say("Precision"))
    for axis in (axes.xaxis, axes.yaxis):
        format_percent(axis, language)
    legend_at_the_right(axes)
    return figure


def captioned(images: Images, captions: Sequence[str]) -> Figure:
    """Images [n, C, H, W], each under its caption."""
    rows = -(-len(images) // COLUMNS_OF_IMAGES)
    texts = [textwrap.fill(caption, LETTERS_OF_A_CAPTION) for caption in captions]
    side, lines = (WIDTH - 0.2) / COLUMNS_OF_IMAGES, max(text.count("\n") + 1 for text in texts)
    height = rows * (side * shape_on_paper(images) + 0.14 * lines + 0.14)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(rows, COLUMNS_OF_IMAGES, squeeze=False).flat
    for axes, image, text in zip(panels, images, texts, strict=False):
        axes.imshow(mosaic(image[None, None], largest=96), interpolation="nearest")
        axes.set_title(text, fontsize=7.5, fontweight="normal")
    for axes in figure.axes:
        axes.set_axis_off()
    return figure
