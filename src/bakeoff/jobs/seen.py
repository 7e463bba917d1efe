"""What Snakemake saw of prepared data and of runs when it ended. What has changed since is looked at.

Snakemake compares times and parameters, and takes a damaged file for a whole one. Reading every model at each start
would take minutes, so seen.json holds the size and time of each file.
"""

import json
import os
import subprocess
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.data.source_files import changed_source
from bakeoff.files import stamp, write_json
from bakeoff.jobs.handover import check_finished
from bakeoff.jobs.resources import usable_cores
from bakeoff.results.result import DamagedResult
from bakeoff.study.entries import SPLITS
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, Training, training_of


@dataclass(frozen=True)
class Made:
    """The files that a job makes, and a short name for what decides their content."""

    state: str
    paths: tuple[Path, ...]

    def as_found(self) -> list[Any]:
        """How the files are now, as seen.json has it."""
        return [self.state, [stamp(path) for path in self.paths]]


def changed_since(layout: Layout, jobs: Mapping[str, Made]) -> list[str]:
    """Names of the jobs whose first file is there, but not all as Snakemake saw them last."""
    seen = _read(layout)
    return [
        name
        for name, made in jobs.items()
        if os.path.exists(made.paths[0]) and seen.get(name) != made.as_found()  # noqa: PTH110
    ]


def remember(layout: Layout, jobs: Mapping[str, Made]) -> None:
    """Note how the files of finished jobs are now."""
    write_json(layout.seen, _read(layout) | {name: made.as_found() for name, made in jobs.items()})


def states_seen(layout: Layout) -> dict[str, str]:
    """The job of each file that Snakemake saw when it ended last → the short name of what decided it."""
    return {name: found[0] for name, found in _read(layout).items()}


def prepared(folder: Path) -> Made:
    """What preparing a dataset makes in its folder."""
    arrays = (folder / f"{split}_{part}.npy" for split in SPLITS for part in ("images", "labels"))
    return Made("", (folder / "card.json", *arrays))


def trained(state: str, paths: RunPaths) -> Made:
    """What training a run makes."""
    return Made(state, (paths.result, paths.history, paths.predictions, paths.model))


def changed_data(study: Study, layout: Layout) -> dict[str, str]:
    """Prepared datasets whose arrays or source files have changed, or may have → how, in a few words."""
    folders = {name: data_folder(study, name) for name in study.datasets}
    unseen = changed_since(layout, {str(folder / "card.json"): prepared(folder) for folder in folders.values()})
    found = {}
    for name, folder in folders.items():
        if (folder / "card.json").is_file():
            ours = f"{folder} was changed" if str(folder / "card.json") in unseen else None
            if why := changed_source(folder) or ours:
                found[name] = why
    return found


def prepare_again(study: Sequence[str], dataset: str, card: Path) -> None:
    """Run `bakeoff prepare` with these arguments for the study. What fails is left to Snakemake's own job."""
    with Path(f"{card.parent}.log").open("w", encoding="utf-8") as log:  # as the rule's: names may have dots
        command = ["bakeoff", "prepare", *study, dataset, f"--threads={usable_cores()}"]
        if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
            card.unlink(missing_ok=True)


def damaged_runs(
    study: Study, layout: Layout, beside: Mapping[str, Training], jobs: Mapping[str, Made]
) -> dict[str, str]:
    """Runs with a file that is not what was written → what is wrong. Only those that have changed are looked at.

    `beside` are trainings that are no runs of the study itself.
    """
    found, planned = {}, {run.key: run for run in runs(study)}
    for key in changed_since(layout, {key: jobs[key] for key in (*planned, *beside)}):
        try:
            training = beside[key] if key in beside else training_of(study, layout, planned[key])
            any(check_finished(training.paths, rung.specification) for rung in training.rungs)
        except NotChosen:  # it waits for a selection, which its job reads
            continue
        except DamagedResult as error:
            found[key] = f"{key} is trained again: {error.message}"
    return found


def state_with(again: Container[str], job: str, state: str) -> str:
    """What decides a job's files, as Snakemake is told it: something else where the job is to be done again."""
    return f"{state}, again" if job in again else state


def set_aside(paths: RunPaths) -> None:
    """Take the result of a damaged run out of Snakemake's sight."""
    paths.result.replace(paths.result.with_suffix(".damaged"))


def _read(layout: Layout) -> dict[str, Any]:
    try:
        return dict(json.loads(layout.seen.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # the first time; or it is damaged itself, and all is looked at
        return {}
