"""The five nouns: what a study file may say, and the runs that it means.

Pure Python, without torch: this is read whenever Snakemake plans.
"""

import itertools
import math
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from bakeoff.errors import BakeoffError
from bakeoff.metrics import METRICS, TASKS, Metric
from bakeoff.plugins import Declaration, checksum, declared_in

AXES = ("datasets", "architectures", "optimizers", "recipes")
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


class StudyError(BakeoffError):
    """A study file that cannot mean anything: every problem, with its place."""


def _safe_name(name: str) -> str:
    if not SAFE_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no safe folder name; allowed: letters, digits, '_', '.', '-', the first a letter or digit"
        )
    return name


def _listed(value: Any) -> Any:
    """One name may stand for a list of one."""
    return [value] if isinstance(value, str | int) else value


def _numbers(value: Any) -> Any:
    """PyYAML reads 1e-3 as a string: make it the number that it is."""
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        return float(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return value


def _without_infinity(value: Any) -> Any:
    """JSON has no infinity: a specification holds its name, so that it equals itself read back."""
    if isinstance(value, dict):
        return {key: _without_infinity(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_infinity(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


Name = Annotated[str, AfterValidator(_safe_name), Field(json_schema_extra={"pattern": f"^{SAFE_NAME.pattern}$"})]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


Text = Annotated[str, StringConstraints(strip_whitespace=True)]  # prose: a folded block of YAML ends with a new line


class Strict(BaseModel):
    """Unknown keys are errors, and so are infinity and NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Open(BaseModel):
    """Keys beyond the fields are keyword arguments of the thing that the entry names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _coerce_numbers(cls, entry: Any) -> Any:
        return _numbers(entry)

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class PerClass(Strict):
    """Exactly so many images of each class, in the splits that are named."""

    train: int | None = Field(None, gt=0)
    validation: int | None = Field(None, gt=0)
    test: int | None = Field(None, gt=0)


class Dataset(Open):
    """Where images and labels come from. Further keys are arguments of the source, as docs/study.md lists them."""

    source: str = Field(description="digits, torchvision, folder, csv, voc, tiny_imagenet, or a plugin's")
    root: str | None = Field(None, description="folder with the files; default: data_root")
    resize: int | tuple[int, int] | None = Field(
        None, description="height and width in pixels; one number for a square, or with center_crop the shorter side"
    )
    center_crop: int | tuple[int, int] | None = Field(
        None, description="height and width that are cut out of the centre after resizing; one number for a square"
    )
    mode: Literal["L", "RGB"] | None = Field(None, description="convert every image to grayscale (L) or RGB")
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the training split, stratified, that validates when the source has no validation split",
    )
    per_class: PerClass | None = Field(
        None, description="exactly so many images of each class in a split, drawn by split_seed; multi-class only"
    )
    limit: int | None = Field(
        None, gt=0, description="at most so many images of each split, drawn by split_seed; always one of each class"
    )
    on_bad_image: Literal["error", "skip"] = "error"


class Resources(Strict):
    """What a training job asks a cluster for at its first attempt. It decides no result: changing it trains nothing."""

    mem_mb: int | None = Field(None, gt=0, description="memory in MB")
    runtime: int | None = Field(None, gt=0, description="time limit in minutes")


HINTS = "to ask a cluster for; where architecture and recipe both say it, the larger counts; left out: the profile's"


class Head(Strict):
    """Dropout – Linear – ReLU – Linear in place of a library model's classifier."""

    hidden: int = Field(gt=0)
    dropout: float = Field(0, ge=0, lt=1)


class Architecture(Open):
    """A model. Further keys are its keyword arguments."""

    model: str = Field(
        description="mlp, convnet, vgg_small, inception_small, resnet_small, basic_block_net, timm/NAME, "
        "torchvision/NAME, or a plugin's"
    )
    small_images: bool = Field(False, description="3x3 stride-1 stem without max-pool, for images of about 32 pixels")
    pretrained: bool | str = Field(
        False,
        description="true: the library's weights, from its hub; or the path of a safetensors or torch file; "
        "random: fixed random weights, the same for all seeds",
    )
    head: Head | None = Field(None, description="in place of the classifier of timm/NAME and torchvision/NAME")
    resources: Resources = Field(Resources(), exclude=True, description=HINTS)


class Optimizer(Open):
    """An optimizer of torch.optim or timm.optim. Further keys are its keyword arguments."""

    name: str = Field(description="as torch.optim (SGD) or timm.optim (lamb) name it; case does not matter")


class Schedule(Open):
    """A learning-rate schedule of torch.optim.lr_scheduler. Further keys are its keyword arguments."""

    name: str | None = Field(None, description="class of torch.optim.lr_scheduler; left out: warm-up alone")
    warmup: float = Field(0, ge=0, description="epochs of linear warm-up")
    interval: Literal["epoch", "step"] = Field("epoch", description="when the schedule steps")


def _as_written(schema: dict[str, Any]) -> None:
    """A transform's JSON schema: the forms that a study writes, not the fields that are read from them."""
    for key in ("type", "properties", "required", "additionalProperties"):
        del schema[key]
    arguments = {"type": ["object", "null"]}
    named = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": arguments}
    schema["anyOf"] = [{"type": "string"}, named]


class Transform(Strict):
    """One augmentation, written as its name or as `Name: {argument: value}`."""

    model_config = ConfigDict(json_schema_extra=_as_written)

    name: str
    arguments: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, entry: Any) -> Any:
        if isinstance(entry, str):
            return {"name": entry}
        if isinstance(entry, dict) and len(entry) == 1 and "name" not in entry:
            ((name, arguments),) = entry.items()
            return {"name": name, "arguments": _numbers(arguments or {})}
        return entry


class Normalize(Strict):
    """Given channel means and standard deviations, for pixels scaled to 0..1."""

    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]


def _loss_name(entry: Any) -> Any:
    return {"name": entry} if isinstance(entry, str) else entry


LossName = Literal["CrossEntropyLoss", "BCEWithLogitsLoss"]


class Loss(Strict):
    """The loss that is trained on, written as its name or as a mapping."""

    name: LossName
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="BCEWithLogitsLoss: mean over labels, or their sum; over images it is always the mean"
    )
    pos_weight: Literal["auto"] | Annotated[float, Field(gt=0)] | tuple[Annotated[float, Field(gt=0)], ...] | None = (
        Field(None, description="BCEWithLogitsLoss: weight of positives; auto: negatives per positive in training")
    )

    @model_validator(mode="after")
    def _fits(self) -> "Loss":
        if self.name == "CrossEntropyLoss" and (self.reduction != "mean" or self.pos_weight is not None):
            raise ValueError("CrossEntropyLoss takes neither reduction nor pos_weight; they are BCEWithLogitsLoss's")
        return self


