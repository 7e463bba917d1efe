"""The score of answering without looking at the image, as a line in figures of scores."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from bakeoff.analysis.labels import BASELINES
from bakeoff.figures.style import MUTED
from bakeoff.language import Language
from bakeoff.study.metrics import Metric


def baselines_of(table: pd.DataFrame, metric: Metric) -> Mapping[str, tuple[str, float]]:
    """Dataset → name and score of its baseline in a metric, from the table of that name; only what has a score."""
    rows = table[(table["metric"] == metric.name) & table["score"].notna()]
    names = map(BASELINES.__getitem__, rows["baseline"])
    return dict(zip(rows["dataset"], zip(names, rows["score"], strict=True), strict=True))


def draw_baseline(axes: Axes, name: str, score: float, metric: Metric, language: Language, upright: bool) -> None:
    """Draw a line with its name across the scores, `upright` where they go to the right.

    A baseline so far off that the axis would become more than twice as long is only named, at the edge where it lies.
    """
    low, high = (axes.xaxis if upright else axes.yaxis).get_view_interval()
    words = language.say(name)
    look: dict[str, Any] = {"fontsize": 8, "color": MUTED}
    if low - (high - low) <= score <= high + (high - low):
        line = axes.axvline if upright else axes.axhline
        line(score, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        if upright:
            _beside(axes, words, (score, 1), axes.get_xaxis_transform(), ha="center", va="bottom", **look)
        else:
            _beside(axes, words, (0.01, score), axes.get_yaxis_transform(), ha="left", va="bottom", **look)
        return
    below, shown = score < low, 100 * score if metric.percent else score
    amount = f"{words} {language.significant(shown)}" + (" %" if metric.percent else "")
    if upright:
        text = f"← {amount}" if below else f"{amount} →"
        axes.text(
            0 if below else 1, 1, text, transform=axes.transAxes, ha="left" if below else "right", va="bottom", **look
        )
    else:
        text = f"↓ {amount}" if below else f"↑ {amount}"
        axes.text(
            0.01, 0.01 if below else 0.99, text, transform=axes.transAxes, va="bottom" if below else "top", **look
        )


def _beside(axes: Axes, words: str, place: tuple[float, float], coordinates: Transform, **look: Any) -> None:
    """Words a little above a place, so that no line strikes them through."""
    axes.annotate(words, place, xycoords=coordinates, xytext=(0, 2), textcoords="offset points", **look)
