"""What one entry of a study may say: a dataset, an architecture, an optimizer, a recipe.

Pure Python, without torch: Snakemake reads it whenever it plans.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bakeoff.files import in_every_value
from bakeoff.study.values import (
    WITHOUT_WEIGHT,
    ClassWeights,
    PixelRange,
    Seed,
    Weight,
    as_number,
    listed,
)

SPLITS = ("train", "validation", "test")


class Strict(BaseModel):
    """An entry in which unknown keys, infinity and NaN are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants")


class Open(BaseModel):
    """An entry whose further keys are keyword arguments of what it names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants")

    @model_validator(mode="before")
    @classmethod
    def _coerce_numbers(cls, entry: Any) -> Any:
        return in_every_value(entry, as_number)

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class PerClass(Strict):
    """The exact number of images of each class in a split; splits left out keep all."""

    train: int | None = Field(None, gt=0)
    validation: int | None = Field(None, gt=0)
    test: int | None = Field(None, gt=0)


Duplicates = Literal["error", "warn", "allow"]


class Dataset(Open):
    """Where images and labels come from. Further keys are arguments of the source, as docs/study.md lists them."""

    source: str = Field(description="digits, torchvision, folder, csv, voc, tiny_imagenet, or a plugin's")
    root: str | None = Field(None, description="folder with the files; default: data_root")
    resize: int | tuple[int, int] | None = Field(
        None, description="height and width in pixels; one number for a square, or with center_crop the shorter side"
    )
    center_crop: int | tuple[int, int] | None = Field(
        None, description="height and width to cut out of the centre after resizing; one number for a square"
    )
    mode: Literal["L", "RGB"] | None = Field(None, description="convert every image to grayscale (L) or RGB")
    pixel_range: PixelRange | None = Field(
        None, description="values that become black and white, of images deeper than 8 bits; values outside are cut off"
    )
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the training split, stratified, used for validation when the source has no such split",
    )
    per_class: PerClass | None = Field(
        None, description="exact number of images of each class in a split, drawn by split_seed; multi-class only"
    )
    limit: int | None = Field(
        None, gt=0, description="most images of a split, drawn by split_seed; every class keeps at least one"
    )
    splits: int | None = Field(
        None, ge=2, description="random cuts into train, validation and test; experiments are trained on each"
    )
    folds: int | None = Field(
        None, ge=2, description="number of folds of cross-validation: each is the test split once"
    )
    on_bad_image: Literal["error", "skip"] = "error"
    duplicates: Duplicates = Field(
        "warn", exclude=True, description="the same image in two splits; changing it trains nothing again"
    )

    @model_validator(mode="after")
    def _one_way_to_repeat(self) -> "Dataset":
        if self.splits is not None and self.folds is not None:
            raise ValueError(f"found splits: {self.splits} and folds: {self.folds}; give one of the two")
        return self


class Resources(Strict):
    """What a training job asks a cluster for at its first attempt. Changing it trains nothing again."""

    mem_mb: int | None = Field(None, gt=0, description="memory in MB")
    runtime: int | None = Field(None, gt=0, description="time limit in minutes")


HINTS = "what to ask a cluster for; the larger of the architecture's and the recipe's; left out: the profile's"


class Head(Strict):
    """Dropout, Linear, ReLU, Linear in place of a library model's classifier."""

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
        description="true: the library's weights, from its hub; random: fixed random weights, the same for all seeds; "
        "or the path of a safetensors or torch file",
    )
    head: Head | None = Field(None, description="replaces the classifier of timm/NAME and torchvision/NAME")
    resources: Resources = Field(Resources(), exclude=True, description=HINTS)


class Optimizer(Open):
    """An optimizer of torch.optim or timm.optim. Further keys are its keyword arguments."""

    name: str = Field(description="its name in torch.optim (SGD) or timm.optim (lamb), in any case")


class Schedule(Open):
    """A learning-rate schedule of torch.optim.lr_scheduler. Further keys are its keyword arguments."""

    name: str | None = Field(None, description="class of torch.optim.lr_scheduler; left out: only the warm-up")
    warmup: float = Field(0, ge=0, description="epochs of linear warm-up")
    interval: Literal["epoch", "step"] = Field("epoch", description="when the schedule steps")


def _of_name(entry: Any) -> Any:
    return {"name": entry} if isinstance(entry, str) else entry


def _as_written(schema: dict[str, Any]) -> None:
    """The JSON schema of a transform as a study writes it, not of the fields that are read from it."""
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
        if isinstance(entry, dict) and len(entry) == 1 and "name" not in entry:
            ((name, arguments),) = entry.items()
            return {"name": name, "arguments": in_every_value(arguments or {}, as_number)}
        return _of_name(entry)


