"""The files that jobs wait for."""

from pathlib import Path

from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, digest, experiment_content, features_folder
from bakeoff.study.study import Study, parent


def plan_file(study: Study, layout: Layout, cell: Experiment) -> Path:
    """What the plan step found of an experiment. Its name says its content, so it is never out of date: an experiment
    whose entries change has another file, and only its runs depend on that."""
    return layout.plan(digest(experiment_content(study, cell)))


def needed_by(study: Study, layout: Layout, cell: Experiment) -> list[str]:
    """The files that an experiment's training jobs wait for: plan, card, features."""
    features = features_folder(study, cell)
    needed = [plan_file(study, layout, cell), data_folder(study, cell.dataset) / "card.json"]
    return [*map(str, needed + ([features / "card.json"] if features else []))]


def starts_from(study: Study, layout: Layout, run: Run) -> list[str]:
    """The weights of another run that a run starts from, where it does."""
    origin = parent(study, run)
    return [str(layout.run(origin).model)] if origin else []


def experiments_on_features(study: Study) -> dict[str, list[Experiment]]:
    """Folder in results/features → the experiments that train on what is kept there."""
    found: dict[str, list[Experiment]] = {}
    for cell in study.cells:
        if folder := features_folder(study, cell):
            found.setdefault(folder.name, []).append(cell)
    return found
