"""What the plan step found of an experiment, in a file of its own: written, and looked at before jobs are planned."""

import json
import os
import subprocess
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.data.content import prepared_content
from bakeoff.files import write_json
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, digest, examples_file, plan_file
from bakeoff.study.study import Study
from bakeoff.study.trials import Trial, is_tuned, trials, tried


def write_plan(path: Path, content: dict[str, Any], data: str) -> None:
    """Write a plan file: its content, the name of the prepared data that it is for, and a checksum.

    A file that said the same, of these data or of others, keeps its time: nothing is made again.
    """
    content = json.loads(json.dumps(content | {"data": data}))
    before = read_plan(path)
    if before == content:
        return
    times = path.stat().st_mtime_ns if before is not None and before | {"data": data} == content else None
    write_json(path, content | {"checksum": digest(content)})
    if times is not None:
        os.utime(path, ns=(times, times))


@dataclass(frozen=True)
class ToCheck:
    """A study without spaces, the study itself or one of a trial, and what the plan step has to look at in it:
    experiments → their plan files."""

    study: Study
    layout: Layout
    plans: Mapping[Experiment, Path]
    trial: Trial | None = None


def unchecked(study: Study, layout: Layout, also: Container[Experiment] = ()) -> list[ToCheck]:
    """What has a plan file that is missing, or of other data; `also` are experiments of the study to look at anyway."""
    contents = {name: prepared_content(data_folder(study, name)) for name in study.datasets}
    tuned = [cell for cell in study.cells if is_tuned(study, cell)]
    of_trials = [(tried(study, trial), layout.at(trial.name), tuned, trial) for trial in trials(study).values()]
    found = []
    for made, place, cells, trial in [(study, layout, list(study.cells), None), *of_trials]:
        plans = {cell: plan_file(made, layout, cell) for cell in cells}
        missing = {
            cell: path
            for cell, path in plans.items()
            if (trial is None and cell in also) or not _is_of(path, contents[cell.dataset])
        }
        if missing:
            found.append(ToCheck(made, place, missing, trial))
    return found


def without_examples(study: Study, layout: Layout) -> list[Experiment]:
    """The experiments on prepared data whose augmented images are missing: the plan step makes these, too."""
    prepared = {name for name in study.datasets if prepared_content(data_folder(study, name)) is not None}
    pairs = {(cell.dataset, cell.recipe) for cell in study.cells if cell.dataset in prepared}
    files = {pair: examples_file(study, layout, *pair) for pair in pairs}
    missing = {pair for pair, file in files.items() if file is not None and not file.exists()}
    return [cell for cell in study.cells if (cell.dataset, cell.recipe) in missing]


def mend_plans(study: Study, layout: Layout, found: Sequence[ToCheck], arguments: Sequence[str], log: Path) -> bool:
    """Run `bakeoff check` with these arguments for the study where unchecked plan files are damaged, are of other data,
    or are missing beside results, and where experiments that are checked lack augmented images.

    They come back before jobs are planned, so nothing is trained again. What fails is left to Snakemake's own job.
    Returns whether there were any.
    """
    mended = [path for part in found for cell, path in part.plans.items() if path.exists() or _is_begun(part, cell)]
    for path in mended:
        if read_plan(path) is None:
            path.unlink(missing_ok=True)
    planned = {cell for part in found if part.trial is None for cell in part.plans}
    lacking = set(without_examples(study, layout)) - planned
    if mended or lacking:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:
            subprocess.run(["bakeoff", "check", *arguments], stdout=file, stderr=file, check=False)
    return bool(mended)


def _is_begun(part: ToCheck, cell: Experiment) -> bool:
    return any(part.layout.run(cell.run(seed)).result.exists() for seed in part.study.seeds_of(cell))


def _is_of(path: Path, data: str | None) -> bool:
    plan = read_plan(path)
    return plan is not None and (data is None or plan.get("data") in (None, data))  # 0.1.0 did not say of which data


def read_plan(path: Path) -> dict[str, Any] | None:
    """A plan as it was written; None where it is missing or damaged."""
    try:
        plan = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    checksum = plan.pop("checksum", None)
    return plan if checksum in (None, digest(plan)) else None
