"""The experiments of a dataset in the order of their scores: intervals, seeds, ties, and what they have to beat."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bakeoff.analysis.against_best import Standing
from bakeoff.analysis.labels import score_name, short_labels
from bakeoff.figures.axes import format_value
from bakeoff.figures.baseline_line import draw_baseline
from bakeoff.figures.style import BAND, DIAMOND, INK, MUTED, SEED, WIDTH, Style, cells_of, squeezed
from bakeoff.language import Language, mark
from bakeoff.results.summary_tables import by_experiment, records
from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study

ROWS = 40  # the best; more would not be one picture
PAST_VALUE = 42  # points from the left end of a mean to the word behind it
WORDS = {
    Standing.BEST: mark("best"),
    Standing.TIED: mark("tied with the best"),
    Standing.BEHIND: mark("behind"),
    Standing.BEHIND_HERE: mark("behind on these images"),
    Standing.UNJUDGED: mark("not judged"),
}
# A published number for the epoch that ours are of, and one for another, which flatters.
PUBLISHED: dict[bool, tuple[Any, str]] = {
    True: ("-", mark("published")),
    False: (":", mark("published, of another epoch")),
}


@dataclass(frozen=True)
class Beside:
    """What stands beside the scores of a dataset: the baseline's name and score, and each experiment's standing."""

    baseline: tuple[str, float] | None = None
    standings: Mapping[Experiment, Standing] | None = None


def comparison(
    study: Study,
    language: Language,
    experiments: pd.DataFrame,
    runs: pd.DataFrame,
    styles: Mapping[Experiment, Style],
    beside: Beside,
) -> Figure:
    """The experiments of one dataset, the best on top: a dot per seed, the mean and its 95 % interval.

    At the right are the mean and the standing; those that tie with the best lie on a band. A dashed line marks the
    baseline, a short one a published number. Of very many experiments the best are shown.
    """
    score, metric = f"test_{study.metric}", study.leading_metric
    rows = dict(zip(cells_of(experiments), records(experiments), strict=True))
    labels = short_labels(list(rows))
    ranked = sorted(rows, key=lambda cell: rows[cell][f"{score}_mean"], reverse=metric.higher_is_better)
    order = ranked[:ROWS][::-1]  # rows go upwards
    figure = Figure(figsize=(WIDTH, 0.27 * len(order) + 1.2), layout="constrained")
    axes = figure.subplots()
    seeds = {cell: group[score] for cell, group in by_experiment(runs)}
    for height, cell in enumerate(order):
        color = styles[cell].color
        mean, low, high = (rows[cell][f"{score}_{part}"] for part in ("mean", "low", "high"))
        axes.plot(seeds[cell], [height - 0.22] * len(seeds[cell]), color=color, zorder=2, **SEED)
        axes.plot([low, high], [height + 0.1] * 2, color=INK, linewidth=1.3, zorder=3)
        axes.plot(mean, height + 0.1, color=color, zorder=4, **DIAMOND)
    published = list(_published(study, axes, order))
    axes.set_yticks(range(len(order)), [squeezed(labels[cell]) for cell in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(score_name("test", metric, study, language))
    if beside.baseline:
        draw_baseline(axes, *beside.baseline, metric, language, upright=True)
    format_value(axes.xaxis, metric, language)
    _values(axes, order, [rows[cell][f"{score}_mean"] for cell in order], study, language, beside.standings or {})
    if len(ranked) > len(order):
        said = language.say(
            "the best {some} of {all}", some=language.whole(len(order)), all=language.whole(len(ranked))
        )
        axes.set_title(said, loc="right", fontsize=8, fontweight="normal", color=MUTED)
    _legend(figure, published, language)
    return figure


def _values(
    axes: Axes,
    order: list[Experiment],
    means: list[float],
    study: Study,
    language: Language,
    standings: Mapping[Experiment, Standing],
) -> None:
    """Each mean and standing at the right of its row, and the band on which the ties lie."""
    percent = study.leading_metric.percent
    for height, (cell, mean) in enumerate(zip(order, means, strict=True)):
        standing = standings.get(cell)
        if len(standings) > 1 and standing in (Standing.BEST, Standing.TIED):
            axes.axhspan(height - 0.5, height + 0.5, color=BAND, linewidth=0, zorder=0)
        look: dict[str, Any] = {"fontsize": 8, "color": INK, "va": "center", "xycoords": axes.get_yaxis_transform()}
        if standing is Standing.BEST:
            look["fontweight"] = "bold"
        elif standing not in (None, Standing.TIED):
            look["color"] = MUTED
        value = f"{language.number(100 * mean, 2)} %" if percent else language.significant(mean, padded=True)
        axes.annotate(value, (1.015, height), **look)
        if standing and len(standings) > 1:
            words = language.say(WORDS[standing])
            axes.annotate(words, (1.015, height), xytext=(PAST_VALUE, 0), textcoords="offset points", **look)


def _published(study: Study, axes: Axes, order: list[Experiment]) -> Iterator[bool]:
    """Mark the published numbers of the measure that is drawn; yields whether each is of the epoch that ours are."""
    for height, cell in enumerate(order):
        for number in (number for rungs in study.rungs_of(cell) for number in rungs.published):
            if number.split == "test" and (number.metric or study.metric) == study.metric:
                ours = number.measured == "chosen_on_validation"
                axes.plot([number.value] * 2, [height - 0.38, height + 0.38], color=INK, linestyle=PUBLISHED[ours][0])
                yield ours


def _legend(figure: Figure, published: list[bool], language: Language) -> None:
    """Below the figure, where it hides nothing."""
    handles = [
        Line2D([], [], color=MUTED, label=language.say("one seed"), **SEED),
        Line2D([], [], color=INK, linewidth=1.3, markerfacecolor=MUTED, label=language.say("mean and 95 % interval"),
               **DIAMOND),
    ]  # fmt: skip
    for ours in dict.fromkeys(published):
        dash, words = PUBLISHED[ours]
        handles.append(Line2D([], [], color=INK, linestyle=dash, label=language.say(words)))
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False, fontsize=8)