class EarlyStopping(Strict):
    """Stop when the metric on validation has not improved for `patience` epochs."""

    patience: int = Field(gt=0)
    min_delta: float = Field(0, ge=0)


class InitFrom(Strict):
    """The run whose best weights this one starts from; keys left out are the run's own."""

    dataset: str | None = None
    architecture: str | None = None
    optimizer: str | None = None
    recipe: str | None = None
    seed: int | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "InitFrom":
        if not self.model_dump(exclude_none=True):
            raise ValueError("names no other run; give at least one of dataset, architecture, optimizer, recipe, seed")
        return self


def _normalize(value: Any) -> Any:
    return None if value == "none" else value


Patterns = Annotated[tuple[str, ...], Field(min_length=1)]


class Recipe(Strict):
    """Everything about training but the optimizer."""

    epochs: int = Field(gt=0)
    batch_size: int = Field(128, gt=0)
    accumulate: int = Field(1, gt=0, description="batches whose gradients make one step")
    schedule: Schedule | None = None
    augment: tuple[Transform, ...] = ()
    normalize: Annotated[
        Literal["dataset", "pretrained"] | Normalize | None,
        BeforeValidator(_normalize, json_schema_input_type=Literal["dataset", "pretrained", "none"] | Normalize | None),
    ] = Field(
        "dataset",
        description="dataset (mean and std of the training split), pretrained (as the library's weights expect), "
        "{mean, std}, or none",
    )
    freeze: Literal["backbone", "batch_norm"] | Patterns | None = Field(
        None, description="what does not train: all but the classifier, batch-norm layers, or parameters by patterns"
    )
    loss: Annotated[Loss, BeforeValidator(_loss_name, json_schema_input_type=LossName | Loss)] | None = Field(
        None, description="left out: CrossEntropyLoss, or BCEWithLogitsLoss for multi-label data"
    )
    label_smoothing: float = Field(0, ge=0, lt=1)
    clip_grad_norm: float | None = Field(None, gt=0)
    on_out_of_memory: Literal["fail", "halve_batch"] = Field(
        "fail",
        description="halve_batch: where memory runs out, start again with half of a batch's images in a forward pass, "
        "down to one; the effective batch stays",
    )
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool | None = Field(None, description="memory layout; left out: channels last where that is faster")
    compile: bool = False
    early_stopping: EarlyStopping | None = None
    init_from: InitFrom | None = None
    track_test: bool = Field(False, description="also evaluate the test split at every epoch; it still chooses nothing")
    resources: Resources = Field(Resources(), exclude=True, description=HINTS)


