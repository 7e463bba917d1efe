"""Where a study is: what each run is doing, and what the whole will cost."""

import fcntl
import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bakeoff.errors import BakeoffError
from bakeoff.layout import Layout, RunPaths, data_folder
from bakeoff.study import Run, Study, runs, specification

STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "bold red",
    "completed": "green",
    "diverged": "magenta",
    "out_of_memory": "magenta",
}
FINISHED = ("completed", "diverged", "out_of_memory")


@dataclass(frozen=True)
class RunState:
    """What is known of one run; `progress` as the training process last wrote it."""

    run: Run
    state: str
    progress: dict[str, Any]
    log: Path
    reason: str = ""


def run_state(study: Study, run: Run, layout: Layout) -> RunState:
    """waiting, running, interrupted (killed; goes on at the next attempt), failed, or a finished result's status."""
    paths = layout.run(run)
    result = _read(paths.result)
    if result is not None and result["spec"] == specification(study, run):
        metrics = result["metrics"]
        value = metrics.get("validation", {}).get(study.metric)
        progress = {"epoch": metrics["epochs"], "epochs": study.recipes[run.recipe].epochs, "value": value}
        return RunState(run, result["status"], progress, paths.log, result.get("message", ""))
    progress = _read_progress(paths.progress)
    if _is_locked(paths):
        return RunState(run, "running", progress, paths.log)
    if progress.get("failed"):
        return RunState(run, "failed", progress, paths.log, progress["failed"])
    return RunState(run, "interrupted" if progress else "waiting", progress, paths.log)


def show_status(study: Study, layout: Layout, watch: bool, console: Console) -> None:
    """Print the state of every run, once or, with `watch`, again each second until all are finished."""
    if not watch:
        console.print(status_table(study, layout))
        return
    with Live(console=console, refresh_per_second=2, screen=False) as live:
        while True:
            states = [run_state(study, run, layout) for run in runs(study)]
            live.update(_table(study, states, room=max(5, console.height - 8)))
            if all(state.state in FINISHED for state in states):
                return
            time.sleep(1)


def status_table(study: Study, layout: Layout) -> RenderableType:
    """A row for every run and a line that counts them."""
    return _table(study, [run_state(study, run, layout) for run in runs(study)])


def plan_table(study: Study, layout: Layout) -> RenderableType:
    """The matrix: experiments, their runs and which are done, and what is left in epochs and images."""
    table = Table(title=escape(study.title or study.study), title_justify="left")
    for column in ("dataset", "architecture", "optimizer", "recipe"):
        table.add_column(column)
    for column in ("runs", "done", "epochs to train", "images to train"):
        table.add_column(column, justify="right")
    counts = {name: _training_images(study, name) for name in study.datasets}
    total_runs = total_done = total_epochs = 0
    total_images: int | None = 0
    for cell in study.cells:
        states = [run_state(study, cell.run(seed), layout).state for seed in study.seeds]
        done = sum(state in FINISHED for state in states)
        epochs = (len(states) - done) * study.recipes[cell.recipe].epochs
        count = counts[cell.dataset]
        images = None if count is None else count * epochs
        table.add_row(*vars(cell).values(), str(len(states)), str(done), f"{epochs:,}", _number(images))
        total_runs, total_done, total_epochs = total_runs + len(states), total_done + done, total_epochs + epochs
        total_images = None if images is None or total_images is None else total_images + images
    table.add_section()
    table.add_row(
        f"{len(study.cells)} experiments", "", "", "", str(total_runs), str(total_done),
        f"{total_epochs:,}", _number(total_images), style="bold",
    )  # fmt: skip
    unknown = [name for name, count in counts.items() if count is None]
    note = f"images are counted once a dataset is prepared; not yet: {', '.join(unknown)}" if unknown else ""
    return Group(table, note) if note else table


def _training_images(study: Study, dataset: str) -> int | None:
    card = _read(data_folder(study, dataset) / "card.json")
    return card["counts"]["train"] if card else None


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _table(study: Study, states: list[RunState], room: int | None = None) -> RenderableType:
    table = Table()
    for column in ("run", "state"):
        table.add_column(column, overflow="fold")
    for column in ("epoch", f"validation {study.metric}", "time left"):
        table.add_column(column, justify="right")
    table.add_column("why, and where the log is", overflow="fold")
    shown = _most_interesting(states, room)
    for state in shown:
        table.add_row(
            escape(state.run.key),
            f"[{STYLES[state.state]}]{state.state}",
            f"{state.progress['epoch']}/{state.progress['epochs']}" if state.progress else "",
            _value(state.progress.get("value")),
            _time_left(state) if state.state == "running" else "",
            escape(f"{state.reason} ({state.log})") if state.state in ("failed", "diverged", "out_of_memory") else "",
        )
    counts = Counter(state.state for state in states)
    line = ", ".join(f"[{STYLES[name]}]{counts[name]} {name}[/]" for name in STYLES if counts[name])
    hidden = f" ({len(states) - len(shown)} rows not shown)" if len(shown) < len(states) else ""
    return Group(table, f"{escape(study.study)}: {len(states)} runs: {line}{hidden}")


def _most_interesting(states: list[RunState], room: int | None) -> list[RunState]:
    """All of them, or as many as there is room for: what fails or runs before what waits or is done."""
    if room is None or len(states) <= room:
        return states
    order = ("failed", "running", "interrupted", "diverged", "out_of_memory", "waiting", "completed")
    chosen = sorted(states, key=lambda state: order.index(state.state))[:room]
    return [state for state in states if state in chosen]


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _time_left(state: RunState) -> str:
    epoch = state.progress.get("epoch", 0)
    if not epoch:
        return "?"
    per_epoch = state.progress["seconds"] / epoch
    return str(timedelta(seconds=round(per_epoch * (state.progress["epochs"] - epoch))))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BakeoffError(f"{path}: is damaged ({error}); delete it, and the run is made again") from error


def _read_progress(path: Path) -> dict[str, Any]:
    """It is written without waiting for the disk, so a machine that lost power may have left it empty."""
    try:
        return _read(path) or {}
    except BakeoffError:
        return {}


def _is_locked(paths: RunPaths) -> bool:
    """Whether a living process holds the run's lock; the kernel frees it when the process dies."""
    try:
        with paths.lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
