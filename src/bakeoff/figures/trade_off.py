"""What a better score costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bakeoff.analysis.labels import score_name, short_labels
from bakeoff.figures.axes import format_quantity, format_value
from bakeoff.figures.baseline_line import draw_baseline
from bakeoff.figures.style import MUTED, SEED, WIDTH, Style, cells_of, squeezed
from bakeoff.language import Language
from bakeoff.results.summary_tables import by_experiment
from bakeoff.study.matrix import Experiment
from bakeoff.study.study import Study

NAMED_POINTS = 16  # with more on a dataset, only those on the front have room for names
FRONT: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (1, 1.5)), "zorder": 1.5}


@dataclass(frozen=True)
class Cost:
    """A cost to set scores against: its column in the tables of runs and experiments, its title on an axis, and the
    end of a file's name."""

    column: str
    title: str
    name: str

    @property
    def flag(self) -> str:
        """The column of the table "speed" that says who has the best score for this cost."""
        return f"best_for_{self.column}"


def trade_off(
    study: Study,
    language: Language,
    points: pd.DataFrame,
    runs: pd.DataFrame,
    cost: Cost,
    styles: dict[Experiment, Style],
    baselines: Mapping[str, tuple[str, float]] | None = None,
) -> Figure:
    """The test metric against a cost. Each dataset has its own panel: scores on different data do not compare.

    `points` are the experiments with the interval to quote and the flags of the table "speed": a dotted line joins
    those that none beats in both score and cost. Faint dots are the seeds in `runs`. Dashed lines mark the `baselines`
    of datasets, by their name and score.
    """
    datasets = list(dict.fromkeys(points["dataset"]))
    height = 3.8 if len(datasets) == 1 else 2.8
    figure = Figure(figsize=(WIDTH, height * len(datasets)), layout="constrained")
    panels = figure.subplots(len(datasets), 1, squeeze=False, sharex=True)[:, 0]
    score, seeds = f"test_{study.metric}", dict(by_experiment(runs))
    marks = []
    if points[cost.column].max() / points[cost.column].min() >= 8:
        panels[0].set_xscale("log")
    for axes, dataset in zip(panels, datasets, strict=True):
        here = points[points["dataset"] == dataset]
        cells = cells_of(here)
        xs, ys = here[cost.column].to_numpy(float), here[f"{score}_mean"].to_numpy(float)
        for cell, x, y, low, high in zip(cells, xs, ys, here[f"{score}_low"], here[f"{score}_high"], strict=True):
            style = styles[cell]
            axes.plot([x, x], [low, high], color=style.color, linewidth=1, alpha=0.45, zorder=2)
            axes.plot([x] * len(seeds[cell]), seeds[cell][score], color=style.color, zorder=2.5, **SEED)
            axes.plot(x, y, **style.point, markersize=6, markeredgecolor="white", markeredgewidth=0.6, zorder=3)
        _front(axes, here, cost, f"{score}_mean")
        axes.margins(x=0.12, y=0.14)
        if baselines and dataset in baselines:
            draw_baseline(axes, *baselines[dataset], study.leading_metric, language, upright=False)
        axes.set_ylabel(score_name("test", study.leading_metric, study, language))
        format_quantity(axes, language)
        format_value(axes.yaxis, study.leading_metric, language)
        if len(datasets) > 1:
            axes.set_title(dataset, loc="left")
            axes.set_title(
                language.say("a scale of its own"), loc="right", fontsize=8, fontweight="normal", color=MUTED
            )
        labels = [squeezed(label) for label in short_labels(cells).values()]
        named = np.full(len(cells), True) if len(cells) <= NAMED_POINTS else here[cost.flag].eq(True).to_numpy()
        marks.append((axes, xs, ys, labels, [styles[cell].color for cell in cells], named))
    panels[-1].set_xlabel(cost.title)
    _legend(figure, language)
    # Labels need the final size of the axes, so the layout is computed first and then frozen.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for mark in marks:
        _place_labels(*mark)
    return figure


