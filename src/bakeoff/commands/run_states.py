"""What is known of the runs of a study and of its steps before training: their states, time left, and errors."""

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.markup import escape

from bakeoff.jobs.leases import is_locked
from bakeoff.jobs.progress import read_progress
from bakeoff.results.result import FINISHED, DamagedResult, read_result
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, features_folder, plan_file
from bakeoff.study.study import Study
from bakeoff.study.trainings import NotChosen, Training, training_of
from bakeoff.study.trials import is_tuned

LONG_TRACEBACK = 1 << 16  # bytes
ERROR = re.compile(r"^error: |^Traceback \(most recent call last\):\n(?:[ \t].*\n)*", re.MULTILINE)


@dataclass(frozen=True)
class RunState:
    """What is known of one run: `epochs` as its recipe says, `progress` as the training process last wrote it.

    `beside` is the key of what is no run of the study itself: a trial. Of a rung of a trial, `begins` are the epochs
    that the one before has trained, `share` is that of trials which reach it.
    """

    run: Run
    epochs: int
    log: Path
    state: str
    progress: dict[str, Any]
    reason: str = ""
    beside: str = ""
    begins: int = 0
    share: float = 1.0

    @property
    def key(self) -> str:
        return self.beside or self.run.key

    @property
    def epochs_left(self) -> float:
        """How many epochs are still to train; of a rung that has not begun, how many to expect."""
        if self.state in FINISHED:
            return 0
        trained = self.progress.get("epoch", 0)
        return self.epochs - trained if trained > self.begins else self.share * (self.epochs - self.begins)


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
    begins = training.before.specification.epochs if training.before else 0
    found = partial(RunState, run, specification.epochs, paths.log, beside=beside, begins=begins, share=training.share)
    try:
        result = read_result(paths.result)
    except DamagedResult as error:
        return found("failed", {}, str(error))
    whole = all(path.exists() for path in paths.files)  # who deletes a file of a run has it trained again
    if result is not None and whole and training.made(result.spec):
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
    epochs = state.epochs_left
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
