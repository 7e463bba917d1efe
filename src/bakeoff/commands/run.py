"""`bakeoff run`: a study from the first job to the report, by Snakemake, in one live line on a terminal."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import rich
from rich.console import Console
from rich.live import Live
from rich.markup import escape

import bakeoff
from bakeoff.commands.status import RunState, run_state, seconds_left, show_failures
from bakeoff.errors import BakeoffError
from bakeoff.files import stamp
from bakeoff.jobs.gpus import room_on_gpus
from bakeoff.results.result import FINISHED
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs

SECONDS_BETWEEN_LOOKS = 0.5
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


@dataclass
class Watch:
    """The states of a study's runs, looked at again where their files have changed."""

    study: Study
    layout: Layout
    states: dict[Run, RunState] = field(default_factory=dict)
    stamps: dict[Run, object] = field(default_factory=dict)

    def look(self) -> list[RunState]:
        """The runs whose state is another than at the last look."""
        changed = []
        for run in runs(self.study):
            paths = self.layout.run(run)
            now = stamp(paths.result), stamp(paths.progress)
            before = self.states.get(run)
            if before is None or now != self.stamps[run] or before.state == "running":
                self.stamps[run] = now
                self.states[run] = run_state(self.study, run, self.layout)
                if before is None or before.state != self.states[run].state:
                    changed.append(self.states[run])
        return changed


def run_study(study: Study, study_file: Path, overrides: Sequence[str], cores: str, options: Sequence[str]) -> int:
    """Train what is missing and write the report; returns Snakemake's exit status. `options` are Snakemake's own."""
    layout, started = Layout(study.study), time.monotonic()
    log = layout.folder / "logs" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("snakemake", "--snakefile", str(_snakefile()), "--configfile", str(study_file), "--cores", cores),
        *(() if "--resources" in options else ("--resources", f"gpu={room_on_gpus(study.device, study.jobs_per_gpu)}")),
        *(["--config", *overrides] if overrides else []),
        *options,
    ]
    with log.open("w", encoding="utf-8") as file:
        snakemake = subprocess.Popen(command, env=_environment(), stdout=file, stderr=subprocess.STDOUT)
        try:
            _follow(Watch(study, layout), snakemake)
        except KeyboardInterrupt:  # the terminal has told Snakemake and its jobs as well
            snakemake.wait()
            print("stopped; type the same command to go on")
            return INTERRUPTED
    if snakemake.returncode:
        show_failures(study, layout)
        print(f"not finished: bakeoff status {study_file}; all that Snakemake said is in {log}")
        return snakemake.returncode
    _say_what_was_found(study, layout, time.monotonic() - started)
    return 0


def _snakefile() -> Path:
    """Bakeoff's own, beside its sources. Raises BakeoffError where it was installed without them."""
    found = Path(bakeoff.__file__).parents[2] / "Snakefile"
    if not found.exists():
        raise BakeoffError(
            "this Bakeoff was installed without its Snakefile; clone the project and run `pip install -e .` in it"
        )
    return found


def _environment() -> dict[str, str]:
    """With the folder of this Python's commands in PATH: Snakemake is there, and its jobs call `bakeoff`."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _follow(watch: Watch, snakemake: subprocess.Popen[bytes]) -> None:
    """Until Snakemake ends: one live line on a terminal, else a line for each run that ends."""
    console = rich.get_console()
    watch.look()
    with Live("planning", console=console, transient=True, auto_refresh=False) as live:
        while snakemake.poll() is None:
            _say_what_ended(watch, console)
            if console.is_terminal:
                live.update(_totals(watch), refresh=True)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    _say_what_ended(watch, console)


def _say_what_ended(watch: Watch, console: Console) -> None:
    for state in watch.look():
        if not console.is_terminal and state.state in ("failed", *FINISHED):
            print(_line(state, watch), flush=True)


def _line(state: RunState, watch: Watch) -> str:
    value = state.progress.get("value")
    score = "" if value is None else f", validation {watch.study.metric} {value:.4f}"
    return f"{state.run.key}: {state.state}{score}"


def _totals(watch: Watch) -> str:
    """`12 of 40 runs done, 2 running, 48,000 images/s, 0:01:20 left`."""
    states = list(watch.states.values())
    running = [state for state in states if state.state == "running"]
    failed = sum(state.state == "failed" for state in states)
    done = sum(state.state in FINISHED for state in states)
    parts = [f"[green]{done}[/] of {len(states)} runs done"]
    if running:
        speed = sum(state.progress.get("images_per_second") or 0 for state in running)
        parts += [f"[cyan]{len(running)} running[/]", *([f"{speed:,.0f} images/s"] if speed else [])]
        left = [seconds for seconds in seconds_left(states) if seconds is not None]
        parts.append(f"{timedelta(seconds=round(sum(left) / len(running)))} left")
    elif done == len(states):
        parts.append("writing the report")
    if failed:
        parts.append(f"[bold red]{failed} failed[/]")
    return ", ".join(parts)


def _say_what_was_found(study: Study, layout: Layout, seconds: float) -> None:
    """What is best and how sure that is, how long it took, and where the report is."""
    from bakeoff.language import language_of
    from bakeoff.report.material import gather
    from bakeoff.report.sections.conclusions import leader

    material = gather(study, layout, language_of(study.language))
    for dataset in material.datasets:
        rich.get_console().print(escape(leader(material, dataset)), soft_wrap=True, highlight=False)
    count = len(runs(study))
    print(f"{count} run{'s' * (count != 1)} finished, {timedelta(seconds=round(seconds))} for this call")
    print(f"report: {layout.report_folder / 'report.html'}")
    sys.stdout.flush()
