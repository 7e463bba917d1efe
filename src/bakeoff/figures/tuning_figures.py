"""Tuning in pictures: the best of n trials, scores by learning rate, and all trials of an experiment."""

import json
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bakeoff.analysis.labels import score_name, short_labels
from bakeoff.analysis.statistics import read_statistics
from bakeoff.figures.axes import columns_of, format_quantity, format_value, legend_at_the_right
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.style import INK, MUTED, PALETTE, WIDTH, Style, squeezed, styles_of
from bakeoff.language import Language
from bakeoff.results.summary_tables import by_experiment, records
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.spaces import Hyperparameter
from bakeoff.study.study import Study
from bakeoff.study.trials import spaces_of


def tuning_figures(study: Study, language: Language, layout: Layout) -> Iterator[Drawing]:
    """What the tables of tuning allow; nothing for a study that does not tune."""
    if study.tuning is None:
        return
    styles = styles_of(list(study.cells))
    curves, trials = read_statistics(layout, "tuning_curve"), read_statistics(layout, "tuning_trials")
    rates = read_statistics(layout, "tuning_sensitivity")
    for dataset in study.datasets:
        if len(here := curves[curves["dataset"] == dataset]):
            yield Drawing(f"tuning_curve_{dataset}.svg", partial(best_of_n, study, language, here, styles))
        if len(tuned := rates[rates["dataset"] == dataset]):
            of_dataset = trials[trials["dataset"] == dataset]
            names = {cell: str(rows["hyperparameter"].iloc[0]) for cell, rows in by_experiment(tuned)}
            yield Drawing(
                f"learning_rate_{dataset}.svg", partial(by_learning_rate, study, language, of_dataset, names, styles)
            )
    for cell, rows in by_experiment(trials):
        if rows["validation"].notna().any():
            name = f"trials/{cell.key.replace('/', '__')}.svg"
            yield Drawing(name, partial(parallel_coordinates, study, language, spaces_of(study, cell), rows))


def best_of_n(study: Study, language: Language, curves: pd.DataFrame, styles: dict[Experiment, Style]) -> Figure:
    """Expected scores on a dataset, over trials on the left and seconds on the right: validation above, test below."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    labels = {
        cell: squeezed(label) for cell, label in short_labels([cell for cell, _ in by_experiment(curves)]).items()
    }
    titles = {"trials": language.say("Trials"), "seconds": language.say("Seconds of training")}
    for row, split in enumerate(("validation", "test")):
        for column, cost in enumerate(("trials", "seconds")):
            axes = grid[row, column]
            for cell, rows in by_experiment(curves):
                style = styles[cell]
                axes.plot(rows[cost], rows[split], color=style.color, linestyle=style.dash, label=labels[cell])
            if cost == "trials":
                axes.set_xscale("log", base=2)  # rankings turn at the first few
            elif curves[cost].max() > 0:
                axes.set_xscale("log")
            if row == 1:
                axes.set_xlabel(titles[cost])
                if cost == "seconds":
                    format_quantity(axes, language)
                else:
                    axes.xaxis.set_major_formatter(lambda value, _: language.whole(round(value)))
        grid[row, 0].set_ylabel(score_name(split, study.leading_metric, study, language))
        format_value(grid[row, 0].yaxis, study.leading_metric, language)
    if len(labels) > 1:
        handles, texts = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=columns_of(texts), frameon=False)
    return figure


def by_learning_rate(
    study: Study,
    language: Language,
    trials: pd.DataFrame,
    names: dict[Experiment, str],
    styles: dict[Experiment, Style],
) -> Figure:
    """The validation score of each trial on a dataset by its learning rate; a cross at the bottom has no score."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    cells = [cell for cell, _ in by_experiment(trials) if cell in names]
    labels = {cell: squeezed(label) for cell, label in short_labels(cells).items()}
    lowest = trials["validation"].min() if study.leading_metric.higher_is_better else trials["validation"].max()
    for cell, rows in by_experiment(trials):
        if cell not in names:
            continue
        rate = np.array([float(json.loads(values)[names[cell]]) for values in rows["values"]])
        score, style = rows["validation"].to_numpy(float), styles[cell]
        order, known = np.argsort(rate, kind="stable"), ~np.isnan(score)
        axes.plot(rate[order][known[order]], score[order][known[order]], color=style.color, linewidth=0.6, alpha=0.4)
        axes.plot(rate[known], score[known], **style.point, label=labels[cell])
        lost = rate[~known]
        axes.plot(lost, [lowest] * len(lost), color=style.color, marker="x", linestyle="none")
    axes.set_xscale("log")
    axes.set(
        xlabel=language.say("Learning rate"), ylabel=score_name("validation", study.leading_metric, study, language)
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    format_value(axes.yaxis, study.leading_metric, language)
    legend_at_the_right(axes)
    return figure


def parallel_coordinates(
    study: Study, language: Language, spaces: tuple[Hyperparameter, ...], trials: pd.DataFrame
) -> Figure:
    """The trials of an experiment as lines across its hyper-parameters to the validation score."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    score = trials["validation"].to_numpy(float)
    low, high = np.nanmin(score), np.nanmax(score)
    heights = (score - low) / (high - low) if high > low else np.where(np.isnan(score), np.nan, 0.5)
    for row, height in zip(records(trials), heights, strict=True):
        values = json.loads(row["values"])
        line = [_height(item, values[item.name]) for item in spaces]
        good = 0.0 if math.isnan(height) else height if study.leading_metric.higher_is_better else 1 - height
        look: dict[str, Any] = {"color": PALETTE[0], "alpha": 0.15 + 0.7 * good**2, "linewidth": 1.1}
        if math.isnan(height):
            look = {"color": MUTED, "alpha": 0.6, "linewidth": 0.8, "linestyle": ":"}
        elif row["chosen"]:
            look = {"color": PALETTE[3], "alpha": 1.0, "linewidth": 2.2, "zorder": 3}
        axes.plot(
            range(len(spaces) + (not math.isnan(height))), [*line, *([] if math.isnan(height) else [height])], **look
        )
    for place, item in enumerate(spaces):
        _scale(axes, place, _ends(item))
    ends = [
        language.number(100 * end, 1) + " %" if study.leading_metric.percent else language.significant(end)
        for end in (low, high)
    ]
    _scale(axes, len(spaces), {0.0: ends[0], 1.0: ends[1]})
    titles = [item.short for item in spaces]
    axes.set_xticks(range(len(spaces) + 1), [*titles, score_name("validation", study.leading_metric, study, language)])
    axes.set_yticks([])
    axes.set_ylim(-0.08, 1.08)
    axes.margins(x=0.08)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _score(value: float, study: Study, language: Language) -> str:
    if study.leading_metric.percent:
        return f"{language.number(100 * value, 1)} %"
    return language.significant(value)


def _height(item: Hyperparameter, value: Any) -> float:
    """Where a value lies in its space, from 0 to 1."""
    space = item.space
    if space.choices is not None:
        return space.choices.index(value) / (len(space.choices) - 1)
    low, high = space.range
    if space.log_uniform is not None:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _ends(item: Hyperparameter) -> dict[float, str]:
    """Heights that are named: both ends, or each choice."""
    values = item.space.choices if item.space.choices is not None else item.space.range
    return {_height(item, value): f"{value:g}" if isinstance(value, float) else str(value) for value in values}


def _scale(axes: Axes, place: int, named: dict[float, str]) -> None:
    axes.plot([place, place], [0, 1], color=INK, linewidth=0.8, zorder=2)
    for height, text in named.items():
        axes.text(place + 0.02, height, text, fontsize=8, va="center", color=INK, zorder=4)
