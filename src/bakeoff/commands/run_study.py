"""`bakeoff run`: a study from the first job to the report, by Snakemake, in one live line on a terminal."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import rich
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from bakeoff.commands.race_state import next_lines, round_lines
from bakeoff.commands.run_states import RunState, run_state, seconds_left, training_state
from bakeoff.commands.status import duration, failures
from bakeoff.errors import Stopped
from bakeoff.files import stamp
from bakeoff.jobs.gpus import room_on_gpus
from bakeoff.jobs.interrupt import STOPPED
from bakeoff.results.result import FINISHED
from bakeoff.shipped import SNAKEFILE
from bakeoff.study.overrides import SET
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import beside_the_runs

SECONDS_BETWEEN_LOOKS = 0.5
LINES_OF_THE_LOG = 5
LOCKED = "LockException"


class Watch:
    """The states of a study's runs, looked at again where their files have changed."""

    def __init__(self, study: Study, layout: Layout) -> None:
        self.study, self.layout = study, layout
        lines = [line.partition(",")[0] for line in round_lines(study, layout)]
        self.round = "".join(f"{line}: " for line in lines if line.startswith("round"))
        beside = beside_the_runs(study, layout)
        self.unfinished = {run.key: layout.run(run) for run in runs(study)}
        self.unfinished |= {key: training.paths for key, training in beside.items()}
        self.state_of: dict[str, Callable[[], RunState]] = {
            **{run.key: partial(run_state, study, run, layout) for run in runs(study)},
            **{key: partial(training_state, training) for key, training in beside.items()},
        }
        self.states: dict[str, RunState] = {}
        self.stamps: dict[str, object] = {}

    def look(self) -> list[RunState]:
        """The runs whose state is another than at the last look, and those that failed once more."""
        changed = []
        for run, paths in list(self.unfinished.items()):
            now, before = (stamp(paths.result), stamp(paths.progress)), self.states.get(run)
            is_at_work = before is not None and (before.state == "running" or before.progress.get("waits"))
            if before is not None and now == self.stamps[run] and not is_at_work:
                continue
            state = self.states[run] = self.state_of[run]()
            failed_again = state.state == "failed" and now != self.stamps.get(run)
            if before is None or before.state != state.state or failed_again:
                changed.append(state)
            if state.state in FINISHED:
                del self.unfinished[run]
            self.stamps[run] = now
        return changed


def run_study(
    read: Callable[[], Study], study_file: Path, overrides: Sequence[str], cores: str, gpus: int | None, unlock: bool
) -> int:
    """Train what is missing, write the report, and say what was found; a race goes on, round by round, to its end.

    `read` gives the study in its present round. With `unlock` the folder is first freed of the lock of a Snakemake
    that was killed. Returns Snakemake's exit status; raises Stopped on Ctrl-C, SIGTERM or SIGHUP, when all jobs have
    stopped.
    """
    started = time.monotonic()
    while True:
        study = read()
        layout = Layout(study.study)
        if status := _call_snakemake(study, layout, study_file, overrides, cores, gpus, unlock):
            return status
        later, unlock = read(), False
        if runs(later) == runs(study):
            break
        for line in next_lines(later, layout)[:-1]:
            print(line, flush=True)
    _say_what_was_found(study, layout, time.monotonic() - started)
    return 0


def _call_snakemake(
    study: Study,
    layout: Layout,
    study_file: Path,
    overrides: Sequence[str],
    cores: str,
    gpus: int | None,
    unlock: bool,
) -> int:
    """One static plan, done. Returns Snakemake's exit status, and says why where it failed."""
    told = ["snakemake", "--snakefile", str(SNAKEFILE), "--configfile", str(study_file), "--cores", cores]
    room = room_on_gpus(study.device, study.jobs_per_gpu) if gpus is None else gpus
    log = layout.folder / "logs" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = _environment(overrides)
    with log.open("a", encoding="utf-8") as file:
        if unlock:
            subprocess.run([*told, "--unlock"], env=environment, stdout=file, stderr=file, check=False)
        begin = file.tell()
        command = [*told, *(["--resources", f"gpu={room}"] if room else [])]
        # What a shell starts in the background ignores SIGINT, and Snakemake would, too, which is stopped by it.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # In a session of its own: a signal that this process gets is passed on once.
        snakemake = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
        with _stopped_with_us(snakemake):
            _follow(Watch(study, layout), snakemake)
    if snakemake.returncode:
        _say_why(study, layout, shlex.join([str(study_file), *(f"--set={item}" for item in overrides)]), log, begin)
    return snakemake.returncode


