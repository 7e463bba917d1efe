"""What a study trains: each run with the values that it is trained with, and the place of its files.

A trial is an ordinary run in a place of its own, and so is a run with the default values of what is tuned. An
evaluation run of a tuned experiment has the values that its selection.json names. Where trials are halved, each rung of
a trial is a training of its own, which goes on from the one before or leaves.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.study.halving import rungs_of
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
RUNG = re.compile(r"(.+)-epoch(\d+)")  # the place of a rung that is not the last


class NotChosen(BakeoffError):
    """The values of a tuned experiment are not chosen yet."""


@dataclass(frozen=True)
class Training:
    """A run of `study`, which has no spaces left in the run's entries, and the place of its files.

    `plan` is what the plan step found of its network. `keeps` says that its finished files are kept after Snakemake
    knows them, so that a new selection of the same values trains nothing again.

    Of a rung of a trial, `until` is the epoch after which it stops, unless it is the last; `before` is the rung that it
    goes on from, and `share` that of trials which reach it.
    """

    key: str
    study: Study
    run: Run
    layout: Layout
    plan: Path
    keeps: bool = False
    trial: str = ""
    until: int | None = None
    before: "Training | None" = None
    share: float = 1.0

    @property
    def paths(self) -> RunPaths:
        return self.layout.run(self.run)

    @cached_property
    def specification(self) -> Specification:
        return specify(self.study, self.run, self.until)

    @property
    def rungs(self) -> "Iterator[Training]":
        """This training, and those that it goes on from, the latest first."""
        yield self
        if self.before is not None:
            yield from self.before.rungs

    def made(self, content: Mapping[str, Any]) -> bool:
        """Whether a result with this specification is of this training, or of a rung after which its trial left."""
        return any(content == rung.specification.content for rung in self.rungs)


def trial_trainings(study: Study, layout: Layout, cell: Experiment) -> list[Training]:
    """The runs of every trial of an experiment, on their last rung; none where it has no space."""
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
    """Every training that is no run of the study itself, by its key: trials, rung by rung, and runs with default
    values."""
    found = [
        rung
        for cell in study.cells
        for training in (*trial_trainings(study, layout, cell), *default_trainings(study, layout, cell))
        for rung in reversed([*training.rungs])
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
    rung = RUNG.fullmatch(place)
    trial = trials(study).get(rung[1] if rung else place)
    if trial is None or seed not in study.tuning.seeds:
        return None
    found = _trial_training(study, layout, trial, cell.run(seed)).rungs
    return next((training for training in found if training.key == key), None)


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
    """The last rung of a trial, which knows those before."""
    study_of_trial, cell = tried(study, trial), run.experiment
    plan = plan_file(study_of_trial, layout, cell)
    rungs, before = rungs_of(study, cell), None
    for rung in rungs:
        until = None if rung is rungs[-1] else rung.epochs
        place = f"{trial.name}-epoch{until}" if until else trial.name
        made = Training(
            key=f"{cell.key}/{place}/seed{run.seed}",
            study=study_of_trial,
            run=run,
            layout=layout.at(place),
            plan=plan,
            keeps=before is not None,
            trial=trial.name,
            until=until,
            before=before,
            share=rung.trials / rungs[0].trials,
        )
        before = made
    return made


def _default_training(study: Study, layout: Layout, run: Run) -> Training:
    made, cell = with_defaults(study), run.experiment
    return Training(
        f"{cell.key}/{DEFAULT}/seed{run.seed}", made, run, layout.at(DEFAULT), plan_file(study, layout, cell)
    )
