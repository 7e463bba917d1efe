"""Figures from the summary tables: SVG files, the same bytes for the same tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.analysis.labels import (
    FACETS,
    short_labels,
    varying_facets,
)
from bakeoff.analysis.summary import by_experiment, read_history, read_tables, records
from bakeoff.files import write_atomically
from bakeoff.layout import Layout
from bakeoff.metrics import Metric
from bakeoff.study import Experiment, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#262626"
MUTED = "#8c8c8c"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (4, 1.5)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 2)),
)
WIDTH = 7.4  # inches; text of 9 points then reads like the page's own
LINES_IN_ONE_PANEL = 6
NAMED_POINTS = 16  # beyond, points carry numbers and a list beside says whose they are
OURS = ("curves/*.svg", "learning_curves_*.svg", "comparison_*.svg", "accuracy_vs_*.svg")


@dataclass(frozen=True)
class Style:
    """How an experiment is drawn wherever it appears."""

    color: Any
    marker: str
    dash: Any


def draw_figures(study: Study, layout: Layout) -> list[Path]:
    """Write every figure that the summary of a study has data for; return their paths, in a fixed order.

    Experiments without a completed run are in no figure. Figures of an earlier call that have no data
    any more are removed. Raises BakeoffError when there is no summary.
    """
    tables = read_tables(layout)
    present = tables.experiments[tables.experiments["completed"] > 0]
    completed = tables.runs[tables.runs["status"] == "completed"]
    layout.figures.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    if len(present):
        with _theme():
            written = [
                _save(figure, layout.figures / name) for name, figure in _figures(study, layout, present, completed)
            ]
    for pattern in OURS:
        for path in set(layout.figures.glob(pattern)) - set(written):
            path.unlink()
            path.with_suffix(".pdf").unlink(missing_ok=True)
    return written


def _figures(
    study: Study, layout: Layout, present: "pd.DataFrame", runs: "pd.DataFrame"
) -> "Iterator[tuple[str, Figure]]":
    cells = _cells(present)
    styles = _styles(cells)
    history = _completed_history(study, layout, runs)
    for dataset in dict.fromkeys(present["dataset"]):
        here = [cell for cell in cells if cell.dataset == dataset]
        curves = _mean_curves(study, history[history["dataset"] == dataset])
        if curves:
            yield (
                f"learning_curves_{dataset}.svg",
                _overview(study, curves, [cell for cell in here if cell in curves], styles),
            )
        yield f"comparison_{dataset}.svg", _comparison(study, present, runs, here, styles)
    for quantity, title, unit, name in (
        ("parameters", "Parameters", "", "accuracy_vs_parameters.svg"),
        ("training_seconds", "Training time of one run", "s", "accuracy_vs_time.svg"),
    ):
        points = present[present[quantity].notna() & (present[quantity] > 0)]
        if len(points):
            yield name, _trade_off(study, points, quantity, f"{title} [{unit}]" if unit else title, styles)
    for cell, epochs in by_experiment(history):
        yield f"curves/{cell.key.replace('/', '__')}.svg", _curves(study, epochs, styles[cell])


@contextmanager
def _theme() -> Iterator[None]:
    """Seaborn's look, without leaving it behind; text stays text, in a font that ships with matplotlib."""
    import matplotlib
    import seaborn

    style: dict[Any, Any] = seaborn.axes_style("whitegrid") | seaborn.plotting_context("paper")
    own: dict[Any, Any] = {
        "svg.hashsalt": "bakeoff",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,  # outlines that journals take
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "legend.fontsize": 8.5,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.edgecolor": "#cccccc",
        "grid.color": "#e3e3e3",
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.6,
    }
    with (
        matplotlib.rc_context({**style, **own}),
        matplotlib.rc_context({"savefig.dpi": 72, "figure.dpi": 72}),
    ):
        yield


def _save(figure: "Figure", path: Path) -> Path:
    """Write a figure as SVG, for screens, and beside it as PDF, for LaTeX."""
    from io import StringIO

    with write_atomically(path.with_suffix(".pdf"), durable=False) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # The reader's machine may lack the font that was measured with; Verdana is as wide.
    svg = text.getvalue().replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    with write_atomically(path, durable=False) as temporary:
        temporary.write_text(svg, encoding="utf-8")
    return path


