"""Draw every figure that a study has data for."""

import gc
import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd

from bakeoff.analysis.against_best import standings
from bakeoff.analysis.curves import completed_history, mean_curves
from bakeoff.analysis.ranking import best_on, ranking
from bakeoff.analysis.scores import with_quoted_intervals
from bakeoff.analysis.statistics import read_statistics
from bakeoff.errors import BakeoffError
from bakeoff.figures.baseline_line import baselines_of
from bakeoff.figures.data_figures import class_names, data_figures
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.fonts import families_for
from bakeoff.figures.heat_map_figures import heat_map_figures
from bakeoff.figures.learning_curves import curves_figure, overview, scales_of
from bakeoff.figures.race_progress import race_figures
from bakeoff.figures.score_intervals import Beside, comparison
from bakeoff.figures.statistics_figures import statistics_figures
from bakeoff.figures.style import cells_of, save, styles_of, theme
from bakeoff.figures.trade_off import Cost, trade_off
from bakeoff.figures.tuning_figures import tuning_figures
from bakeoff.files import write_atomically
from bakeoff.language import Language, language_of
from bakeoff.results.summary_tables import Tables, by_experiment, read_tables, records
from bakeoff.results.whole_datasets import whole_datasets
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

OBJECTS_OF_SOME_FIGURES = 200_000


def draw_figures(
    study: Study,
    layout: Layout,
    language: str | None = None,
    processes: int = 1,
    *,
    pdf: bool = False,
    first: Path | None = None,
) -> list[Path]:
    """Write every figure that a study's data and summary allow, in the study's language or another.

    Returns the paths of the SVG files, in a fixed order; if wanted, each has a PDF file beside it. Experiments without
    a completed run are left out. Figures of an earlier call that no longer have data are removed. `first` is where
    `draw_first_figures` has drawn some of them from the same summary.
    Raises BakeoffError when there is no summary.
    """
    drawings = drawings_of(study, layout, language)
    layout.figures.mkdir(parents=True, exist_ok=True)
    layout.missing_letters.unlink(missing_ok=True)
    drawn = {drawing.name: first / drawing.name for drawing in drawings if first and (first / drawing.name).exists()}
    for name, path in drawn.items():
        with write_atomically(layout.figures / name, durable=False) as temporary:
            shutil.copyfile(path, temporary)
    missing = _draw_all(study, [each for each in drawings if each.name not in drawn], layout.figures, processes, pdf)
    if missing:
        layout.missing_letters.write_text(missing, encoding="utf-8")
    written = [layout.figures / drawing.name for drawing in drawings]
    for path in set(layout.figures.rglob("*.svg")) - set(written):
        path.unlink()
        path.with_suffix(".pdf").unlink(missing_ok=True)
    return written


def draw_first_figures(study: Study, layout: Layout, processes: int = 1) -> None:
    """Write those that need no statistics into a folder of their own, while the statistics are computed."""
    if layout.first_figures.exists():
        shutil.rmtree(layout.first_figures)
    layout.first_figures.mkdir(parents=True)
    _draw_all(study, _first_drawings(study, layout), layout.first_figures, processes, pdf=False)


def _first_drawings(study: Study, layout: Layout) -> list[Drawing]:
    tables, words = read_tables(layout), language_of(study.language)
    cells = cells_of(tables.experiments[tables.experiments["completed"] > 0])
    curves = _curves(study.as_written, words, layout, cells, _completed(tables))
    return [*data_figures(study, words, layout), *curves.values()]


def _completed(tables: Tables) -> pd.DataFrame:
    return whole_datasets(tables.runs[tables.runs["status"] == "completed"])


def drawings_of(study: Study, layout: Layout, language: str | None = None) -> list[Drawing]:
    """Every figure that a study's data and summary allow. Raises BakeoffError when there is no summary."""
    tables, words, written = read_tables(layout), language_of(language or study.language), study.as_written
    quoted = with_quoted_intervals(tables.experiments, read_statistics(layout, "intervals"), study.metric)
    present = quoted[quoted["completed"] > 0]
    completed = _completed(tables)
    groups = [data_figures(study, words, layout), tuning_figures(written, words, layout)]
    if len(present):
        groups.append(statistics_figures(study, words, layout, present))
        rows = dict(zip(cells_of(present), records(present), strict=True))
        best = [best_on(dataset, rows, study.leading_metric) for dataset in dict.fromkeys(present["dataset"])]
        groups.append(heat_map_figures(study, words, layout, [cell for cell in best if cell is not None]))
        curves = _curves(written, words, layout, cells_of(present), completed)
        groups.append(_result_figures(written, words, layout, present, completed, curves))
    return list(chain(*groups))


