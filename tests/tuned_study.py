"""A study that tunes, and results of its trials as training leaves them, written in milliseconds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff.analysis.statistics import write_statistics
from bakeoff.jobs.handover import leave
from bakeoff.results.selection import select
from bakeoff.results.summary import summarize
from bakeoff.results.survivors import goes_on, halve
from bakeoff.study.halving import rungs_of
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study
from bakeoff.study.trainings import Training, default_trainings, training_of, trial_trainings
from synthetic_runs import layout_in, result_of, study_of, write_run

SGD = {"name": "SGD", "lr": {"log_uniform": [1e-3, 1]}, "momentum": {"choices": [0, 0.9, 0.99]}}
ADAM = {"name": "Adam", "lr": {"log_uniform": [1e-5, 1e-2], "default": 1e-3}}
CELL = Experiment("digits", "linear", "sgd", "plain")
HALVED = {"trials": 9, "seeds": [1000], "epochs": 9, "halving": 3}


def tuned_study(**changes: Any) -> Study:
    """Two architectures, two tuned optimizers and one without a space; 4 trials."""
    optimizers = {"sgd": SGD, "adam": ADAM, "fixed": {"name": "SGD", "lr": 0.1}}
    tuning = {"trials": 4, "seeds": [1000], "epochs": 2}
    return study_of(**{"optimizers": optimizers, "tuning": tuning, **changes})


def write_trials(study: Study, layout: Layout, accuracies: Mapping[str, float | None], cell: Experiment = CELL) -> None:
    """Results of the trials of an experiment, by their names; None is a trial that diverged."""
    for training in trial_trainings(study, layout, cell):
        _write(training, accuracies[training.layout.place])


def write_defaults(study: Study, layout: Layout, accuracies: list[float], cell: Experiment = CELL) -> None:
    """Results with default values, seed by seed."""
    for training, accuracy in zip(default_trainings(study, layout, cell), accuracies, strict=True):
        _write(training, accuracy)


def write_rung(rung: Training, accuracy: float | None) -> None:
    """The result of a trial that was trained on a rung; None for one that diverged."""
    status = "diverged" if accuracy is None else "completed"
    result = result_of(rung.study, rung.run, accuracy or 0.0, status, epochs=rung.specification.epochs)
    write_run(rung.layout, rung.run, result | {"spec": rung.specification.content})
    for path in rung.paths.files:
        path.touch()


def play_rungs(study: Study, layout: Layout, scores: Mapping[str, Mapping[int, float | None]]) -> list[list[str]]:
    """Every rung as its jobs do it: who goes on trains, who does not leaves. Returns who went on from each."""
    found = []
    for epochs in [rung.epochs for rung in rungs_of(study, CELL)]:
        for training in trial_trainings(study, layout, CELL):
            rung = next(rung for rung in training.rungs if rung.specification.epochs == epochs)
            if goes_on(layout, rung):
                write_rung(rung, scores[rung.trial][epochs])
            else:
                assert rung.before is not None
                leave(rung.before.specification, rung.before.paths, rung.paths, rung.key)
        if rung.until is not None:
            found.append(json.loads(halve(study, layout, CELL, epochs).read_text())["goes_on"])
    return found


def _write(training: Training, accuracy: float | None) -> None:
    status = "diverged" if accuracy is None else "completed"
    write_run(training.layout, training.run, result_of(training.study, training.run, accuracy or 0.0, status))


ADAM_CELL = Experiment("digits", "linear", "adam", "plain")
SCORES: dict[Experiment, dict[str, float | None]] = {
    CELL: {"trial00": 0.4, "trial01": 0.9, "trial02": None, "trial03": 0.5},
    ADAM_CELL: {"trial00": 0.7, "trial01": 0.72, "trial02": 0.71, "trial03": 0.6},
}


def finished_tuning(folder: Path) -> tuple[Study, Layout]:
    """Two tuned experiments with summary and statistics: one has the best trial, the other is better with few."""
    study = tuned_study(experiments=[{"architectures": "linear", "optimizers": ["sgd", "adam", "fixed"]}])
    layout = layout_in(folder, study)
    for cell, scores in SCORES.items():
        write_trials(study, layout, scores, cell)
        select(study, layout, cell)
        write_defaults(study, layout, [0.80, 0.82, 0.81], cell)
    for cell in study.cells:
        for seed, accuracy in enumerate((0.84, 0.85, 0.86)):
            training = training_of(study, layout, cell.run(seed))
            write_run(layout, training.run, result_of(training.study, training.run, accuracy))
    summarize(study, layout)
    write_statistics(study, layout)
    return study, layout
