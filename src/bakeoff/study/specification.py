"""All that decides a result, and nothing else, as JSON holds it: what names files, what retrains a run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.study import Study, parent

# A recipe's keys that came when there were results, and their values that say what was so before: left out, so that
# these results stay.
LATER_KEYS = {"on_out_of_memory": "fail"}


def dataset_specification(study: Study, name: str) -> dict[str, Any]:
    """All that decides the prepared data. Keys that say nothing are left out, so new ones change no old data."""
    entry = {key: value for key, value in study.entries["datasets"][name].items() if value is not None}
    known = {"entry": {"root": study.data_root, **entry}, "split_seed": study.split_seed}
    return known | _plugins_that_register(study, "source", {entry["source"]})


def experiment_specification(study: Study, cell: Experiment) -> dict[str, Any]:
    """The entries that an experiment is built from, as JSON holds them: what the plan step checks."""
    entries = {
        "dataset": dataset_specification(study, cell.dataset),
        "architecture": study.entries["architectures"][cell.architecture],
        "optimizer": study.entries["optimizers"][cell.optimizer],
        "recipe": {
            key: value for key, value in study.entries["recipes"][cell.recipe].items() if LATER_KEYS.get(key) != value
        },
        "metric": study.metric,
        "beta": study.beta,
        **_weights_of(study, cell),
        **_start_of(study, cell),
    }
    return entries | _plugins_of(study, cell) if study.plugins else entries


def _start_of(study: Study, cell: Experiment) -> dict[str, Any]:
    """Of the experiment whose weights this one starts from, what decides whether they fit."""
    origin = parent(study, cell.run(study.seeds[0]))
    if origin is None or (origin.dataset, origin.architecture) == (cell.dataset, cell.architecture):
        return {}
    architecture = study.entries["architectures"][origin.architecture]
    return {"start": {"dataset": dataset_specification(study, origin.dataset), "architecture": architecture}}


def _weights_of(study: Study, cell: Experiment) -> dict[str, str]:
    """The checksum of a local weights file: another content under the same name is another experiment."""
    found = study.weights_checksums.get(cell.architecture)
    return {"weights": found} if found else {}


def _plugins_that_register(study: Study, kind: str, names: set[str]) -> dict[str, dict[str, str]]:
    """`{"plugins": {file: SHA-256}}` of the files that register one of `names`; nothing when none does."""
    files = sorted({item.file.name for item in study.declarations if item.kind == kind and item.name in names})
    return {"plugins": {file: study.plugin_checksums[file] for file in files}} if files else {}


def _plugins_of(study: Study, cell: Experiment) -> dict[str, Any]:
    """The plugin files that decide the results of an experiment. Metrics are computed for each run."""
    files: dict[str, str] = {}
    transforms = _names_in([transform.model_dump() for transform in study.recipes[cell.recipe].augment])
    for kind, names in (
        ("model", {study.architectures[cell.architecture].model}),
        ("transform", transforms),
        ("metric", set(study.metrics)),
    ):
        files |= _plugins_that_register(study, kind, names).get("plugins", {})
    return {"plugins": files} if files else {}


def _names_in(value: Any) -> set[str]:
    """Every string and key of nested values: what may be the name of a transform."""
    if isinstance(value, Mapping):
        return set(value) | {name for item in value.values() for name in _names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in _names_in(item)}
    return {value} if isinstance(value, str) else set()


def features_specification(study: Study, cell: Experiment) -> dict[str, Any] | None:
    """All that decides the outputs of a frozen backbone on the images of an experiment.

    None where they cannot be kept: the backbone trains, its weights are another run's or depend on the seed, or
    augmentation changes the images.
    """
    recipe, architecture = study.recipes[cell.recipe], study.architectures[cell.architecture]
    if recipe.freeze != "backbone" or not architecture.pretrained or recipe.augment or recipe.init_from:
        return None
    entry = study.entries["recipes"][cell.recipe]
    backbone = study.entries["architectures"][cell.architecture]
    if "/" in architecture.model:  # of a library's network these make the classifier alone
        backbone = {key: value for key, value in backbone.items() if key not in ("head", "dropout")}
    return {
        "dataset": dataset_specification(study, cell.dataset),
        "backbone": backbone,
        "normalize": entry["normalize"],
        "precision": entry["precision"],
        **_weights_of(study, cell),
        **_plugins_that_register(study, "model", {architecture.model}),
    }


def specification(study: Study, run: Run) -> dict[str, Any]:
    """All that decides the result of a run, and nothing else, as JSON holds it."""
    origin = parent(study, run)
    return {
        **experiment_specification(study, run.experiment),
        "seed": run.seed,
        "init_from": specification(study, origin) if origin else None,
    }


def specification_hash(study: Study, run: Run) -> str:
    """A short name of a run's specification."""
    return digest(specification(study, run))


def digest(content: object) -> str:
    """16 hexadecimal digits that name a JSON-able value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