class Normalize(Strict):
    """Means and standard deviations of the channels, for pixels scaled to 0..1."""

    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]


# What others call a precision → what it is called here, and in specifications.
PRECISIONS = {
    "fp32": "float32",
    "f32": "float32",
    "32": "float32",
    "32-true": "float32",
    "float": "float32",
    "single": "float32",
    "torch.float32": "float32",
    "bf16": "bfloat16",
    "bf16-mixed": "bfloat16",
    "torch.bfloat16": "bfloat16",
}
LossName = Literal["CrossEntropyLoss", "BCEWithLogitsLoss"]


class Loss(Strict):
    """The training loss, written as its name or as a mapping."""

    name: LossName
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="BCEWithLogitsLoss: mean or sum over labels; over images it is always the mean"
    )
    pos_weight: Literal["auto"] | Weight | tuple[Weight, ...] | None = Field(
        None, description="BCEWithLogitsLoss: weight of positives; auto: negatives per positive in training"
    )
    class_weights: ClassWeights | None = Field(
        None,
        exclude_if=lambda value: value is None,  # younger than some results: their specifications stay
        description="CrossEntropyLoss: weights of classes by name, 1 where left out; balanced: by images in training",
    )

    @model_validator(mode="after")
    def _fits(self) -> "Loss":
        if self.name == "CrossEntropyLoss" and (self.reduction != "mean" or self.pos_weight is not None):
            raise ValueError("CrossEntropyLoss takes neither reduction nor pos_weight; BCEWithLogitsLoss does")
        if self.name == "BCEWithLogitsLoss" and self.class_weights is not None:
            raise ValueError(
                "BCEWithLogitsLoss takes no class_weights; say pos_weight: auto, or a number for each label"
            )
        return self


class EarlyStopping(Strict):
    """Stop when the validation metric has not improved for `patience` epochs."""

    patience: int = Field(gt=0)
    min_delta: float = Field(0, ge=0)


class InitFrom(Strict):
    """The run whose best weights this one starts from; keys that are left out are this run's own."""

    dataset: str | None = None
    architecture: str | None = None
    optimizer: str | None = None
    recipe: str | None = None
    seed: Seed | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "InitFrom":
        if not self.model_dump(exclude_none=True):
            raise ValueError("names no other run; give at least one of dataset, architecture, optimizer, recipe, seed")
        return self


class Recipe(Strict):
    """Everything about training except the optimizer."""

    epochs: int = Field(gt=0)
    batch_size: int = Field(128, gt=0)
    accumulate: int = Field(1, gt=0, description="number of batches whose gradients make one step")
    schedule: Schedule | None = None
    augment: Annotated[
        tuple[Transform, ...], BeforeValidator(listed, json_schema_input_type=Transform | list[Transform])
    ] = ()
    normalize: Annotated[
        Literal["dataset", "pretrained"] | Normalize | None,
        BeforeValidator(
            lambda value: None if value == "none" else value,
            json_schema_input_type=Literal["dataset", "pretrained", "none"] | Normalize | None,
        ),
    ] = Field(
        "dataset",
        description="dataset (mean and std of its training split), pretrained (what the library's weights expect), "
        "{mean, std}, or none",
    )
    freeze: Literal["backbone", "batch_norm"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="what does not train: all but the classifier, batch-norm layers, or parameters by patterns"
    )
    loss: Annotated[Loss, WITHOUT_WEIGHT, BeforeValidator(_of_name, json_schema_input_type=LossName | Loss)] | None = (
        Field(None, description="left out: CrossEntropyLoss, or BCEWithLogitsLoss for multi-label data")
    )
    label_smoothing: float = Field(0, ge=0, lt=1)
    clip_grad_norm: float | None = Field(None, gt=0)
    on_out_of_memory: Literal["fail", "halve_batch"] = Field(
        "fail",
        description="halve_batch: when memory runs out, start again with half as many images in a forward pass, down "
        "to one; the effective batch size stays",
    )
    precision: Annotated[
        Literal["float32", "bfloat16"],
        BeforeValidator(
            lambda value: PRECISIONS.get(str(value), value),
            json_schema_input_type=Literal["float32", "bfloat16", "fp32", "bf16"],
        ),
    ] = Field("float32", description="of the forward pass; weights are float32")
    channels_last: bool | None = Field(None, description="memory layout; left out: channels last where it is faster")
    compile: bool = False
    early_stopping: EarlyStopping | None = None
    init_from: InitFrom | None = None
    track_test: bool = Field(False, description="also evaluate the test split at every epoch; it still chooses nothing")
    resources: Resources = Field(Resources(), exclude=True, description=HINTS)
