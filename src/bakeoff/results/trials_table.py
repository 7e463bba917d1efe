"""trials.csv: a row for each run of a trial, and for each with default values. They stand in no other table."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.results.result import DamagedResult
from bakeoff.results.selection import finished_result, trained_until, validation_score
from bakeoff.study.matrix import FACETS
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study
from bakeoff.study.trainings import Training, chosen, default_trainings, trial_trainings
from bakeoff.study.trials import default_values, spaces_of, trials

COLUMNS = (
    *FACETS,
    "trial",
    "tuning_study",
    "seed",
    "values",
    "status",
    "until",
    "epochs",
    "validation",
    "test",
    "seconds",
    "chosen",
)


def write_trials(study: Study, layout: Layout) -> list[Path]:
    """Write summary/trials.csv where the study tunes; results that are missing have the status `missing`."""
    if study.tuning is None:
        return []
    rows = [
        _row(study, layout, training)
        for cell in study.cells
        for found in (trial_trainings, default_trainings)
        for training in found(study, layout, cell)
    ]
    with write_atomically(layout.summary / "trials.csv") as path:
        pd.DataFrame.from_records(rows, columns=list(COLUMNS)).to_csv(path, index=False)
    return [layout.summary / "trials.csv"]


def read_trials(study: Study, layout: Layout) -> pd.DataFrame:
    """The table; without rows where the study does not tune. Raises BakeoffError when it is not written."""
    if study.tuning is None:
        return pd.DataFrame(columns=list(COLUMNS))
    path = layout.summary / "trials.csv"
    texts = dict.fromkeys((*FACETS, "trial", "values", "status"), str)
    try:
        return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error.strerror}; run `bakeoff summarize` first") from error


def _row(study: Study, layout: Layout, training: Training) -> dict[str, Any]:
    """`tuning_study` is 0 for default values, which all tuning studies have."""
    cell, place = training.run.experiment, training.layout.place
    trial, won = trials(study).get(place), chosen(study, layout, cell)
    values = trial.of(spaces_of(study, cell)) if trial else _defaults(study, training)
    row = {
        **{facet: getattr(cell, facet) for facet in FACETS},
        "trial": place,
        "tuning_study": trial.tuning_study if trial else 0,
        "seed": training.run.seed,
        "values": json.dumps(values),
        "chosen": won is not None and won.name == place,
    }
    try:
        result = finished_result(training)
    except DamagedResult:
        return row | {"status": "missing"}
    test = result.metrics.split("test").get(study.metric) if result.status == "completed" else None
    scores = {"validation": validation_score(result, study.metric), "test": test}
    trained = {"until": trained_until(result), "epochs": result.metrics.epochs}
    return row | {"status": result.status, **trained, "seconds": result.cost.training_seconds, **scores}


def _defaults(study: Study, training: Training) -> dict[str, Any]:
    values = default_values(study)
    return {item.name: values[item.name] for item in spaces_of(study, training.run.experiment)}
