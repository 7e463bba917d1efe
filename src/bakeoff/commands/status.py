"""Where a study is: what each run is doing, and how long the rest will take."""

import time
from collections import Counter
from collections.abc import Callable, Container, Sequence
from datetime import timedelta
from typing import Any, Literal

import rich
from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from bakeoff.commands.race_state import round_lines
from bakeoff.commands.run_states import RunState, failed_steps, run_state, seconds_left, training_state
from bakeoff.errors import BakeoffError
from bakeoff.results.result import FINISHED
from bakeoff.study.matrix import FACETS
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import beside_the_runs

STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "bold red",
    "completed": "green",
    "diverged": "magenta",
    "out_of_memory": "magenta",
    "metric_undefined": "magenta",
}
WITHOUT_SCORE = tuple(status for status in FINISHED if status != "completed")


def show_status(study: Study, layout: Layout) -> None:
    """Print the state of every run."""
    rich.print(status_table(study, layout))


def watch_status(study: Study, read: Callable[[], Study]) -> None:
    """Show the states again each second, of the study as `read` then finds it, until all runs are finished."""
    problem: list[str] = []
    with Live(refresh_per_second=2, screen=False) as live:
        while True:
            layout = Layout(study.study)
            states = _states(study, layout)
            table = _table(study, layout, states, room=max(5, live.console.height - 8))
            live.update(Group(table, *of_trials(study, layout), *failed_steps(study, layout), *problem))
            if all(state.state in FINISHED for state in states):
                return
            time.sleep(1)
            try:
                study, problem = read(), []
            except BakeoffError as error:  # it is being edited
                problem = [f"[bold red]the study cannot be read[/]: {escape(str(error))}"]


def status_table(study: Study, layout: Layout) -> RenderableType:
    """A row for every run, a line that counts them, and what keeps them from starting."""
    return Group(_table(study, layout, _states(study, layout)), *of_trials(study, layout), *failed_steps(study, layout))


def status_records(study: Study, layout: Layout) -> list[dict[str, Any]]:
    """For each run its state, trained epochs, last validation score, seconds left (None where unknown) and reason."""
    states = [*_states(study, layout), *trial_states(study, layout)]
    return [
        {
            "run": state.key,
            "state": state.state,
            "epoch": state.progress.get("epoch", 0),
            "epochs": state.epochs,
            f"validation_{study.metric}": state.progress.get("value"),
            "seconds_left": left,
            "reason": state.reason,
            "log": str(state.log),
        }
        for state, left in zip(states, seconds_left(states), strict=True)
    ]


def show_failures(study: Study, layout: Layout) -> None:
    """A line for each run that failed, and for each step before training that did."""
    for line in failures(study, layout):
        rich.get_console().print(line, soft_wrap=True)


def failures(study: Study, layout: Layout) -> list[str]:
    """These lines, with the markup of rich."""
    states = [*_states(study, layout), *trial_states(study, layout)]
    return [*_reasons(states, ["failed"]), *failed_steps(study, layout)]


def _states(study: Study, layout: Layout) -> list[RunState]:
    return [run_state(study, run, layout) for run in runs(study)]


def trial_states(study: Study, layout: Layout) -> list[RunState]:
    """The states of trials, and of runs with default values."""
    return [training_state(training) for training in beside_the_runs(study, layout).values()]


def of_trials(study: Study, layout: Layout) -> list[str]:
    """A line that counts the trials of a study that tunes, and why those that failed did."""
    states = trial_states(study, layout)
    if not states:
        return []
    halved = study.tuning is not None and study.tuning.halving
    what = "trials, rung by rung, and default values" if halved else "trials and default values"
    return [f"{what}: {_counted(states)}", *_reasons(states, ["failed"])]


def _counted(states: Sequence[RunState]) -> str:
    """`3 running, 12 completed`."""
    counts = Counter(state.state for state in states)
    return ", ".join(f"[{STYLES[name]}]{counts[name]} {name}[/]" for name in STYLES if counts[name])


