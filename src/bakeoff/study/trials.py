"""The trials of a study: points of its spaces, and the studies that they make of it.

With the values of a trial filled in, a study has no spaces left: trials and evaluation runs are ordinary runs of such
studies.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.study.matrix import AXES, FACETS, Experiment
from bakeoff.study.spaces import Hyperparameter, Values, filled, sequence
from bakeoff.study.study import Study
from bakeoff.study.understood import understood

DEFAULT = "default"  # where the default values are evaluated


@dataclass(frozen=True)
class Trial:
    """A value for each space of a study. `tuning_study` counts from 1 what `studies` says."""

    name: str
    tuning_study: int
    values: Values

    def of(self, spaces: tuple[Hyperparameter, ...]) -> dict[str, Any]:
        """The values of some of the spaces."""
        return {item.name: self.values[item.name] for item in spaces}


def is_tuned(study: Study, cell: Experiment) -> bool:
    return bool(study.tuning) and bool(spaces_of(study, cell))


def spaces_of(study: Study, cell: Experiment) -> tuple[Hyperparameter, ...]:
    """The spaces in the entries of an experiment, in the order of the study file."""
    names = dict(zip(AXES, (getattr(cell, facet) for facet in FACETS), strict=True))
    return tuple(item for item in study.spaces if names[str(item.keys[0])] == item.keys[1])


def trials(study: Study) -> dict[str, Trial]:
    """Every trial by its name. Trial 0 has the default values where the study includes them, in all tuning studies."""
    return {trial.name: trial for trial in _trials(study)}


def trials_of(study: Study, tuning_study: int) -> list[Trial]:
    """The trials among which a tuning study chooses, in their order."""
    return [trial for trial in _trials(study) if trial.tuning_study in (tuning_study, 0)]


def _trials(study: Study) -> Iterator[Trial]:
    tuning = study.tuning
    if tuning is None or not study.spaces:
        return
    if tuning.include_default:
        yield Trial("trial00", 0, default_values(study))
    first = int(tuning.include_default)
    for number in range(1, tuning.studies + 1):
        prefix = f"study{number}-" if number > 1 else ""
        drawn = {item.name: sequence(f"{prefix}{item.name}", tuning.trials - first) for item in study.spaces}
        for index in range(tuning.trials - first):
            values = {item.name: item.space.at(drawn[item.name][index]) for item in study.spaces}
            yield Trial(f"{prefix}trial{index + first:02d}", number, values)


def default_values(study: Study) -> Values:
    return {item.name: item.space.middle for item in study.spaces}


def evaluated(study: Study, trial: Trial) -> Study:
    """The study with the values of a trial: what evaluation runs are runs of."""
    return _made(study, f"evaluated/{trial.name}", trial.values, {})


def with_defaults(study: Study) -> Study:
    """The study with the default values."""
    return _made(study, DEFAULT, default_values(study), {})


def tried(study: Study, trial: Trial) -> Study:
    """The study that a trial is a run of: with the values of the trial, the tuning's seeds and its epochs."""
    assert study.tuning is not None
    changed = {"seeds": list(study.tuning.seeds)}
    return _made(study, f"tried/{trial.name}", trial.values, changed, study.tuning.epochs)


def corners(study: Study) -> Iterator[Study]:
    """Studies whose values are the extreme ones of each space: what none of them violates, no trial does."""
    ends = {item.name: item.space.corners() for item in study.spaces}
    for index in range(max(map(len, ends.values()), default=0)):
        values = {name: found[min(index, len(found) - 1)] for name, found in ends.items()}
        yield _made(study, f"corner/{index}", values, {})


def entries_with_marks(study: Study, cell: Experiment) -> dict[str, Any]:
    """The entries of an experiment as they are written, with a mark in place of each space."""
    marks = {item.name: "tuned" for item in study.spaces}
    content = filled(study.written, study.spaces, marks)
    pairs = zip(AXES[1:], FACETS[1:], strict=True)
    return {facet: json.loads(json.dumps(content[axis][getattr(cell, facet)], default=str)) for axis, facet in pairs}


def _made(study: Study, name: str, values: Values, changed: Mapping[str, Any], epochs: int | None = None) -> Study:
    """Made once: a study of thousands of runs asks for it often. `epochs` are those of each recipe, where given."""
    if name not in study.derived:
        config = {key: value for key, value in {**study.written, **changed}.items() if key != "tuning"}
        made = understood(filled(config, study.spaces, values))
        recipes = {
            key: recipe.model_copy(update={"epochs": epochs or recipe.epochs}) for key, recipe in made.recipes.items()
        }
        study.derived[name] = made.model_copy(update={"plugins": study.plugins, "recipes": recipes})
    return study.derived[name]
