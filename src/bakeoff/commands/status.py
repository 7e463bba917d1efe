"""Where a study is: what each run is doing, and how long the rest will take."""

import re
import time
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bakeoff.commands.forecast import Trained, seconds_left
from bakeoff.jobs.leases import is_locked
from bakeoff.jobs.progress import read_progress
from bakeoff.results.result import FINISHED, read_result
from bakeoff.study.matrix import Run
from bakeoff.study.needs import plan_file
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, features_folder, specify
from bakeoff.study.study import Study, runs

STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "bold red",
    "completed": "green",
    "diverged": "magenta",
    "out_of_memory": "magenta",
}
AXIS_NAMES = ("dataset", "architecture", "optimizer", "recipe")
LONG_TRACEBACK = 1 << 16  # bytes
ERROR = re.compile(r"^error: |^Traceback \(most recent call last\):\n(?:[ \t].*\n)*", re.MULTILINE)


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
    specification, result = specify(study, run), read_result(paths.result)
    if result is not None and result.spec == specification.content:
        progress: dict[str, Any] = {
            "epoch": result.metrics.epochs,
            "epochs": specification.recipe.epochs,
            "value": result.metrics.split("validation").get(study.metric),
            "seconds": result.cost.training_seconds,
        }
        return RunState(run, result.status, progress, paths.log, result.message)
    progress = read_progress(paths)
    is_of_another = bool(progress) and progress.get("specification") != specification.hash
    if is_of_another:  # the study has changed since
        progress = {}
    if is_locked(paths.lock):
        return RunState(run, "running", progress, paths.log)
    if is_of_another:
        return RunState(run, "waiting", progress, paths.log)
    reason = progress.get("failed") or _last_error(paths.log)
    if reason:
        return RunState(run, "failed", progress, paths.log, reason)
    return RunState(run, "interrupted" if progress else "waiting", progress, paths.log)


def _last_error(log: Path) -> str:
    """What an attempt ended with before it began to train: the log's last line, where that is an error's."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LONG_TRACEBACK))
            text = file.read().decode("utf-8", errors="replace").rstrip()
    except FileNotFoundError:
        return ""
    reason = _reason(text)
    return "" if "\n" in reason else reason  # another line is of the next attempt


def _reason(text: str) -> str:
    """The last error of a log and what follows: of Bakeoff's own, or the exception below a traceback."""
    found = list(ERROR.finditer(text))
    return text[found[-1].end() :].strip() if found else ""


def show_status(study: Study, layout: Layout, watch: bool, console: Console) -> None:
    """Print the state of every run, once or, with `watch`, again each second until all are finished."""
    if not watch:
        console.print(status_table(study, layout))
        return
    with Live(console=console, refresh_per_second=2, screen=False) as live:
        while True:
            states = [run_state(study, run, layout) for run in runs(study)]
            table = _table(study, states, room=max(5, console.height - 8))
            live.update(Group(table, *failed_steps(study, layout)))
            if all(state.state in FINISHED for state in states):
                return
            time.sleep(1)


def status_table(study: Study, layout: Layout) -> RenderableType:
    """A row for every run, a line that counts them, and what keeps them from starting."""
    table = _table(study, [run_state(study, run, layout) for run in runs(study)])
    return Group(table, *failed_steps(study, layout))


def show_failures(study: Study, layout: Layout, console: Console) -> None:
    """A line for each run that failed, and for each step before training that did."""
    states = [run_state(study, run, layout) for run in runs(study)]
    for line in (*_reasons(states, ["failed"]), *failed_steps(study, layout)):
        console.print(line, soft_wrap=True)


def _reasons(states: list[RunState], kinds: Container[str]) -> list[str]:
    """Why runs of these states ended as they did."""
    chosen = [state for state in states if state.state in kinds]
    return [f"[{STYLES[s.state]}]{escape(s.run.key)}[/]: {escape(f'{s.reason} ({s.log})')}" for s in chosen]


def failed_steps(study: Study, layout: Layout) -> list[str]:
    """The errors that the steps before training ended with: preparing data, checking the study, keeping features."""
    logs = [(f"preparing {name}", data_folder(study, name)) for name in study.datasets]
    kept = {folder for cell in study.cells if (folder := features_folder(study, cell))}
    logs += [(f"computing features {folder.name}", folder) for folder in sorted(kept)]
    unfinished = [(step, Path(f"{folder}.log")) for step, folder in logs if not (folder / "card.json").exists()]
    if any(not plan_file(study, layout, cell).exists() for cell in study.cells):
        unfinished.append(("checking the study", layout.folder / "logs" / "check.log"))
    lines = []
    for step, log in unfinished:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if reason := _reason(text):
            lines.append(f"[bold red]{step} failed[/]: {escape(reason)} ({log})")
    return lines


