"""What decides a result, and nothing else: what names files and retrains a run, and which files a job waits for.

A specification is resolved once. Its `content` is its JSON form: two that are equal give the same files, bit for bit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from bakeoff.errors import BakeoffError
from bakeoff.study.cuts import Cut
from bakeoff.study.entries import Architecture, Dataset, Optimizer, Recipe
from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.metrics import Metric
from bakeoff.study.paths import RESULTS, Layout
from bakeoff.study.study import Study, parent

# Keys at the top of a recipe that are younger than some results, with the value that means what was so before. They are
# left out where they have it, so that those results stay. A key within another, such as a loss's, does that itself:
# with `exclude_if`, as `Loss.class_weights` does.
LATER_KEYS = {"on_out_of_memory": "fail"}

Content = dict[str, Any]


@dataclass(frozen=True)
class DatasetSpecification:
    """All that decides prepared data. `root` is the folder where a source looks for its files.

    `cut` says which it is of the cuts of a repeated dataset; `siblings` are the folders of all of them.
    """

    name: str
    entry: Dataset
    root: Path
    split_seed: int
    content: Content
    cut: Cut | None = None
    siblings: tuple[Path, ...] = ()

    @property
    def entry_name(self) -> str:
        """What the study file calls the dataset."""
        return self.cut.of if self.cut else self.name

    @property
    def folder(self) -> Path:
        """The prepared arrays and their card. Studies that say the same about a dataset share the folder."""
        return RESULTS / "data" / prepared_name(self.name, self.content)


@dataclass(frozen=True)
class Specification:
    """All that decides the result of a run.

    With `until`, training stops after that epoch: schedules are those of all epochs of the recipe.
    `origin` is the run whose best weights it starts from. `features` is the folder in which the outputs of its frozen
    backbone are kept, where they are. `metric` chooses the best epoch; `metrics` are all that can be computed, by name.
    `plugins` are the SHA-256 checksums of the study's plugin files, which a result records.
    """

    run: Run
    dataset: DatasetSpecification
    architecture: Architecture
    optimizer: Optimizer
    recipe: Recipe
    metric: Metric
    metrics: Mapping[str, Metric]
    beta: float
    origin: Run | None
    features: Path | None
    plugins: Mapping[str, str]
    content: Content
    until: int | None = None

    @property
    def epochs(self) -> int:
        """The epochs that are trained, at most."""
        return self.until or self.recipe.epochs

    @cached_property
    def hash(self) -> str:
        """The short name of the specification."""
        return digest(self.content)

    @property
    def experiment_hash(self) -> str:
        """The short name of what all seeds of the run's experiment share."""
        return digest({key: value for key, value in self.content.items() if key not in ("seed", "init_from")})


def specify(study: Study, run: Run, until: int | None = None) -> Specification:
    """Resolve a run of a study; with `until` one that stops after that epoch."""
    return Specification(
        run=run,
        dataset=specify_dataset(study, run.dataset),
        architecture=study.architectures[run.architecture],
        optimizer=study.optimizers[run.optimizer],
        recipe=study.recipes[run.recipe],
        metric=study.leading_metric,
        metrics=study.metrics,
        beta=study.beta,
        origin=parent(study, run),
        features=features_folder(study, run.experiment),
        plugins=study.plugin_checksums,
        content=_run_content(study, run) | ({"until": until} if until else {}),
        until=until,
    )


def specify_dataset(study: Study, name: str) -> DatasetSpecification:
    """Resolve a dataset of a study."""
    entry, cut = study.datasets[name], study.cuts.get(name)
    try:
        root = Path(entry.root or study.data_root).expanduser()
    except RuntimeError as error:  # a user without an entry in passwd, or ~someone who is not there
        keys = ["datasets", cut.of if cut else name, "root"] if entry.root else ["data_root"]
        raise BakeoffError(
            f"{entry.root or study.data_root}: there is no such home folder; write the whole path", keys
        ) from error
    others = [other.name for other in study.cuts.values() if cut and other.of == cut.of]
    siblings = tuple(RESULTS / "data" / prepared_name(name, _dataset_content(study, name)) for name in others)
    return DatasetSpecification(
        name, entry, root, study.split_seed, _dataset_content(study, name), cut=cut, siblings=siblings
    )


def recipe_of(content: Mapping[str, Any]) -> Recipe:
    """The recipe of a run's content, in which keys without a value are left out, as those of LATER_KEYS are."""
    without_value = [name for name, field in Recipe.model_fields.items() if NoneType in get_args(field.annotation)]
    return Recipe.model_validate({**dict.fromkeys(without_value), **LATER_KEYS, **content["recipe"]})


def specification_hash(study: Study, run: Run) -> str:
    """The short name of a run's specification, without the rest of it."""
    return digest(_run_content(study, run))


def data_folder(study: Study, dataset: str) -> Path:
    """The prepared arrays and card of a dataset."""
    return specify_dataset(study, dataset).folder


def features_folder(study: Study, cell: Experiment) -> Path | None:
    """The outputs of an experiment's frozen backbone on its dataset, where they are computed once and kept."""
    if (found := _features_content(study, cell)) is None:
        return None
    model = study.architectures[cell.architecture].model.rpartition("/")[2]
    return RESULTS / "features" / f"{cell.dataset}-{model}-{digest(found)[:8]}"


