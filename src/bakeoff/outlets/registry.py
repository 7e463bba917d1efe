"""Every outlet by its name, and the command that gives a study's results to one."""

from functools import partial

from bakeoff.counting import counted
from bakeoff.errors import BakeoffError
from bakeoff.outlets.clearml_sessions import CLEARML
from bakeoff.outlets.csv_files import CSV
from bakeoff.outlets.figure_images import png_figures
from bakeoff.outlets.finished_runs import finished_runs, read_record
from bakeoff.outlets.mlflow_store import MLFLOW
from bakeoff.outlets.outlet import Outlet, check_installed
from bakeoff.outlets.records import StudyRecords
from bakeoff.outlets.tensorboard_events import TENSORBOARD
from bakeoff.outlets.wandb_runs import WANDB
from bakeoff.study.arguments import nearest
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs

OUTLETS: dict[str, Outlet] = {outlet.name: outlet for outlet in (CSV, TENSORBOARD, MLFLOW, CLEARML, WANDB)}


def export_study(target: str, study: Study, layout: Layout, place: str, large: bool = False) -> list[str]:
    """Give the finished results of a study to an outlet, from results/ alone; with `large`, predictions and weights,
    too.

    Returns lines for the user: what was written, what is missing, what to do next.
    Raises BakeoffError where the target is unknown or not installed, the place is taken, or no run is finished.
    """
    if target not in OUTLETS:
        raise BakeoffError(f"unknown target {target!r}; {nearest(target, list(OUTLETS))}")
    outlet = OUTLETS[target]
    check_installed(outlet)
    finished, planned = finished_runs(study, layout), len(runs(study))
    if not finished.results:
        raise BakeoffError(f"{layout.runs}: no finished run to export; train with bakeoff run")
    found = counted(finished.results.items(), f"runs to {target}", len(finished.results))
    read = (read_record(study.study, layout.run(run), result, large) for run, result in found)
    exported = outlet.export(StudyRecords(study.study, study.title, read, partial(png_figures, study, layout)), place)
    lines = [f"{exported.written} runs exported to {place}, {exported.already} were there"]
    if (missing := planned - len(finished.results)) > 0:
        lines.append(
            f"{missing} of {planned} runs are not finished: see bakeoff status, and export again when they are"
        )
    return [*lines, *finished.damaged, *exported.notes, outlet.then.format(place=place)]
