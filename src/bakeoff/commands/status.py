"""Where a study is: what each run is doing, and how long the rest will take."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import rich
from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from bakeoff.errors import BakeoffError
from bakeoff.jobs.leases import is_locked
from bakeoff.jobs.progress import read_progress
from bakeoff.results.result import FINISHED, DamagedResult, read_result
from bakeoff.study.matrix import FACETS, Run
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, features_folder, plan_file
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, Training, beside_the_runs, training_of
from bakeoff.study.trials import is_tuned

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
LONG_TRACEBACK = 1 << 16  # bytes
ERROR = re.compile(r"^error: |^Traceback \(most recent call last\):\n(?:[ \t].*\n)*", re.MULTILINE)


@dataclass(frozen=True)
class RunState:
    """What is known of one run: `epochs` as its recipe says, `progress` as the training process last wrote it.

    `beside` is the key of what is no run of the study itself: a trial.
    """

    run: Run
    epochs: int
    log: Path
    state: str
    progress: dict[str, Any]
    reason: str = ""
    beside: str = ""

    @property
    def key(self) -> str:
        return self.beside or self.run.key


def run_state(study: Study, run: Run, layout: Layout) -> RunState:
    """waiting, running, interrupted (killed; goes on at the next attempt), failed, or a finished result's status."""
    try:
        return training_state(training_of(study, layout, run))
    except NotChosen:
        return RunState(run, study.recipes[run.recipe].epochs, layout.run(run).log, "waiting", {})


def training_state(training: Training) -> RunState:
    """The same of a run whose values are known, and of a trial."""
    run, paths, specification = training.run, training.paths, training.specification
    beside = training.key if training.key != run.key else ""
    found = partial(RunState, run, specification.recipe.epochs, paths.log, beside=beside)
    try:
        result = read_result(paths.result)
    except DamagedResult as error:
        return found("failed", {}, str(error))
    if result is not None and result.spec == specification.content:
        value = result.metrics.split("validation").get(specification.metric.name)
        trained = {"epoch": result.metrics.epochs, "value": value, "seconds": result.cost.training_seconds}
        return found(result.status, trained, result.message)
    progress = read_progress(paths)
    is_of_another = bool(progress) and progress.get("specification") != specification.hash
    if is_of_another:  # the study has changed since
        progress = {}
    if is_locked(paths.lock):
        return found("waiting" if progress.get("waits") else "running", progress)
    if is_of_another:
        return found("waiting", progress)
    if reason := progress.get("failed") or _last_error(paths.log):
        return found("failed", progress, reason)
    return found("interrupted" if progress else "waiting", progress)


def seconds_left(states: Sequence[RunState]) -> list[float | None]:
    """For each run the seconds of training that are left; None where no similar run has trained an epoch.

    A run that has trained continues at its own pace. Others are estimated at the mean pace of the runs of the same
    experiment, or else of those with the same dataset and architecture.
    """
    paces: dict[Hashable, list[float]] = defaultdict(list)
    for state in states:
        if epoch := state.progress.get("epoch"):
            for key in _alike(state):
                paces[key].append(state.progress["seconds"] / epoch)
    return [_left(state, [paces[key] for key in _alike(state)]) for state in states]


def _alike(state: RunState) -> tuple[Hashable, ...]:
    """What runs have the same of that train at the same pace, the most alike first."""
    return state.key, state.run.experiment, (state.run.dataset, state.run.architecture)


def _left(state: RunState, paces: Sequence[list[float]]) -> float | None:
    epochs = 0 if state.state in FINISHED else state.epochs - state.progress.get("epoch", 0)
    return next((fmean(known) * epochs for known in paces if known), None if epochs else 0.0)


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
            table = _table(study, states, room=max(5, live.console.height - 8))
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
    return Group(_table(study, _states(study, layout)), *of_trials(study, layout), *failed_steps(study, layout))


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
    return [f"trials and default values: {_counted(states)}", *_reasons(states, ["failed"])]


def _counted(states: Sequence[RunState]) -> str:
    """`3 running, 12 completed`."""
    counts = Counter(state.state for state in states)
    return ", ".join(f"[{STYLES[name]}]{counts[name]} {name}[/]" for name in STYLES if counts[name])


def _reasons(states: list[RunState], kinds: Container[str]) -> list[str]:
    """Why runs of these states ended as they did."""
    chosen = [state for state in states if state.state in kinds]
    return [f"[{STYLES[s.state]}]{escape(s.key)}[/]: {escape(f'{s.reason} ({s.log})')}" for s in chosen]


def failed_steps(study: Study, layout: Layout) -> list[str]:
    """The errors that the steps before training ended with: preparing data, checking the study, keeping features."""
    logs = [(f"preparing {name}", data_folder(study, name)) for name in study.datasets]
    kept = {folder for cell in study.cells if (folder := features_folder(study, cell))}
    logs += [(f"computing features {folder.name}", folder) for folder in sorted(kept)]
    unfinished = [(step, Path(f"{folder}.log")) for step, folder in logs if not (folder / "card.json").exists()]
    if any(not plan_file(study, layout, cell).exists() for cell in study.cells):
        unfinished.append(("checking the study", layout.folder / "logs" / "check.log"))
    selections = [(cell.key, layout.selection(cell)) for cell in study.cells if is_tuned(study, cell)]
    unfinished += [
        (f"choosing the values of {key}", layout.folder / "logs/trials" / key / "select.log")
        for key, selection in selections
        if not selection.exists()
    ]
    lines = []
    for step, log in unfinished:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if reason := _reason(text):
            lines.append(f"[bold red]{step} failed[/]: {escape(reason)} ({log})")
    return lines


def narrow_table(*columns: Column | str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))


def axes_of(study: Study) -> tuple[list[str], str]:
    """The axes on which experiments differ, and words that name the others' only entries."""
    names = {axis: {getattr(cell, axis) for cell in study.cells} for axis in FACETS}
    alone = [f", {axis} {min(found)}" for axis, found in names.items() if len(found) == 1]
    return [axis for axis, found in names.items() if len(found) > 1], "".join(alone)


def _table(study: Study, states: list[RunState], room: int | None = None) -> RenderableType:
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
    return Group(title, f"{_counted(states)}{hidden}", *_time_left(running, list(left.values())), table, *reasons)


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
    return [total + (f"; {unknown} runs without an estimate: no similar run has finished" if unknown else "")]


def duration(seconds: float | None) -> str:
    """`0:01:20`; a question mark where it is not known."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))


def _device(progress: dict[str, Any]) -> str:
    """`cpu`, or the beginning of the name of the GPU that was leased; behind the cluster's node that it is on."""
    used, gpu = str(progress.get("device", "")).partition(" ")[0], progress.get("gpu")
    device = gpu[:12] if gpu and used != "cpu" else used
    return f"{progress['node']} {device}" if progress.get("node") else device