def plan_file(study: Study, layout: Layout, cell: Experiment) -> Path:
    """What the plan step found of an experiment. Its name says its content, so it is never out of date: an experiment
    whose entries change has another file, and only its runs depend on that."""
    return layout.plan(digest(_experiment_content(study, cell)))


def examples_file(study: Study, layout: Layout, dataset: str, recipe: str) -> Path | None:
    """Training images before and after a recipe's augmentation, named by what decides them; None where it has none."""
    if not (augment := study.entries["recipes"][recipe]["augment"]):
        return None
    plugins = _plugins_that_register(study, transform=_names_in(augment))
    found = digest({"dataset": _dataset_content(study, dataset), "augment": augment, **plugins})
    return layout.examples(f"{dataset}__{recipe}-{found[:8]}")


def needed_by(study: Study, cell: Experiment) -> list[str]:
    """The cards of the data and the features that an experiment trains on."""
    folders = filter(None, (data_folder(study, cell.dataset), features_folder(study, cell)))
    return [str(folder / "card.json") for folder in folders]


def checked_on(study: Study, cell: Experiment) -> list[str]:
    """The datasets whose cards the plan step reads for an experiment: its own, and that of the run it starts from."""
    origin = parent(study, cell.run(study.seeds_of(cell)[0]))
    return [cell.dataset, *([origin.dataset] if origin else [])]


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


def prepared_name(name: str, content: Mapping[str, Any]) -> str:
    """The name of the folder in results/data that has a dataset with this specification."""
    return f"{name}-{digest(content)[:8]}"


def digest(content: object) -> str:
    """16 hexadecimal digits that name a JSON-able value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _experiment_content(study: Study, cell: Experiment) -> Content:
    """The entries that an experiment is built from: what the plan step checks."""
    recipe = study.entries["recipes"][cell.recipe]
    return {
        "dataset": _dataset_content(study, cell.dataset),
        "architecture": study.entries["architectures"][cell.architecture],
        "optimizer": study.entries["optimizers"][cell.optimizer],
        # A key that is None says nothing and was never a part, so a new one that is None by default is none either.
        "recipe": {key: value for key, value in recipe.items() if value is not None and LATER_KEYS.get(key) != value},
        "metric": study.metric,
        "beta": study.beta,
        **_weights_of(study, cell),
        **_start_of(study, cell),
        **_plugins_that_register(
            study,
            model={study.architectures[cell.architecture].model},
            transform=_names_in(recipe["augment"]),
            metric=set(study.metrics),  # computed for each run, whichever leads
        ),
    }


def _run_content(study: Study, run: Run) -> Content:
    origin = parent(study, run)
    return {
        **_experiment_content(study, run.experiment),
        "seed": run.seed,
        "init_from": _run_content(study, origin) if origin else None,
    }


def _dataset_content(study: Study, name: str) -> Content:
    """Keys that say nothing are left out, so that new ones change no old data."""
    entry = {key: value for key, value in study.entries["datasets"][name].items() if value is not None}
    known: Content = {"entry": {"root": study.data_root, **entry}, "split_seed": study.split_seed}
    if cut := study.cuts.get(name):
        known |= cut.content
    return known | _plugins_that_register(study, source={entry["source"]})


def _features_content(study: Study, cell: Experiment) -> Content | None:
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
        "dataset": _dataset_content(study, cell.dataset),
        "backbone": backbone,
        "normalize": entry["normalize"],
        "precision": entry["precision"],
        **({} if recipe.channels_last is None else {"channels_last": recipe.channels_last}),
        **_weights_of(study, cell),
        **_plugins_that_register(study, model={architecture.model}),
    }


def _start_of(study: Study, cell: Experiment) -> Content:
    """What decides whether the weights of the experiment that this one starts from fit."""
    origin = parent(study, cell.run(study.seeds_of(cell)[0]))
    if origin is None or (origin.dataset, origin.architecture) == (cell.dataset, cell.architecture):
        return {}
    architecture = study.entries["architectures"][origin.architecture]
    return {"start": {"dataset": _dataset_content(study, origin.dataset), "architecture": architecture}}


def _weights_of(study: Study, cell: Experiment) -> dict[str, str]:
    """The checksum of a local weights file: other content under the same name is another experiment."""
    found = study.weights_checksums.get(cell.architecture)
    return {"weights": found} if found else {}


def _plugins_that_register(study: Study, **names: set[str]) -> dict[str, dict[str, str]]:
    """`{"plugins": {file: SHA-256}}` of the files that register one of these names of a kind, if any."""
    files = sorted({item.file.name for item in study.declarations if item.name in names.get(item.kind, ())})
    return {"plugins": {file: study.plugin_checksums[file] for file in files}} if files else {}


def _names_in(value: Any) -> set[str]:
    """Every string and key of nested values: what may be the name of a transform."""
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in _names_in(item)}
    if isinstance(value, list):
        return {name for item in value for name in _names_in(item)}
    return {value} if isinstance(value, str) else set()