def _reasons(states: list[RunState], kinds: Container[str]) -> list[str]:
    """Why runs of these states ended as they did."""
    chosen = [state for state in states if state.state in kinds]
    return [f"[{STYLES[s.state]}]{escape(s.key)}[/]: {escape(f'{s.reason} ({s.log})')}" for s in chosen]


def narrow_table(*columns: Column | str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))


def axes_of(study: Study) -> tuple[list[str], str]:
    """The axes on which experiments differ, and words that name the others' only entries."""
    names = {axis: {getattr(cell, axis) for cell in study.cells} for axis in FACETS}
    alone = [f", {axis} {min(found)}" for axis, found in names.items() if len(found) == 1]
    return [axis for axis, found in names.items() if len(found) > 1], "".join(alone)


def _table(study: Study, layout: Layout, states: list[RunState], room: int | None = None) -> RenderableType:
    """Totals, then runs by what differs in their names, then why runs ended early; no column without a value."""
    shown = _most_interesting(states, room)
    left = dict(zip([state.run for state in states], seconds_left(states), strict=True))
    axes, alone = axes_of(study)
    rows = [_row(state, axes, study.metric, left[state.run]) for state in shown]
    filled = [name for name in rows[0] if any(row[name] for row in rows)]
    table = narrow_table()
    for name in filled:
        justify: Literal["left", "right"] = "left" if name in ("run", "state") else "right"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=name != "run")
    for row in rows:
        table.add_row(*(row[name] for name in filled))
    reasons = _reasons(shown, ("failed", *WITHOUT_SCORE))
    running = sum(state.state == "running" for state in states)
    hidden = f" ({len(states) - len(shown)} rows not shown)" if len(shown) < len(states) else ""
    title = f"[bold]{escape(study.title or study.study)}[/]: {len(states)} runs{escape(alone)}"
    where = map(escape, round_lines(study, layout))
    counted = f"{_counted(states)}{hidden}"
    return Group(title, *where, counted, *_time_left(running, list(left.values())), table, *reasons)


def _row(state: RunState, axes: list[str], metric: str, left: float | None) -> dict[str, str]:
    """Column → cell of one run."""
    progress = state.progress
    value, speed = progress.get("value"), progress.get("images_per_second")
    now = {
        "device": _device(progress),
        "images/s": "" if speed is None else f"{speed:,.0f}",
        "time left": duration(left),
    }
    return {
        "run": escape("/".join([*(getattr(state.run, axis) for axis in axes), f"seed{state.run.seed}"])),
        "state": f"[{STYLES[state.state]}]{state.state}",
        "epoch": f"{progress['epoch']}/{state.epochs}" if progress else "",
        f"validation\n{metric}": "" if value is None else f"{value:.4f}",
        **(now if state.state == "running" else dict.fromkeys(now, "")),
    }


def _most_interesting(states: list[RunState], room: int | None) -> list[RunState]:
    """All of them, or as many as there is room for: what fails or runs before what waits or is done."""
    if room is None or len(states) <= room:
        return states
    order = ("failed", "running", "interrupted", *WITHOUT_SCORE, "waiting", "completed")
    chosen = sorted(states, key=lambda state: order.index(state.state))[:room]
    return [state for state in states if state in chosen]


def _time_left(running: int, left: list[float | None]) -> list[str]:
    """The study's total, while so many runs are running."""
    if not running:
        return []
    known = [seconds for seconds in left if seconds is not None]
    total = f"{duration(sum(known) / running)} of training left, {running} at a time"
    unknown = len(left) - len(known)
    return [total + (f"; {unknown} runs without an estimate: no similar run has trained an epoch" if unknown else "")]


def duration(seconds: float | None) -> str:
    """`0:01:20`; a question mark where it is not known."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))


def _device(progress: dict[str, Any]) -> str:
    """`cpu`, or the beginning of the name of the GPU that was leased; behind the cluster's node that it is on."""
    used, gpu = str(progress.get("device", "")).partition(" ")[0], progress.get("gpu")
    device = gpu[:12] if gpu and used != "cpu" else used
    return f"{progress['node']} {device}" if progress.get("node") else device
