"""What a study trains: each run with the values that it is trained with, and the place of its files.

A trial is an ordinary run in a place of its own, and so is a run with the default values of what is tuned. An
evaluation run of a tuned experiment has the values that its selection.json names.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.study.matrix import FACETS, Experiment, Run
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.specification import Specification, digest, plan_file, specification_hash, specify
from bakeoff.study.study import Study, runs
from bakeoff.study.trials import (
    DEFAULT,
    Trial,
    entries_with_marks,
    evaluated,
    is_tuned,
    spaces_of,
    trials,
    tried,
    with_defaults,
)

IN_A_PLACE = re.compile(r"(.+)/([^/]+)/seed(\d+)")


class NotChosen(BakeoffError):
    """The values of a tuned experiment are not chosen yet."""


@dataclass(frozen=True)
class Training:
    """A run of `study`, which has no spaces left in the run's entries, and the place of its files.

    `plan` is what the plan step found of its network. `keeps` says that its finished files are kept after Snakemake
    knows them, so that a new selection of the same values trains nothing again.
    """

    key: str
    study: Study
    run: Run
    layout: Layout
    plan: Path
    keeps: bool = False

    @property
    def paths(self) -> RunPaths:
        return self.layout.run(self.run)

    @cached_property
    def specification(self) -> Specification:
        return specify(self.study, self.run)


def trial_trainings(study: Study, layout: Layout, cell: Experiment) -> list[Training]:
    """The runs of every trial of an experiment; none where it has no space."""
    if study.tuning is None or not is_tuned(study, cell):
        return []
    return [
        _trial_training(study, layout, trial, cell.run(seed))
        for trial in trials(study).values()
        for seed in study.tuning.seeds
    ]


def default_trainings(study: Study, layout: Layout, cell: Experiment) -> list[Training]:
    """The runs with the default values that stand beside the evaluation runs of a tuned experiment."""
    if study.tuning is None or not study.tuning.include_default or not is_tuned(study, cell):
        return []
    return [_default_training(study, layout, cell.run(seed)) for seed in study.seeds_of(cell)]


def beside_the_runs(study: Study, layout: Layout) -> dict[str, Training]:
    """Every training that is no run of the study itself, by its key: trials, and runs with default values."""
    found = [
        training
        for cell in study.cells
        for training in (*trial_trainings(study, layout, cell), *default_trainings(study, layout, cell))
    ]
    return {training.key: training for training in found}


def training_of(study: Study, layout: Layout, run: Run) -> Training:
    """A run of the study as it is trained. Raises NotChosen where its values are not chosen yet."""
    if not is_tuned(study, run.experiment):
        return Training(run.key, study, run, layout, plan_file(study, layout, run.experiment))
    trial = chosen(study, layout, run.experiment)
    if trial is None:
        path = layout.selection(run.experiment)
        raise NotChosen(f"{run.key}: its values are not chosen yet: {path} is missing, or of other trials")
    plan = plan_file(tried(study, trial), layout, run.experiment)
    return Training(run.key, evaluated(study, trial), run, layout, plan, keeps=True)


def find_training(study: Study, layout: Layout, key: str) -> Training | None:
    """The training of that key, a run of the study or one beside them; None where there is none."""
    planned = {run.key: run for run in runs(study)}
    if key in planned:
        return training_of(study, layout, planned[key])
    match = IN_A_PLACE.fullmatch(key)
    names = match[1].split("/") if match else []
    if match is None or len(names) != len(FACETS):
        return None
    cell, place, seed = Experiment(*names), match[2], int(match[3])
    if cell not in study.cells or study.tuning is None or not is_tuned(study, cell):
        return None
    if place == DEFAULT:
        return _default_training(study, layout, cell.run(seed)) if seed in study.seeds_of(cell) else None
    trial = trials(study).get(place)
    return _trial_training(study, layout, trial, cell.run(seed)) if trial and seed in study.tuning.seeds else None


def chosen(study: Study, layout: Layout, cell: Experiment) -> Trial | None:
    """The trial that the selection of an experiment names; None where it is missing, or has other values than ours."""
    try:
        said: dict[str, Any] = json.loads(layout.selection(cell).read_text(encoding="utf-8"))
        trial, values = trials(study).get(said["trial"]), said["values"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return trial if trial and json.loads(json.dumps(trial.of(spaces_of(study, cell)))) == values else None


def tracked(study: Study, run: Run) -> str:
    """What Snakemake tracks of a run: its specification, as far as that is known before its values are chosen.

    The values come with selection.json, an input: as a parameter they would retrain the run when they become known.
    """
    if not is_tuned(study, run.experiment):
        return specification_hash(study, run)
    return digest({**specify(study, run).content, **entries_with_marks(study, run.experiment)})


def _trial_training(study: Study, layout: Layout, trial: Trial, run: Run) -> Training:
    study_of_trial, cell = tried(study, trial), run.experiment
    key, plan = f"{cell.key}/{trial.name}/seed{run.seed}", plan_file(study_of_trial, layout, cell)
    return Training(key, study_of_trial, run, layout.at(trial.name), plan)


def _default_training(study: Study, layout: Layout, run: Run) -> Training:
    made, cell = with_defaults(study), run.experiment
    return Training(
        f"{cell.key}/{DEFAULT}/seed{run.seed}", made, run, layout.at(DEFAULT), plan_file(study, layout, cell)
    )