def _draw_all(study: Study, drawings: list[Drawing], folder: Path, processes: int, pdf: bool) -> str:
    """Figures know nothing of one another: every process draws some of them. Returns the letters that no font has."""
    families, missing = families_for(set().union(*class_names(study)))
    with theme(families, pdf=pdf):
        if processes == 1 or len(drawings) < 2 or sys.platform != "linux":
            _draw_some(drawings, folder, pdf)
        else:
            parts = [drawings[first::processes] for first in range(min(processes, len(drawings)))]
            _draw_in_processes(parts, folder, pdf)
    return missing


def _draw_in_processes(parts: list[list[Drawing]], folder: Path, pdf: bool) -> None:
    """Forked, or each would import pandas and Matplotlib again. Each ends with its part, also if this one is killed."""
    context = get_context("fork")
    ends = []
    for part in parts:
        receiving, sending = context.Pipe(duplex=False)
        context.Process(target=_draw_and_tell, args=(part, folder, pdf, sending)).start()
        sending.close()
        ends.append(receiving)
    for receiving in ends:
        try:
            error = receiving.recv()
        except EOFError:
            raise BakeoffError("a process that drew figures was killed: was the memory full?") from None
        if error is not None:
            raise error


def _draw_and_tell(drawings: list[Drawing], folder: Path, pdf: bool, sending: Connection) -> None:
    try:
        _draw_some(drawings, folder, pdf)
    except Exception as error:  # raised where it is waited for
        error.add_note("".join(traceback.format_exception(error)))
        sending.send(error)
    else:
        sending.send(None)


def _draw_some(drawings: list[Drawing], folder: Path, pdf: bool) -> None:
    with _garbage_seldom_looked_for():
        for drawing in drawings:
            save(drawing.draw(), folder / drawing.name, pdf=pdf)


@contextmanager
def _garbage_seldom_looked_for() -> Iterator[None]:
    """A figure is tens of thousands of objects that refer to one another: to look for garbage among them again and
    again takes an eighth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_OF_SOME_FIGURES, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _curves(
    study: Study, language: Language, layout: Layout, cells: list[Experiment], runs: pd.DataFrame
) -> dict[str, Drawing]:
    """By their names: of every dataset all curves together, then those of each experiment."""
    history, styles, drawings = completed_history(study, layout, runs), styles_of(cells), []
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        curves = mean_curves(study, history[history["dataset"] == dataset])
        if curves:
            drawn = [cell for cell in cells if cell in curves]
            draw = partial(overview, study, language, curves, drawn, styles)
            drawings.append(Drawing(f"learning_curves_{dataset}.svg", draw))
    for dataset in dict.fromkeys(history["dataset"]):
        of_dataset = history[history["dataset"] == dataset]
        scales = scales_of(study, of_dataset)
        for cell, epochs in by_experiment(of_dataset):
            curve = partial(curves_figure, study, language, epochs, styles[cell], scales)
            drawings.append(Drawing(f"curves/{cell.key.replace('/', '__')}.svg", curve))
    return {drawing.name: drawing for drawing in drawings}


def _result_figures(
    study: Study,
    language: Language,
    layout: Layout,
    present: pd.DataFrame,
    runs: pd.DataFrame,
    curves: dict[str, Drawing],
) -> Iterator[Drawing]:
    styles = styles_of(cells_of(present))
    rows = dict(zip(cells_of(present), records(present), strict=True))
    baselines = baselines_of(read_statistics(layout, "baselines"), study.leading_metric)
    comparisons, race = read_statistics(layout, "comparisons"), read_statistics(layout, "race")
    for dataset in dict.fromkeys(present["dataset"]):
        here = present[present["dataset"] == dataset]
        if together := curves.pop(f"learning_curves_{dataset}.svg", None):
            yield together
        ranks = ranking({cell: rows[cell] for cell in cells_of(here)}, study.leading_metric)
        stand = standings(ranks, comparisons, race) if ranks else None
        beside = Beside(baselines.get(dataset), stand)
        yield Drawing(f"comparison_{dataset}.svg", partial(comparison, study, language, here, runs, styles, beside))
    flagged = present.merge(read_statistics(layout, "speed"), on=list(FACETS), how="left", suffixes=("", "_of_speed"))
    time, second = language.say("Training time of one run"), language.say("s")
    for cost in (
        Cost("parameters", language.say("Parameters"), "parameters"),
        Cost("training_seconds", f"{time} [{second}]", "time"),
    ):
        points = flagged[flagged[cost.column].notna() & (flagged[cost.column] > 0)]
        if len(points):
            name = f"{study.metric}_vs_{cost.name}.svg"
            yield Drawing(name, partial(trade_off, study, language, points, runs, cost, styles, baselines))
    yield from race_figures(study.rounds, language, race, styles)
    yield from curves.values()
