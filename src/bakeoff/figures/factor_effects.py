"""What each choice does to the score: a row for each level of an axis, a panel for each axis, one scale for all."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bakeoff.analysis.labels import metric_name, term_name
from bakeoff.figures.axes import ROUND
from bakeoff.figures.style import DIAMOND, INK, MUTED, PALETTE, SEED, WIDTH, squeezed
from bakeoff.language import Language, capitalized
from bakeoff.results.summary_tables import records
from bakeoff.study.study import Study

LEVELS = 25  # of an axis: the best


def factor_effects(study: Study, language: Language, effects: pd.DataFrame) -> Figure:
    """`effects` is the table of that name. Diamonds are means with their 95 % intervals, dots are seeds, the best
    level of each axis on top; zero is the mean of the axis's levels."""
    metric = study.leading_metric
    times = 100 if metric.percent else 1
    panels = {
        axis: records(rows.sort_values("effect", ascending=not metric.higher_is_better, kind="stable")[:LEVELS])
        for axis, rows in effects.groupby("axis", sort=False)
    }
    heights = [len(rows) for rows in panels.values()]
    figure = Figure(figsize=(WIDTH, 0.24 * sum(heights) + 0.4 * len(heights) + 0.8), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    for axes, (axis, rows) in zip(grid, panels.items(), strict=True):
        for height, row in enumerate(rows[::-1]):
            seeds = [times * float(value) for value in row["by_seed"].split()]
            axes.plot(seeds, [height - 0.2] * len(seeds), color=PALETTE[0], zorder=2, **SEED)
            axes.plot([times * end for end in ends(row)], [height + 0.1] * 2, color=INK, linewidth=1.3, zorder=3)
            axes.plot(times * row["effect"], height + 0.1, color=PALETTE[0], zorder=4, **DIAMOND)
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        axes.set_yticks(range(len(rows)), [squeezed(row["level"]) for row in rows[::-1]])
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_title(capitalized(term_name(str(axis), language)), loc="left")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    last = grid[-1].xaxis
    last.set_major_locator(MaxNLocator(nbins=8, steps=ROUND))
    last.set_major_formatter(lambda value, _: ("+" if value > 0 else "") + language.significant(value))
    unit = language.say(" [points]") if metric.percent else ""
    name = metric_name(metric, study, language)
    grid[-1].set_xlabel(language.say("Difference of test {metric} from the mean", metric=name) + unit)
    handles = [
        Line2D([], [], color=MUTED, label=language.say("one seed"), **SEED),
        Line2D([], [], color=INK, linewidth=1.3, markerfacecolor=MUTED, label=language.say("mean and 95 % interval"),
               **DIAMOND),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False, fontsize=8)
    return figure


def ends(row: Mapping[str, float]) -> tuple[float, float]:
    """The interval to quote: on other images, too, where that is known."""
    low, high = ("overall_low", "overall_high") if row["overall_low"] == row["overall_low"] else ("low", "high")
    return row[low], row[high]
