"""Axes: numbers in the report's language, and legends."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from bakeoff.language import Language
from bakeoff.study.metrics import Metric

LETTERS_OF_A_LEGEND = 104  # in a row below a figure
ROUND = (1, 2, 5, 10)  # steps between ticks, times a power of ten


def format_percent(axis: Axis, language: Language) -> None:
    """Show fractions as percentages."""
    axis.set_major_formatter(lambda value, _: f"{language.significant(100 * value)} %")


def format_value(axis: Axis, metric: Metric, language: Language) -> None:
    """Show values of a metric, as percentages where it is a fraction."""
    logarithmic = axis.get_scale() == "log"
    axis.set_major_locator(LogLocator(subs=(1,)) if logarithmic else MaxNLocator(nbins=6, steps=ROUND))
    axis.set_minor_locator(NullLocator())  # nothing shows them, and they take a fifth of drawing
    if metric.percent:
        format_percent(axis, language)
        low, high = axis.get_view_interval()
        if high > 1:  # an interval may reach past 100 %, but the axis should not
            axis._set_lim(low, 1 + 0.02 * (1 - low), auto=None)  # type: ignore[attr-defined]
    else:
        axis.set_major_formatter(lambda value, _: language.significant(value))


def format_epochs(axes: Axes, language: Language) -> None:
    """Show whole epochs only."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=ROUND))
    axes.set_xlabel(language.say("Epoch"))


def set_scale(axes: Axes, low: float, high: float, logarithmic: bool) -> None:
    """Let the axis of values reach from `low` to `high`, with a margin; `logarithmic` where they differ by orders of
    magnitude, or the end of a loss could not be seen."""
    if logarithmic and low > 0 and high / low > 30:
        axes.set_yscale("log")
        margin = (high / low) ** 0.05
        axes.set_ylim(low / margin, high * margin)
    elif high > low:
        margin = 0.05 * (high - low)
        axes.set_ylim(low - margin, high + margin)


def format_quantity(axes: Axes, language: Language) -> None:
    """Show parameters and seconds alike, in short: 10k, 2.5M, 0.5."""
    if axes.get_xscale() == "log":
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=ROUND))
    axes.xaxis.set_major_formatter(lambda value, _: _thousands(value, language))


def columns_of(labels: Sequence[str], most: int = 4) -> int:
    """How many columns a legend with these labels has room for below a figure."""
    return max(1, min(most, len(labels), LETTERS_OF_A_LEGEND // (max(map(len, labels)) + 8)))


def legend_at_the_right(axes: Axes, **options: Any) -> None:
    """Put the legend beside the plot, where it hides nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, **options)


def _thousands(value: float, language: Language) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{language.significant(value / size)}{letter}"
    return language.significant(value)
