"""A study: the five axes of its matrix, and how its runs are trained and reported.

Pure Python, without torch: Snakemake reads it whenever it plans.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Tag,
    model_validator,
)

from bakeoff.errors import BakeoffError
from bakeoff.language import LANGUAGES
from bakeoff.study.arguments import nearest
from bakeoff.study.cuts import Cut
from bakeoff.study.entries import Architecture, Dataset, Optimizer, Recipe, Strict
from bakeoff.study.matrix import AXES, Block, Experiment, Run, matrix
from bakeoff.study.metrics import METRICS, TASKS, Metric
from bakeoff.study.plugin_files import Declaration, checksum, declared_in
from bakeoff.study.race_rules import Rounds
from bakeoff.study.replicates import Replicates, kind_of_seeds
from bakeoff.study.spaces import Hyperparameter, without_spaces
from bakeoff.study.tuning import Tuning
from bakeoff.study.values import Name, Names, Seed, Text, listed, without_infinity


class StudyError(BakeoffError):
    """A study file is wrong. The message lists every problem with its place."""


class Published(Strict):
    """A number that others published for an experiment. The report compares ours with it; it changes nothing else."""

    value: float = Field(description="in the units of our tables: an accuracy of 92.15 % is 0.9215")
    metric: str | None = Field(None, description="left out: the study's metric")
    split: Literal["test", "validation", "train"] = "test"
    measured: Literal["best_over_epochs", "last_epoch", "chosen_on_validation"] = Field(
        description="the epoch that the number is of; the report shows ours of the same epoch beside it"
    )
    runs: int = Field(1, gt=0, description="number of runs that it is the mean of")


class Rungs(Block):
    """Experiments of a study, in the order of its tables, and what readers should know about them."""

    notes: Text = Field("", description="why these experiments are there; the report prints it")
    published: Annotated[
        tuple[Published, ...],
        BeforeValidator(listed, json_schema_input_type=Published | list[Published]),
    ] = Field((), description="numbers that others published for them")


RESERVED = ("captions", "data", "features", "slurm", "templates")  # folders of results/ and report/ of no study


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name!r} is a folder of Bakeoff's own in results/ or report/; choose another name")
    return name


StudyName = Annotated[Name, AfterValidator(_not_reserved), Field(json_schema_extra={"not": {"enum": list(RESERVED)}})]


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language of reports; {nearest(language, list(LANGUAGES))}")
    return language


class Study(Strict):
    """One study file."""

    study: StudyName = Field(description="name of the study; its folder in results/ and report/")
    title: Text = ""
    description: Text = ""
    data_root: str = Field("data", description="folder of the datasets that give no root")
    split_seed: Seed = Field(0, description="seed of the splits that Bakeoff draws itself")
    metric: str = Field(
        "accuracy",
        description="chooses the best epoch on validation and comes first in the tables; one of these, or a plugin's",
        json_schema_extra={"anyOf": [{"enum": [m.name for m in METRICS.values() if m.every_epoch]}, {}]},
    )
    beta: float = Field(1, gt=0, description="of the F-beta metrics of multi-label data: recall counts beta times")
    target: float | None = Field(
        None,
        description="validation score (an accuracy of 92 % is 0.92); the report says how many epochs and seconds runs "
        "take to reach it; left out: the best score of the weakest experiment",
    )
    plugins: Names = Field((), description="Python files with your own models, sources, transforms, metrics")
    smoke: bool = Field(False, description="shrink the study to a run of a minute or two, in folders of its own")
    language: Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(LANGUAGES)})] = Field(
        "en", description="of the report"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(1, gt=0, description="processor threads of one training job")
    jobs_per_gpu: int = Field(1, gt=0, description="training jobs that share a GPU, for small models")
    gpu_wait_seconds: float = Field(600, ge=0, description="how long a job waits for a free GPU before it fails")
    warm_start: bool = Field(
        True, description="jobs on this machine are forked from a process that has imported what they need (Linux)"
    )
    heat_maps: bool = Field(
        False, description="the report shows where networks look in the images that they confuse (Grad-CAM)"
    )
    live: Literal["tensorboard"] | None = Field(
        None, description="tensorboard: events in results/<study>/tensorboard while runs train (bakeoff[tensorboard])"
    )
    measure_energy: bool = Field(False, description="estimate each run's energy with codecarbon (bakeoff[energy])")
    datasets: dict[Name, Dataset] = Field(min_length=1)
    architectures: dict[Name, Architecture] = Field(min_length=1)
    optimizers: dict[Name, Optimizer] = Field(min_length=1)
    recipes: dict[Name, Recipe] = Field(min_length=1)
    seeds: Annotated[
        Annotated[Replicates, Tag("list[]")] | Annotated[Rounds, Tag("rounds[]")], Discriminator(kind_of_seeds)
    ] = Field(
        (0, 1, 2, 3, 4),
        description="a number of replicates, a list of seeds, or `until: decided`: as many as it takes, in rounds",
    )
    tuning: Tuning | None = Field(
        None, description="the budget by which hyper-parameters that have a space are chosen, for each experiment"
    )
    experiments: Annotated[tuple[Rungs, ...], BeforeValidator(listed, json_schema_input_type=Rungs | list[Rungs])] = (
        Field((), description="narrows the study to these experiments, in this order")
    )
    exclude: Annotated[tuple[Block, ...], BeforeValidator(listed, json_schema_input_type=Block | list[Block])] = Field(
        (), description="removes these experiments"
    )
    _trained: Mapping[Experiment, int] = PrivateAttr(default_factory=dict)

    @property
    def rounds(self) -> Rounds | None:
        """How a study goes that takes as many seeds as are needed; None where seeds are fixed."""
        return self.seeds if isinstance(self.seeds, Rounds) else None

    def seeds_of(self, cell: Experiment) -> tuple[int, ...]:
        """The seeds that an experiment has: those of the study, or those that the present round gives it."""
        if isinstance(self.seeds, Rounds):
            return tuple(range(self._trained.get(cell, self.seeds.looks[0])))
        return self.seeds

    @property
    def possible_seeds(self) -> tuple[int, ...]:
        """Every seed that some run of the study may have, in this round or a later one."""
        return tuple(range(self.seeds.looks[-1])) if isinstance(self.seeds, Rounds) else self.seeds

    def in_round(self, trained: Mapping[Experiment, int]) -> "Study":
        """The study in a later round: how many seeds each experiment has."""
        study = self.model_copy()
        study._trained = dict(trained)
        return study

    # Each cut of a repeated dataset is a dataset of its own where a study is carried out (cut_by_cut.py).
    _cuts: Mapping[str, Cut] = PrivateAttr(default_factory=dict)
    _as_written: "Study | None" = PrivateAttr(None)

    @property
    def cuts(self) -> Mapping[str, Cut]:
        """The datasets that are one of several cuts of another: name → which; empty where none is split repeatedly."""
        return self._cuts

    @property
    def as_written(self) -> "Study":
        """The study with each repeated dataset as one: what people read of. Itself where none is."""
        return self._as_written or self

    def cutting(self, cuts: Mapping[str, Cut], as_written: "Study") -> "Study":
        """This study, told which of its datasets are cuts, and of what."""
        self._cuts, self._as_written = cuts, as_written
        return self

    # Entries hold the defaults of spaces. The spaces are kept beside them, with what was written, so that the values of
    # a trial can be filled in, and the studies that this makes.
    _spaces: tuple[Hyperparameter, ...] = PrivateAttr(())
    _written: dict[str, Any] = PrivateAttr(default_factory=dict)
    _derived: "dict[str, Study]" = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_spaces(cls, config: Any, handler: "ModelWrapValidatorHandler[Study]") -> "Study":
        plain, spaces = without_spaces(config)
        study = handler(plain)
        return study.keeping(spaces, dict(config)) if spaces else study

    def keeping(self, spaces: tuple[Hyperparameter, ...], written: dict[str, Any]) -> "Study":
        """This study, told which spaces it has and how it was written."""
        self._spaces, self._written = spaces, written
        return self

    @property
    def spaces(self) -> tuple[Hyperparameter, ...]:
        """The spaces in its entries, in the order of the study file."""
        return self._spaces

    @property
    def written(self) -> dict[str, Any]:
        """The content of the study file, where it has spaces."""
        return self._written

    @property
    def spaces_as_written(self) -> list[list[str]]:
        """Each space with its range, for who depends on what is said of them."""
        return [[item.name, item.space.model_dump_json()] for item in self.spaces]

    @property
    def derived(self) -> "dict[str, Study]":
        """Studies that were made of this one, by name."""
        return self._derived

    @cached_property
    def entries(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Axis → name → the entry in its JSON form, with its defaults filled in."""
        return {
            axis: {name: without_infinity(entry.model_dump(mode="json")) for name, entry in getattr(self, axis).items()}
            for axis in AXES
        }

    @cached_property
    def cells(self) -> dict[Experiment, None]:
        """The experiments in the study's order: a set that keeps it."""
        names = {axis: tuple(getattr(self, axis)) for axis in AXES}
        return dict.fromkeys(matrix(names, self.experiments, self.exclude))

    def rungs_of(self, cell: Experiment) -> tuple[Rungs, ...]:
        """The blocks of `experiments` that name an experiment."""
        return tuple(block for block in self.experiments if block.holds(cell))

    @cached_property
    def declarations(self) -> tuple[Declaration, ...]:
        """What the plugin files register. Raises BakeoffError when a file cannot be read."""
        return tuple(item for file in self.plugins for item in declared_in(Path(file)))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by name: Bakeoff's own and those of plugins."""
        labels = {name: metric.label.replace("F-beta", f"F{self.beta:g}") for name, metric in METRICS.items()}
        ours = {name: replace(metric, label=labels[name]) for name, metric in METRICS.items()}
        return ours | {item.name: _plugin_metric(item) for item in self.declarations if item.kind == "metric"}

    @cached_property
    def weights_checksums(self) -> dict[str, str]:
        """Architecture → SHA-256 of the local weights file that it starts from, where that exists."""
        files = {name: Path(str(entry.pretrained)) for name, entry in self.architectures.items() if entry.pretrained}
        return {name: checksum(file) for name, file in files.items() if file.is_file()}

    @property
    def leading_metric(self) -> Metric:
        """The metric that chooses the best epoch and comes first in the tables."""
        return self.metrics[self.metric]

    @cached_property
    def plugin_checksums(self) -> dict[str, str]:
        """File name without folder → SHA-256 of the plugin file."""
        return {Path(file).name: checksum(Path(file)) for file in self.plugins}


def _plugin_metric(item: Declaration) -> Metric:
    task = item.options.get("task", "multi-class")
    if task not in TASKS:
        raise BakeoffError(f"{item.place}: task is {task!r}; allowed: {', '.join(TASKS)}", ["plugins"])
    label = item.options.get("label") or item.name.replace("_", " ")
    how_read = {key: item.options.get(key, True) for key in ("higher_is_better", "percent")}
    return Metric(item.name, label, (task,), **how_read, headline=True)


def experiments(study: Study) -> list[Experiment]:
    """The experiments of the study, in its order."""
    return list(study.cells)


def runs(study: Study) -> list[Run]:
    """Every run of the study: its experiments times its seeds."""
    return [cell.run(seed) for cell in study.cells for seed in study.seeds_of(cell)]


def parent(study: Study, run: Run) -> Run | None:
    """The run whose weights `run` starts from, or None."""
    source = study.recipes[run.recipe].init_from
    if source is None:
        return None
    return Run(
        source.dataset or run.dataset,
        source.architecture or run.architecture,
        source.optimizer or run.optimizer,
        source.recipe or run.recipe,
        run.seed if source.seed is None else source.seed,
    )
