"""A run's network with its best weights, built again from what the run left."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor, nn

from bakeoff.data.batches import scale_and_shift
from bakeoff.data.card import read_card
from bakeoff.data.content import content_name
from bakeoff.errors import BakeoffError, first_line
from bakeoff.inference.plugin_of_run import load_plugin_of
from bakeoff.inference.preparation import Preparation, preparation_of
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.results.trained_runs import TrainedRun
from bakeoff.results.weights_file import NetworkInput, read_network_input
from bakeoff.study.entries import Architecture
from bakeoff.study.metrics import Task
from bakeoff.study.specification import digest, recipe_of
from bakeoff.training.assembly import network_input
from bakeoff.training.devices import memory_format, precision

if TYPE_CHECKING:
    from PIL.Image import Image

THRESHOLD = 0.5  # of a multi-label run that says none


class TrainedNetwork(nn.Module):
    """A run's `network` in eval mode: normalised images float32 [B, channels, height, width] → logits float32 [B, K] of
    `classes`, in the arithmetic of the run. `transform` makes such an image of a picture or a file.

    `threshold` is the probability from which a label of multi-label data counts as predicted.
    """

    def __init__(self, network: nn.Module, taken: NetworkInput, preparation: Preparation, run: TrainedRun) -> None:
        super().__init__()
        self.network = network
        self.taken = taken
        self.preparation = preparation
        self.run = run
        self.recipe = recipe_of(run.result.spec)
        thresholds = run.result.metrics.thresholds
        self.threshold = thresholds.for_all if thresholds else THRESHOLD
        self.eval()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the K classes, in the order of the logits."""
        return self.taken.classes

    @property
    def task(self) -> Task:
        """Whether an image has one class or any number of labels."""
        return self.taken.task

    def forward(self, images: Tensor) -> Tensor:
        with precision(self.recipe, images.device):
            logits: Tensor = self.network(images).float()
        return logits

    def transform(self, picture: "Image | Path | str") -> Tensor:
        """A picture or a file as the network takes it: float32 [channels, height, width]. Raises BadImage."""
        return self.normalize(torch.tensor(self.preparation.pixels(picture))[None])[0]

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 [B, channels, height, width] as float32, less the mean and divided by the standard deviation."""
        scale, shift = scale_and_shift(self.taken.mean, self.taken.std, self.taken.shape[0], pixels.device)
        wanted = memory_format(self.recipe.channels_last, self.network, pixels.device, self.recipe.precision)
        return pixels.to(torch.float32, memory_format=wanted).mul_(scale).add_(shift)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Of each class [B, K], float64: they sum to 1, or for multi-label data stand each alone."""
        return logits.double().softmax(1) if self.task == "multi-class" else logits.double().sigmoid()


def load_network(run: TrainedRun, plugins: Sequence[Path] = (), device: torch.device | str = "cpu") -> TrainedNetwork:
    """The network of a run. `plugins` are files to look into for a model that is not Bakeoff's own.

    Raises BakeoffError where the run does not say what its network takes, and where the network cannot be built.
    """
    spec, taken = run.result.spec, input_of(run)
    architecture = Architecture.model_validate(spec["architecture"])
    load_plugin_of(run, architecture.model, plugins)
    with torch.random.fork_rng(devices=[]):  # a caller's random numbers stay as they were
        network = build_model(architecture, ImageShape(*taken.shape, len(taken.classes)))
    try:
        network.load_state_dict(safetensors.torch.load_file(run.paths.model))
    except RuntimeError as error:
        trained_with = run.result.provenance
        raise BakeoffError(
            f"{run.paths.model}: does not fit the network that is built here: {first_line(error)} The run was trained "
            f"with torch {trained_with.torch}, torchvision {trained_with.torchvision} and timm {trained_with.timm}"
        ) from error
    network.to(device)
    recipe = recipe_of(spec)
    wanted = memory_format(recipe.channels_last, network, torch.device(device), recipe.precision)
    network.to(memory_format=wanted)
    return TrainedNetwork(network, taken, preparation_of(run.result, taken), run)


def input_of(run: TrainedRun) -> NetworkInput:
    """What the network takes: as its weights file says, or for one of Bakeoff 0.1.0 the card of the prepared data."""
    return read_network_input(run.paths.model) or _from_card(run)


def prepared_folder(run: TrainedRun) -> Path:
    """Where the data of a run are prepared, beside its study's folder in results/; they may not be there."""
    name = f"{run.result.run.dataset}-{digest(run.result.spec['dataset'])[:8]}"
    above = run.paths.folder.absolute().parents
    return (above[6] if len(above) > 6 else above[0]) / "data" / name


def _from_card(run: TrainedRun) -> NetworkInput:
    folder = prepared_folder(run)
    try:
        card = read_card(folder)
    except BakeoffError as error:
        raise BakeoffError(
            f"{run.paths.model}: was written by an older Bakeoff and does not say what its network takes; "
            f"that stands in {folder}, which is not here"
        ) from error
    if run.result.data not in (None, content_name(card)):
        raise BakeoffError(f"{folder}: these are not the data that {run.paths.folder} was trained on")
    spec = run.result.spec
    return network_input(recipe_of(spec), Architecture.model_validate(spec["architecture"]), card)