def _front(axes: Axes, points: pd.DataFrame, cost: Cost, score: str) -> None:
    """Steps through the experiments that none beats in both, from the cheapest on."""
    front = points[points[cost.flag].eq(True)].sort_values(cost.column)
    if len(front) > 1:
        axes.plot(np.repeat(front[cost.column], 2)[1:], np.repeat(front[score], 2)[:-1], **FRONT)


def _legend(figure: Figure, language: Language) -> None:
    handles = [
        Line2D([], [], color=MUTED, label=language.say("one seed"), **SEED),
        Line2D([], [], color=MUTED, linewidth=1, marker="o", label=language.say("mean and 95 % interval")),
        Line2D([], [], label=language.say("none is both better and cheaper"), **FRONT),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False, fontsize=8)


def _along(line: Line2D) -> NDArray[Any]:
    """A box [N, 4] in pixels around each upright or level piece of a line, which labels had better not hide."""
    corners = line.get_transform().transform(line.get_path().vertices)
    starts, ends = (corners[:-1], corners[1:]) if len(corners) > 1 else (corners, corners)
    boxes = np.hstack([np.minimum(starts, ends) - 1.5, np.maximum(starts, ends) + 1.5])
    return boxes[np.isfinite(boxes).all(axis=1)]  # one run has no interval


def _place_labels(axes: Axes, xs: Any, ys: Any, labels: list[str], colors: list[Any], named: NDArray[np.bool_]) -> None:
    """Put the label of each `named` point near it, where it hides no point and no label; a thin line leads to distant
    ones."""
    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[arg-type, no-untyped-call]
    frame = axes.get_window_extent(renderer)
    scale = figure.dpi / 72
    points = axes.transData.transform(list(zip(xs, ys, strict=True)))
    taken = np.hstack([points - 4 * scale, points + 4 * scale])  # boxes: left, bottom, right, top
    written = [text.get_window_extent(renderer) for text in axes.texts]
    taken = np.vstack([taken, *([box.x0, box.y0, box.x1, box.y1] for box in written), *map(_along, axes.get_lines())])
    dx, dy = np.array(sorted(
        ((radius * math.cos(angle), radius * math.sin(angle)) for radius in (7, 11, 16, 22, 29, 37, 47, 60, 75, 92)
         for angle in (math.pi / 8 * step for step in (0, 8, 2, 14, 6, 10, 4, 12, 1, 15, 7, 9, 3, 13, 5, 11))),
        key=lambda offset: round(math.hypot(*offset)),
    )).T  # fmt: skip
    marks = [mark for mark, has_name in zip(zip(points, labels, colors, strict=True), named, strict=True) if has_name]
    for (x, y), label, color in sorted(marks, key=lambda mark: -mark[0][1]):
        text = axes.text(0, 0, label, fontsize=8)
        extent = text.get_window_extent(renderer)
        text.remove()
        # Left or right of the point, or centred above or below it.
        left = x + dx * scale - extent.width * np.select([dx > 1, dx < -1], [0, 1], 0.5)
        middle, half = y + dy * scale, extent.height / 2
        boxes = np.column_stack([left - 1, middle - half - 0.5, left + extent.width + 1, middle + half + 0.5])
        inside = (boxes[:, :2] >= frame.min).all(axis=1) & (boxes[:, 2:] <= frame.max).all(axis=1)
        sides = np.minimum(boxes[:, None, 2:], taken[:, 2:]) - np.maximum(boxes[:, None, :2], taken[:, :2])
        hidden = sides.clip(min=0).prod(axis=2).sum(axis=1)
        best = np.where(inside | ~inside.any(), hidden, np.inf).argmin()
        taken = np.vstack([taken, boxes[best]])
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3, "alpha": 0.8}
        axes.annotate(
            label,
            (x, y),
            xytext=(boxes[best, :2] + boxes[best, 2:]) / 2,
            xycoords="figure pixels",
            textcoords="figure pixels",
            ha="center",
            va="center",
            fontsize=8,
            zorder=5,
            arrowprops=line if math.hypot(dx[best], dy[best]) > 12 else None,
        )
