"""Which trials of an experiment go on after a rung: decided on validation alone, and written down with the scores.

The default values, which all tuning studies have, go on in all where one of them says so.
"""

import json
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.results.selection import ranked, row_of, tried_trials
from bakeoff.study.halving import rungs_of
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study
from bakeoff.study.trainings import Training
from bakeoff.study.trials import trials_of

RULE = "the best mean validation scores up to this epoch; of equal ones the first; without a score never"


def halve(study: Study, layout: Layout, cell: Experiment, epochs: int) -> Path:
    """Decide which trials of an experiment go on after so many epochs, and write that down. Returns the file's path.

    Raises BakeoffError where no rung but the last ends there, DamagedResult for a missing result.
    """
    rungs = rungs_of(study, cell)
    places = {rung.epochs: number for number, rung in enumerate(rungs[:-1])}
    if epochs not in places:
        known = ", ".join(map(str, places)) or "none: the study does not halve its trials"
        raise BakeoffError(f"{cell.key}: no rung ends after epoch {epochs}; those that do: {known}")
    assert study.tuning is not None
    found = tried_trials(study, layout, cell, epochs)
    higher, room = study.leading_metric.higher_is_better, rungs[places[epochs] + 1].trials
    here = [tried for tried in ranked(found, higher) if tried.until == epochs and tried.score is not None]
    best: set[str] = set()
    for number in range(1, study.tuning.studies + 1):
        names = {trial.name for trial in trials_of(study, number)}
        best |= {tried.trial.name for tried in [tried for tried in here if tried.trial.name in names][:room]}
    content = {
        "experiment": cell.key,
        "epochs": epochs,
        "metric": study.metric,
        "rule": RULE,
        "goes_on": [tried.trial.name for tried in found if tried.trial.name in best],
        "trials": [row_of(study, cell, tried) for tried in found],
    }
    path = layout.halved(cell, epochs)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, content)
    return path


def goes_on(layout: Layout, training: Training) -> bool:
    """Whether a trial goes on from the rung before this training. Raises BakeoffError where that is not decided."""
    if training.before is None or training.before.until is None:
        return True
    cell, epochs = training.run.experiment, training.before.until
    path = layout.halved(cell, epochs)
    said = _read(path)
    if training.trial not in [row["trial"] for row in said["trials"]]:
        raise BakeoffError(
            f"{training.key}: whether it goes on is not decided yet: {path} is missing, damaged or of other trials; "
            f"start snakemake, or run `bakeoff select STUDY {cell.key} --after {epochs}`"
        )
    return training.trial in said["goes_on"]


def _read(path: Path) -> dict[str, Any]:
    """A decision as it was written; one about no trial where it is missing or damaged."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {"trials": list(said["trials"]), "goes_on": list(said["goes_on"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"trials": [], "goes_on": []}
