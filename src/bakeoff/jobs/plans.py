"""What the plan step found of an experiment, in a file of its own: written, and looked at before jobs are planned."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bakeoff.data.content import prepared_content
from bakeoff.files import write_json
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, digest, examples_file, plan_file
from bakeoff.study.study import Study


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


def unchecked(study: Study, layout: Layout) -> dict[Experiment, Path]:
    """The experiments whose plan files are missing or of other data → these files: what Snakemake has to make."""
    contents = {name: prepared_content(data_folder(study, name)) for name in study.datasets}
    plans = {cell: plan_file(study, layout, cell) for cell in study.cells}
    return {cell: path for cell, path in plans.items() if not _is_of(path, contents[cell.dataset])}


def without_examples(study: Study, layout: Layout) -> list[Experiment]:
    """The experiments on prepared data whose augmented images are missing: the plan step makes these, too."""
    prepared = {name for name in study.datasets if prepared_content(data_folder(study, name)) is not None}
    pairs = {(cell.dataset, cell.recipe) for cell in study.cells if cell.dataset in prepared}
    files = {pair: examples_file(study, layout, *pair) for pair in pairs}
    missing = {pair for pair, file in files.items() if file is not None and not file.exists()}
    return [cell for cell in study.cells if (cell.dataset, cell.recipe) in missing]


def mend_plans(
    study: Study, layout: Layout, plans: Mapping[Experiment, Path], arguments: Sequence[str], log: Path
) -> bool:
    """Run `bakeoff check` with these arguments for the study where unchecked plan files are damaged, are of other data,
    or are missing beside results, and where experiments that are checked lack augmented images.

    They come back before jobs are planned, so nothing is trained again. What fails is left to Snakemake's own job.
    Returns whether there were any.
    """
    mended = [path for cell, path in plans.items() if path.exists() or _is_begun(study, layout, cell)]
    for path in mended:
        if read_plan(path) is None:
            path.unlink(missing_ok=True)
    lacking = [cell for cell in without_examples(study, layout) if cell not in plans]
    if mended or lacking:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:
            subprocess.run(["bakeoff", "check", *arguments], stdout=file, stderr=file, check=False)
    return bool(mended)


def _is_begun(study: Study, layout: Layout, cell: Experiment) -> bool:
    return any(layout.run(cell.run(seed)).result.exists() for seed in study.seeds_of(cell))


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