class Block(Strict):
    """A product of the names it gives; an axis left out means all its names."""

    datasets: Names | None = None
    architectures: Names | None = None
    optimizers: Names | None = None
    recipes: Names | None = None


class Published(Strict):
    """A number that others published for an experiment. It decides nothing: the report compares ours with it."""

    value: float = Field(description="as our tables hold it: an accuracy of 92.15 % is 0.9215")
    metric: str | None = Field(None, description="left out: the study's metric")
    split: Literal["test", "validation", "train"] = "test"
    measured: Literal["best_over_epochs", "last_epoch", "chosen_on_validation"] = Field(
        description="which epoch's number it is: ours of the same measure stands beside it"
    )
    runs: int = Field(1, gt=0, description="of how many runs it is the mean")


def _listed_once(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Rungs(Block):
    """Experiments of a study, in the order of its tables, and what people should know of them."""

    notes: Text = Field("", description="why these experiments; the report prints it")
    published: Annotated[
        tuple[Published, ...],
        BeforeValidator(_listed_once, json_schema_input_type=Published | list[Published]),
    ] = Field((), description="numbers that others published for them")


def _seeds(value: Any) -> Any:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("a number of seeds must be at least 1")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is neither a number of seeds nor a list of seeds")
    return value


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed stands twice")
    return seeds


class Study(Strict):
    """One study file."""

    study: Name = Field(description="name of the study; its folder in results/ and report/")
    title: Text = ""
    description: Text = ""
    data_root: str = Field("data", description="where datasets that give no root are looked for")
    split_seed: int = Field(0, description="fixes the splits that Bakeoff makes itself")
    metric: str = Field(
        "accuracy",
        description="chooses the best epoch on validation, and leads the tables; one of these, or a plugin's",
        json_schema_extra={"anyOf": [{"enum": [m.name for m in METRICS.values() if m.every_epoch]}, {}]},
    )
    beta: float = Field(1, gt=0, description="of the F-beta metrics of multi-label data: recall counts beta times")
    target: float | None = Field(
        None,
        description="validation score (an accuracy of 92 % is 0.92) to which epochs and seconds are counted; left out: "
        "the weakest experiment's best",
    )
    plugins: tuple[str, ...] = Field((), description="Python files with own models, sources, transforms, metrics")
    smoke: bool = Field(False, description="shrink the study until it runs in a minute or two, into folders of its own")
    language: Literal["en", "ru"] = Field("en", description="of the report")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(1, gt=0, description="processor threads of one training job")
    jobs_per_gpu: int = Field(1, gt=0, description="training jobs that share a GPU at a time, for small models")
    gpu_wait_seconds: float = Field(600, ge=0, description="how long a job waits for a free GPU before it fails")
    measure_energy: bool = Field(False, description="estimate each run's energy with codecarbon (bakeoff[energy])")
    datasets: dict[Name, Dataset] = Field(min_length=1)
    architectures: dict[Name, Architecture] = Field(min_length=1)
    optimizers: dict[Name, Optimizer] = Field(min_length=1)
    recipes: dict[Name, Recipe] = Field(min_length=1)
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...],
        BeforeValidator(_seeds, json_schema_input_type=int | list[int]),
        AfterValidator(_distinct),
    ] = Field((0, 1, 2, 3, 4), min_length=1, description="a number of replicates, or a list of seeds")
    experiments: tuple[Rungs, ...] = Field((), description="narrows the study to these blocks, in this order")
    exclude: tuple[Block, ...] = Field((), description="takes cells away")

    @cached_property
    def entries(self) -> dict[str, dict[str, dict[str, Any]]]:
        """axis → name → the entry with its defaults filled in, as JSON holds it."""
        return {
            axis: {
                name: _without_infinity(entry.model_dump(mode="json")) for name, entry in getattr(self, axis).items()
            }
            for axis in AXES
        }

    @cached_property
    def cells(self) -> "dict[Experiment, None]":
        """The experiments, in order, to look up and to walk."""
        return dict.fromkeys(_experiments(self))

    def rungs_of(self, cell: "Experiment") -> tuple[Rungs, ...]:
        """The blocks of `experiments` that name an experiment."""
        return tuple(block for block in self.experiments if _holds(block, cell))

    @cached_property
    def declarations(self) -> tuple[Declaration, ...]:
        """What the plugin files register. Raises BakeoffError for a file that cannot be read."""
        return tuple(item for file in self.plugins for item in declared_in(Path(file)))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by its name: Bakeoff's and the plugins'."""
        ours = {
            name: replace(metric, label=metric.label.replace("F-beta", f"F{self.beta:g}"))
            for name, metric in METRICS.items()
        }
        return ours | {item.name: _plugin_metric(item) for item in self.declarations if item.kind == "metric"}

    @cached_property
    def weights_checksums(self) -> dict[str, str]:
        """The SHA-256 of the local weights file of each architecture that starts from one, where it is there."""
        files = {name: Path(str(entry.pretrained)) for name, entry in self.architectures.items() if entry.pretrained}
        return {name: checksum(file) for name, file in files.items() if file.is_file()}

    @property
    def leading_metric(self) -> Metric:
        """The metric that chooses the best epoch and leads the tables."""
        return self.metrics[self.metric]

    @cached_property
    def plugin_checksums(self) -> dict[str, str]:
        """The SHA-256 of each plugin file, by its name without folder."""
        return {Path(file).name: checksum(Path(file)) for file in self.plugins}


def _plugin_metric(item: Declaration) -> Metric:
    task = item.options.get("task", "multi-class")
    if task not in TASKS:
        raise StudyError(f"plugins: {item.file}:{item.line}: task is {task!r}; allowed: {', '.join(TASKS)}")
    return Metric(
        item.name,
        item.options.get("label") or item.name.replace("_", " "),
        (task,),
        item.options.get("higher_is_better", True),
        item.options.get("percent", True),
        headline=True,
    )


@dataclass(frozen=True, order=True)
class Experiment:
    """One cell of datasets × architectures × optimizers × recipes."""

    dataset: str
    architecture: str
    optimizer: str
    recipe: str

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.architecture}/{self.optimizer}/{self.recipe}"

    def run(self, seed: int) -> "Run":
        return Run(self.dataset, self.architecture, self.optimizer, self.recipe, seed)


FINISHED = ("completed", "diverged", "out_of_memory")  # how a run with a result ended


@dataclass(frozen=True, order=True)
class Run:
    """An experiment with a seed."""

    dataset: str
    architecture: str
    optimizer: str
    recipe: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.architecture}/{self.optimizer}/{self.recipe}/seed{self.seed}"

    @property
    def experiment(self) -> Experiment:
        return Experiment(self.dataset, self.architecture, self.optimizer, self.recipe)


def experiments(study: Study) -> list[Experiment]:
    """The cells of the study, in the study's order."""
    return list(study.cells)


def runs(study: Study) -> list[Run]:
    """Every run of the study: its experiments times its seeds."""
    return [cell.run(seed) for cell in study.cells for seed in study.seeds]


def parent(study: Study, run: Run) -> Run | None:
    """The run whose weights `run` starts from."""
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


def _experiments(study: Study) -> list[Experiment]:
    excluded = {cell for block in study.exclude for cell in _product(study, block)}
    listed = [cell for block in study.experiments or (Block(),) for cell in _product(study, block)]
    return [cell for cell in listed if cell not in excluded]


def _product(study: Study, block: Block) -> list[Experiment]:
    names = [getattr(block, axis) if getattr(block, axis) is not None else tuple(getattr(study, axis)) for axis in AXES]
    return [Experiment(*cell) for cell in itertools.product(*names)]


def _holds(block: Block, cell: Experiment) -> bool:
    names = zip(AXES, (cell.dataset, cell.architecture, cell.optimizer, cell.recipe), strict=True)
    return all(getattr(block, axis) is None or name in getattr(block, axis) for axis, name in names)