def narrow_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))


def axes_of(study: Study) -> tuple[list[str], str]:
    """The axes on which experiments differ, and words that name the others' only entries."""
    names = {axis: {getattr(cell, axis) for cell in study.cells} for axis in AXIS_NAMES}
    alone = [f", {axis} {min(found)}" for axis, found in names.items() if len(found) == 1]
    return [axis for axis, found in names.items() if len(found) > 1], "".join(alone)


def _table(study: Study, states: list[RunState], room: int | None = None) -> RenderableType:
    """Runs by what differs in their names, then why runs ended early. A column without a value is left out."""
    shown = _most_interesting(states, room)
    left = dict(zip([state.run for state in states], seconds_left([_trained(study, s) for s in states]), strict=True))
    axes, alone = axes_of(study)
    columns = {
        "run": [
            escape("/".join([*(getattr(state.run, axis) for axis in axes), f"seed{state.run.seed}"])) for state in shown
        ],
        "state": [f"[{STYLES[state.state]}]{state.state}" for state in shown],
        "epoch": [f"{s.progress['epoch']}/{s.progress['epochs']}" if s.progress else "" for s in shown],
        f"validation\n{study.metric}": [_value(state.progress.get("value")) for state in shown],
        "device": [_device(state.progress) if state.state == "running" else "" for state in shown],
        "images/s": [_images_per_second(state.progress) if state.state == "running" else "" for state in shown],
        "time left": [_duration(left[state.run]) if state.state == "running" else "" for state in shown],
    }
    filled = {name: cells for name, cells in columns.items() if any(cells)}
    table = narrow_table()
    for name in filled:
        justify: Literal["left", "right"] = "left" if name in ("run", "state") else "right"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=name != "run")
    for row in zip(*filled.values(), strict=True):
        table.add_row(*row)
    reasons = _reasons(shown, ("failed", "diverged", "out_of_memory"))
    counts = Counter(state.state for state in states)
    line = ", ".join(f"[{STYLES[name]}]{counts[name]} {name}[/]" for name in STYLES if counts[name])
    hidden = f" ({len(states) - len(shown)} rows not shown)" if len(shown) < len(states) else ""
    title = f"[bold]{escape(study.title or study.study)}[/]: {len(states)} runs{escape(alone)}"
    return Group(title, table, *reasons, f"{line}{hidden}", *_time_left(states, left))


def _most_interesting(states: list[RunState], room: int | None) -> list[RunState]:
    """All of them, or as many as there is room for: what fails or runs before what waits or is done."""
    if room is None or len(states) <= room:
        return states
    order = ("failed", "running", "interrupted", "diverged", "out_of_memory", "waiting", "completed")
    chosen = sorted(states, key=lambda state: order.index(state.state))[:room]
    return [state for state in states if state in chosen]


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _trained(study: Study, state: RunState) -> Trained:
    progress, epochs = state.progress, study.recipes[state.run.recipe].epochs
    return Trained(
        state.run, progress.get("epoch", 0), epochs, progress.get("seconds", 0.0), ended=state.state in FINISHED
    )


def _time_left(states: list[RunState], left: dict[Run, float | None]) -> list[str]:
    """The study's total, while runs are running: at so many at a time."""
    running = sum(state.state == "running" for state in states)
    if not running:
        return []
    known = [seconds for seconds in left.values() if seconds is not None]
    unknown = len(left) - len(known)
    total = f"{_duration(sum(known) / running)} of training left, {running} at a time"
    return [total + (f"; {unknown} runs without an estimate: no similar run has finished" if unknown else "")]


def _duration(seconds: float | None) -> str:
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))


def _device(progress: dict[str, Any]) -> str:
    """`cpu`, or the beginning of the name of the GPU that was leased; behind the cluster's node that it is on."""
    used, gpu = str(progress.get("device", "")).partition(" ")[0], progress.get("gpu")
    device = gpu[:12] if gpu and used != "cpu" else used
    return f"{progress['node']} {device}" if progress.get("node") else device


def _images_per_second(progress: dict[str, Any]) -> str:
    speed = progress.get("images_per_second")
    return "" if speed is None else f"{speed:,.0f}"