def _cells(table: "pd.DataFrame") -> list[Experiment]:
    return [Experiment(*row) for row in table[list(FACETS)].itertuples(index=False)]


def _styles(cells: Sequence[Experiment]) -> dict[Experiment, Style]:
    """Colour says the first facet that varies (architecture before optimizer and recipe), marker and dash the rest."""
    palette = _palette()
    first, rest = _split_facets(cells)
    colors = list(dict.fromkeys(getattr(cell, first) for cell in cells))
    shapes = list(dict.fromkeys(tuple(getattr(cell, facet) for facet in rest) for cell in cells))
    styles = {}
    for cell in cells:
        color = colors.index(getattr(cell, first))
        # Past the last colour the palette starts again, with other markers and dashes.
        shape = shapes.index(tuple(getattr(cell, facet) for facet in rest)) + color // len(palette) * len(shapes)
        styles[cell] = Style(palette[color % len(palette)], MARKERS[shape % len(MARKERS)], DASHES[shape % len(DASHES)])
    return styles


def _palette() -> list[str]:
    """Seaborn's colour-blind-safe colours, less the pink and the yellow that fade on white."""
    import seaborn

    colors = seaborn.color_palette("colorblind", 10).as_hex()
    return [color for index, color in enumerate(colors) if index not in (6, 8)]


def _split_facets(cells: Sequence[Experiment]) -> tuple[str, list[str]]:
    """The first facet that varies, datasets aside, and the others that do."""
    varying = [facet for facet in varying_facets(cells) if facet != "dataset"]
    return (varying[0], varying[1:]) if varying else ("architecture", [])


def _completed_history(study: Study, layout: Layout, runs: "pd.DataFrame") -> "pd.DataFrame":
    """The epochs of completed runs."""
    keys = [*FACETS, "seed"]
    history = read_history(
        layout,
        dict.fromkeys(["train_loss", "validation_loss", f"train_{study.metric}", f"validation_{study.metric}"]),
    )
    history = history.astype({facet: str for facet in FACETS})
    return history.merge(runs[[*keys, "best_epoch"]], on=keys, how="inner")


def _mean_curves(study: Study, history: "pd.DataFrame") -> "dict[Experiment, pd.DataFrame]":
    return {cell: _band(epochs, f"validation_{study.metric}") for cell, epochs in by_experiment(history)}


