"""Which choices matter: shares of variance, and configurations ranked across datasets."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from bakeoff.figures.axes import format_percent, legend_at_the_right
from bakeoff.figures.style import INK, MUTED, PALETTE, WIDTH, line_styles, squeezed
from bakeoff.language import Language

GAP = 2 * "\N{NO-BREAK SPACE}"  # browsers drop others at the ends of a text


def variance_shares(shares: Mapping[str, float], language: Language) -> Figure:
    """A bar for each source of variance: name → share of that of the runs, in the order from the top."""
    figure = Figure(figsize=(WIDTH, 0.27 * len(shares) + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shares)), list(shares.values()), height=0.65, color=PALETTE[0])
    axes.set_yticks(range(len(shares)), list(shares))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(language.say("Share of variance"))
    format_percent(axes.xaxis, language)
    axes.spines["left"].set_visible(False)
    for height, share in enumerate(shares.values()):
        axes.text(
            share, height, f"\N{NO-BREAK SPACE}{language.number(100 * share, 1)} %", va="center", fontsize=8, color=INK
        )
    axes.margins(x=0.12)
    return figure


def critical_difference(
    ranks: Mapping[str, float], groups: Sequence[Sequence[str]], distance: float, language: Language
) -> Figure:
    """Average ranks on a line, the best on the left; bars join what is not distinguishable (Demšar 2006, figure 1).

    `groups` are the names that each bar joins; `distance` is the critical difference of ranks.
    """
    order = sorted(ranks, key=lambda name: ranks[name])
    half = -(-len(order) // 2)
    figure = Figure(figsize=(WIDTH, 0.75 + 0.14 * len(groups) + 0.2 * half), layout="constrained")
    axes = figure.subplots()
    low, high = 1.0, float(max(len(order), 2))
    bottom = -(0.6 + 0.3 * len(groups))
    axes.plot([low, high], [0, 0], color=INK, linewidth=1)
    for rank in range(1, len(order) + 1):
        axes.plot([rank, rank], [0, 0.12], color=INK, linewidth=1)
        axes.text(rank, 0.2, str(rank), ha="center", va="bottom", fontsize=8)
    axes.plot([low, min(high, low + distance)], [0.95, 0.95], color=INK, linewidth=1.5)
    axes.text(low, 1.05, language.say("critical difference {value}", value=language.number(distance, 2)), fontsize=8)
    for place, name in enumerate(order):
        left = place < half
        height = bottom - 0.42 * (place if left else len(order) - 1 - place)
        end = low - 0.05 * (high - low) if left else high + 0.05 * (high - low)
        axes.plot([ranks[name], ranks[name], end], [0, height, height], color=MUTED, linewidth=0.8)
        side = "right" if left else "left"
        text = GAP.join(["", squeezed(name), language.number(ranks[name], 2), ""])
        axes.text(end, height, text, ha=side, va="center", fontsize=8)
    for index, group in enumerate(groups):
        places = [ranks[name] for name in group]
        height = -0.3 * (index + 1)
        axes.plot([min(places) - 0.03, max(places) + 0.03], [height, height], color=PALETTE[0], linewidth=3)
    axes.set_axis_off()
    axes.set_xlim(low - 0.75 * (high - low), high + 0.75 * (high - low))
    return figure


def performance_profiles(steps: pd.DataFrame, language: Language) -> Figure:
    """The share of datasets on which a configuration comes within a factor of the best (Dolan and Moré 2002).

    `steps` has the columns `configuration`, `tau` and `share`.
    """
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    last = float(steps["tau"].max())
    for (name, profile), (color, dash) in zip(steps.groupby("configuration", sort=False), line_styles(), strict=False):
        tau, share = [*profile["tau"], last], [*profile["share"], profile["share"].iloc[-1]]
        axes.step(tau, share, where="post", color=color, linestyle=dash, label=squeezed(str(name)))
    axes.set(xlabel=language.say("Within this factor of the best"), ylabel=language.say("Share of datasets"))
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_formatter(lambda value, _: language.significant(value))
    format_percent(axes.yaxis, language)
    legend_at_the_right(axes)
    return figure
