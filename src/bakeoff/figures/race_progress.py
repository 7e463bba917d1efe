"""A race: how many seeds each experiment trained, and who left at which look."""

from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from bakeoff.analysis.labels import short_labels
from bakeoff.analysis.race import BEHIND
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.style import INK, MUTED, WIDTH, Style, cells_of, squeezed
from bakeoff.language import Language
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import Experiment
from bakeoff.study.race_rules import Rounds


def race_figures(
    rounds: Rounds | None, language: Language, rows: pd.DataFrame, styles: dict[Experiment, Style]
) -> Iterator[Drawing]:
    """One for each dataset; `rows` is the table of that name."""
    if rounds is None:
        return
    for dataset in dict.fromkeys(rows["dataset"]):
        here = rows[rows["dataset"] == dataset].fillna({"ahead_low": -1, "ahead_high": -1})  # who failed comes last
        yield Drawing(f"race_{dataset}.svg", partial(race_figure, rounds, language, here, styles))


def race_figure(rounds: Rounds, language: Language, rows: pd.DataFrame, styles: dict[Experiment, Style]) -> Figure:
    """A bar of seeds for each experiment, who trained longest on top; pale is what a fixed number would have taken."""
    last = {cell: row for cell, row in zip(cells_of(rows), records(rows), strict=True)}
    labels = short_labels(list(last))
    names = {cell.key: label for cell, label in labels.items()}
    order = sorted(last, key=lambda cell: (last[cell]["seeds"], last[cell]["ahead_high"], last[cell]["ahead_low"]))
    figure = Figure(figsize=(WIDTH, 0.3 * len(order) + 0.9), layout="constrained")
    axes = figure.subplots()
    most = rounds.looks[-1]
    for height, cell in enumerate(order):
        row = last[cell]
        color = styles[cell].color if cell in styles else MUTED
        axes.barh(height, most, height=0.62, color=color, alpha=0.12, linewidth=0)
        axes.barh(height, row["seeds"], height=0.62, color=color)
        axes.text(
            row["seeds"], height, f"\N{NO-BREAK SPACE}{_word(row, names, language)}", va="center", fontsize=8, color=INK
        )
    for seeds in rounds.looks:
        axes.axvline(seeds, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.set_yticks(range(len(order)), [squeezed(labels[cell]) for cell in order])
    axes.set_xticks([0, *rounds.looks])
    axes.set_xlim(0, 1.35 * most)  # room for words behind the longest bar
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(language.say("Seeds"))
    return figure


def _word(row: dict[str, object], names: dict[str, str], language: Language) -> str:
    """Why the bar ends here."""
    if row["left"] == BEHIND:
        return language.say("{name} is ahead", name=squeezed(names[str(row["beaten_by"])]))
    if row["left"]:
        return language.say("a run has no score")
    return language.say("leads") if row["leader"] else ""