def _band(epochs: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Mean, minimum and maximum over seeds, for the epochs that every seed reached."""
    grouped = epochs.groupby("epoch")[column]
    band = grouped.agg(["mean", "min", "max", "size"])
    return band[band["size"] == epochs["seed"].nunique()]


def _draw_band(axes: "Axes", band: "pd.DataFrame", color: Any, dash: Any, label: str) -> None:
    if len(band) == 1:
        axes.plot(band.index, band["mean"], color=color, marker="o", markersize=3, linestyle="none", label=label)
        return
    axes.fill_between(band.index, band["min"], band["max"], color=color, alpha=0.18, linewidth=0)
    axes.plot(band.index, band["mean"], color=color, linestyle=dash, label=label)


def _curves(study: Study, epochs: "pd.DataFrame", style: Style) -> "Figure":
    """One experiment: the study's metric at the left, the loss at the right; dots are the chosen epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.6))
    # Fixed margins: there is one such figure per experiment, and a fitted layout takes twice the time.
    panels = figure.subplots(
        1, 2, gridspec_kw={"left": 0.085, "right": 0.99, "bottom": 0.17, "top": 0.89, "wspace": 0.19}
    )
    for axes, metric in zip(panels, (study.metric, "loss"), strict=True):
        for split, dash in (("train", DASHES[1]), ("validation", "-")):
            color = MUTED if split == "train" else style.color
            _draw_band(axes, _band(epochs, f"{split}_{metric}"), color, dash, split)
        chosen = epochs[epochs["epoch"] == epochs["best_epoch"]]
        axes.scatter(
            chosen["epoch"],
            chosen[f"validation_{metric}"],
            s=14,
            facecolor="white",
            edgecolor=style.color,
            linewidth=1,
            zorder=3,
            label="chosen epoch",
        )
        axes.set_title(_sentence(study.metrics[metric].label), loc="left")
        _format_value(axes.yaxis, study.metrics[metric])
        _format_epochs(axes)
        if metric == "loss":
            _fit_loss(axes)
    panels[0].legend(loc="lower right" if study.leading_metric.higher_is_better else "upper right")
    return figure


def _overview(
    study: Study,
    curves: "dict[Experiment, pd.DataFrame]",
    cells: list[Experiment],
    styles: dict[Experiment, Style],
) -> "Figure":
    """All experiments on a dataset: in one panel when few, else a panel per value of the first facet that varies."""
    from matplotlib.figure import Figure

    first, rest = _split_facets(cells)
    labels = short_labels(cells)
    names = list(dict.fromkeys(getattr(cell, first) for cell in cells))
    if len(cells) <= LINES_IN_ONE_PANEL:
        groups: list[tuple[str, list[Experiment]]] = [("", cells)]
    elif rest:
        groups = [(name, [cell for cell in cells if getattr(cell, first) == name]) for name in names]
    else:
        groups = [(labels[cell], [cell]) for cell in cells]
    columns = min(4, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(WIDTH, 3.2 if rows == 1 and columns == 1 else 1.9 * rows + 0.7), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    shapes = _rest_styles(cells, rest) if len(groups) > 1 and rest else {}
    for axes, (title, members) in zip(grid.flat, groups, strict=False):
        for cell in cells if len(groups) > 1 else ():
            axes.plot(curves[cell].index, curves[cell]["mean"], color="#d0d0d0", linewidth=0.6, zorder=1)
        for cell in members:
            color, dash = shapes[_rest(cell, rest)] if shapes else (styles[cell].color, styles[cell].dash)
            _draw_band(axes, curves[cell], color, dash, " · ".join(_rest(cell, rest)) if shapes else labels[cell])
        if title:
            axes.set_title(title, loc="left")
        _format_epochs(axes)
        _format_value(axes.yaxis, study.leading_metric)
    for axes in grid.flat[len(groups) :]:
        axes.set_visible(False)
    for position, axes in enumerate(grid.flat[: len(groups)]):
        last = position + columns >= len(groups)
        axes.set_xlabel("Epoch" if last else "")
        axes.tick_params(labelbottom=last)
    figure.supylabel(f"Validation {study.leading_metric.label}", fontsize=9)
    _overview_legend(figure, list(grid.flat[: len(groups)]), bool(shapes), len(groups) == 1)
    return figure


def _overview_legend(figure: "Figure", panels: "Sequence[Axes]", shared: bool, single: bool) -> None:
    if single:
        if len(panels[0].get_lines()) > 1:
            panels[0].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        return
    if shared:
        entries = {
            label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=min(4, len(entries)),
            frameon=False,
        )


def _rest(cell: Experiment, rest: list[str]) -> tuple[str, ...]:
    return tuple(getattr(cell, facet) for facet in rest)


def _rest_styles(cells: Sequence[Experiment], rest: list[str]) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Within a panel colour is free to tell the other facets apart."""
    palette = _palette()
    names = list(dict.fromkeys(_rest(cell, rest) for cell in cells))
    return {
        name: (palette[index % len(palette)], DASHES[index // len(palette) % len(DASHES)])
        for index, name in enumerate(names)
    }


def _comparison(
    study: Study,
    experiments: "pd.DataFrame",
    runs: "pd.DataFrame",
    cells: list[Experiment],
    styles: dict[Experiment, Style],
) -> "Figure":
    """Experiments on one dataset, the best on top: a dot per seed, the mean and its 95 % interval."""
    from matplotlib.figure import Figure

    score = f"test_{study.metric}"
    rows = dict(zip(_cells(experiments), records(experiments), strict=True))
    labels = short_labels(cells)
    order = sorted(
        cells,
        key=lambda cell: rows[cell][f"{score}_mean"],
        reverse=not study.leading_metric.higher_is_better,
    )
    figure = Figure(figsize=(WIDTH, 0.27 * len(order) + 1.0), layout="constrained")
    axes = figure.subplots()
    seeds = {cell: group[score] for cell, group in by_experiment(runs)}
    for height, cell in enumerate(order):
        row, color = rows[cell], styles[cell].color
        axes.scatter(
            seeds[cell],
            [height - 0.2] * len(seeds[cell]),
            s=11,
            color=color,
            alpha=0.55,
            linewidth=0,
            zorder=2,
        )
        axes.plot(
            [row[f"{score}_low"], row[f"{score}_high"]],
            [height + 0.1] * 2,
            color=INK,
            linewidth=1.3,
            zorder=3,
        )
        axes.plot(
            row[f"{score}_mean"],
            height + 0.1,
            marker="D",
            markersize=4.5,
            color=color,
            markeredgecolor=INK,
            markeredgewidth=0.8,
            zorder=4,
        )
    axes.set_yticks(range(len(order)), [labels[cell] for cell in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.set_xlabel(f"Test {study.leading_metric.label}")
    _format_value(axes.xaxis, study.leading_metric)
    return figure


def _trade_off(
    study: Study, points: "pd.DataFrame", quantity: str, title: str, styles: dict[Experiment, Style]
) -> "Figure":
    """The test metric against a cost, a panel per dataset: values on different data do not compare."""
    from matplotlib.figure import Figure

    datasets = list(dict.fromkeys(points["dataset"]))
    numbered = points.groupby("dataset").size().max() > NAMED_POINTS
    height = max(3.6, 0.155 * points.groupby("dataset").size().max() + 0.8) if numbered else 3.6
    figure = Figure(figsize=(WIDTH, height * len(datasets)), layout="constrained")
    panels = figure.subplots(len(datasets), 1, squeeze=False)[:, 0]
    score = f"test_{study.metric}"
    marks = []
    for axes, dataset in zip(panels, datasets, strict=True):
        here = points[points["dataset"] == dataset]
        cells = _cells(here)
        xs, ys = here[quantity].to_numpy(float), here[f"{score}_mean"].to_numpy(float)
        for cell, x, y, low, high in zip(cells, xs, ys, here[f"{score}_low"], here[f"{score}_high"], strict=True):
            style = styles[cell]
            axes.plot([x, x], [low, high], color=style.color, linewidth=1, alpha=0.45, zorder=2)
            axes.plot(
                x,
                y,
                marker=style.marker,
                color=style.color,
                markersize=5.5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                linestyle="none",
                zorder=3,
            )
        if xs.max() / xs.min() >= 8:
            axes.set_xscale("log")
        axes.margins(x=0.12, y=0.14)
        axes.set_xlabel(title)
        axes.set_ylabel(f"Test {study.leading_metric.label}")
        _format_quantity(axes)
        _format_value(axes.yaxis, study.leading_metric)
        if len(datasets) > 1:
            axes.set_title(dataset, loc="left")
        labels = list(short_labels(cells).values())
        if numbered:
            _number_key(axes, cells, labels, styles)
            labels = [str(number) for number in range(1, len(labels) + 1)]
        marks.append((axes, xs, ys, labels, [styles[cell].color for cell in cells]))
    # Labels need the final size of the axes, so the layout is settled first and then kept.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for mark in marks:
        _place_labels(*mark)
    return figure


def _number_key(axes: "Axes", cells: list[Experiment], labels: list[str], styles: dict[Experiment, Style]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=styles[cell].marker,
            color=styles[cell].color,
            markersize=4.5,
            label=f"{number}  {label}",
        )
        for number, (cell, label) in enumerate(zip(cells, labels, strict=True), 1)
    ]
    axes.legend(
        handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=7.5,
        labelspacing=0.25, handletextpad=0.2, borderaxespad=0, ncols=1 if len(cells) <= 60 else 2,
    )  # fmt: skip


def _place_labels(axes: "Axes", xs: Any, ys: Any, labels: list[str], colors: list[Any]) -> None:
    """Write each label near its point where it hides no point and no other label; a thin line leads to far ones."""
    import math

    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[arg-type, no-untyped-call]
    frame = axes.get_window_extent(renderer)
    scale = figure.dpi / 72
    points = axes.transData.transform(list(zip(xs, ys, strict=True)))
    taken = [(x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale) for x, y in points]
    offsets = sorted(
        ((radius * math.cos(angle), radius * math.sin(angle)) for radius in (7, 11, 16, 22, 29, 37, 47, 60, 75, 92)
         for angle in (math.pi / 8 * step for step in (0, 8, 2, 14, 6, 10, 4, 12, 1, 15, 7, 9, 3, 13, 5, 11))),
        key=lambda offset: round(math.hypot(*offset)),
    )  # fmt: skip
    for (x, y), label, color in sorted(zip(points, labels, colors, strict=True), key=lambda mark: -mark[0][1]):
        text = axes.text(0, 0, label, fontsize=8)
        extent = text.get_window_extent(renderer)
        text.remove()
        width, height = extent.width, extent.height
        boxes = [(dx, dy, _box(x + dx * scale, y + dy * scale, dx, width, height)) for dx, dy in offsets]
        inside = [option for option in boxes if _within(option[2], frame)] or boxes
        dx, dy, box = min(inside, key=lambda option: sum(_overlap(option[2], other) for other in taken))
        taken.append(box)
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3, "alpha": 0.8}
        axes.annotate(
            label,
            (x, y),
            xytext=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
            xycoords="figure pixels",
            textcoords="figure pixels",
            ha="center",
            va="center",
            fontsize=8,
            zorder=5,
            arrowprops=line if math.hypot(dx, dy) > 12 else None,
        )


Box = tuple[float, float, float, float]


def _box(x: float, y: float, dx: float, width: float, height: float) -> Box:
    """The box of a text anchored at (x, y): beside the point when it lies to a side, centred above or below it."""
    left = x if dx > 1 else x - width if dx < -1 else x - width / 2
    return (left - 1, y - height / 2 - 0.5, left + width + 1, y + height / 2 + 0.5)


def _within(box: Box, frame: Any) -> bool:
    return bool(box[0] >= frame.x0 and box[2] <= frame.x1 and box[1] >= frame.y0 and box[3] <= frame.y1)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _sentence(text: str) -> str:
    """With a capital in front; capitalize() would make small letters of the rest."""
    return text[:1].upper() + text[1:]


def _format_value(axis: Any, metric: Metric) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_locator(MaxNLocator(nbins=6))
    if metric.percent:
        axis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
        low, high = axis.get_view_interval()
        if high > 1:  # an interval may reach past 100 %, the axis does not
            axis._set_lim(low, 1 + 0.02 * (1 - low), auto=None)


def _format_epochs(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_xlabel("Epoch")
    axes.spines[["right", "top"]].set_visible(False)


def _fit_loss(axes: "Axes") -> None:
    """A loss that falls by orders of magnitude shows its end only on a logarithmic axis."""
    import numpy as np

    values = [float(value) for line in axes.get_lines() for value in np.asarray(line.get_ydata())]
    positive = [value for value in values if value > 0]
    if positive and len(positive) == len(values) and max(positive) / min(positive) > 30:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain)
        axes.yaxis.set_minor_formatter("")


def _format_quantity(axes: "Axes") -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    if axes.get_xscale() == "log":
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if _decades(axes) < 2 else (1,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.xaxis.set_major_formatter(_thousands)
    axes.spines[["right", "top"]].set_visible(False)


def _decades(axes: "Axes") -> float:
    import math

    low, high = axes.get_xlim()
    return math.log10(high / low)


def _plain(value: float, _position: float) -> str:
    return f"{value:g}"


def _thousands(value: float, _position: float) -> str:
    """10k, 2.5M, 0.5: parameters and seconds alike."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