def _environment(overrides: Sequence[str]) -> dict[str, str]:
    """With the folder of this Python's commands in PATH: Snakemake is there, and its jobs call `bakeoff`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, SET: json.dumps(overrides)}


@contextmanager
def _stopped_with_us(snakemake: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever ends the block early stops Snakemake and its jobs, as one Ctrl-C does, and waits for them."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(STOPPED)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    except BaseException:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)  # it has been asked
        if snakemake.poll() is None:
            snakemake.send_signal(signal.SIGINT)
        snakemake.wait()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(watch: Watch, snakemake: subprocess.Popen[bytes]) -> None:
    """Until Snakemake ends: one live line on a terminal, else a line for each run that ends."""
    console = rich.get_console()
    watch.look()
    with Live("planning", console=console, transient=True, auto_refresh=False) as live:
        while snakemake.poll() is None:
            began = time.monotonic()
            _say_what_ended(watch, console)
            if console.is_terminal:
                live.update(_totals(watch), refresh=True)
            time.sleep(max(SECONDS_BETWEEN_LOOKS, 10 * (time.monotonic() - began)))
    _say_what_ended(watch, console)


def _say_what_ended(watch: Watch, console: Console) -> None:
    """`12 of 40: digits/cnn/adam/plain/seed0: completed, validation accuracy 0.9806`, where no line is live."""
    ended = [state for state in watch.look() if state.state in ("failed", *FINISHED)]
    if console.is_terminal:
        return
    done = len(watch.states) - len(watch.unfinished) - sum(state.state in FINISHED for state in ended)
    for state in ended:
        done += state.state in FINISHED
        value = state.progress.get("value")
        score = "" if value is None else f", validation {watch.study.metric} {value:.4f}"
        print(f"{done} of {len(watch.states)}: {state.key}: {state.state}{score}", flush=True)


def _totals(watch: Watch) -> str:
    """`12 of 40 runs done, 2 running, 48,000 images/s, 0:01:20 left`."""
    states = list(watch.states.values())
    running = [state for state in states if state.state == "running"]
    failed = sum(state.state == "failed" for state in states)
    done = len(states) - len(watch.unfinished)
    parts = [f"{watch.round}[green]{done}[/] of {len(states)} runs done"]
    if running:
        speed = sum(state.progress.get("images_per_second") or 0 for state in running)
        parts += [f"[cyan]{len(running)} running[/]", *([f"{speed:,.0f} images/s"] if speed else [])]
        left = seconds_left(states)
        known = [seconds for seconds in left if seconds is not None]
        if any(known):
            parts.append(f"{duration(sum(known) / len(running))} left")
        if unknown := len(left) - len(known):
            parts.append(f"{unknown} without an estimate")
    elif done == len(states):
        parts.append("writing the report")
    if failed:
        parts.append(f"[bold red]{failed} failed[/]")
    return ", ".join(parts)


def _say_why(study: Study, layout: Layout, told: str, log: Path, begin: int) -> None:
    """What failed, else what Snakemake last said, and the way on; `begin` is where its words of this call begin."""
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        said = [line for line in file.read().splitlines() if line.strip()]
    if any(LOCKED in line for line in said):
        print(f"another Snakemake works in this folder, or was killed here; in that case: bakeoff run {told} --unlock")
        return
    for line in failures(study, layout) or map(escape, said[-LINES_OF_THE_LOG:]):
        rich.get_console().print(line, soft_wrap=True)
    print(f"not finished: bakeoff status {told}; Snakemake's log is {log}")


def _say_what_was_found(study: Study, layout: Layout, seconds: float) -> None:
    """What is best on each dataset and how sure that is, how long it took, and where the report is."""
    from bakeoff.language import language_of
    from bakeoff.report.material import gather
    from bakeoff.report.sections.the_answer import answers
    from bakeoff.report.sections.tuned_values import chosen_rates

    material = gather(study, layout, language_of(study.language))
    for dataset, answer in zip(material.datasets, answers(material), strict=True):
        for said in (answer, *chosen_rates(material, dataset)):
            rich.get_console().print(escape(said), soft_wrap=True, highlight=False)
    for line in round_lines(study, layout):
        print(line)
    count = len(runs(study))
    print(f"{count} run{'s' * (count != 1)} finished, {duration(seconds)} for this call")
    print(f"report: {layout.report_folder / 'report.html'}", flush=True)
