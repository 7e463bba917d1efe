"""The weights that a network starts from: a library's pretrained ones, a local file's, or another run's."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffError, first_line, under
from bakeoff.models.classifier import classifier_path
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model, split_name
from bakeoff.study.entries import Architecture

Weights = Mapping[str, Tensor]
WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys under which training scripts keep the weights


def load_pretrained(network: nn.Module, architecture: Architecture, images: ImageShape) -> None:
    """Fill a network with its entry's pretrained weights; a classifier for other classes keeps its own.

    Raises BakeoffError when the weights cannot be had or belong to another architecture.
    """
    if architecture.pretrained is not False:
        with under("pretrained"):
            fit_weights(network, pretrained_weights(architecture, images), str(architecture.pretrained))


def check_pretrained(architecture: Architecture, images: ImageShape) -> None:
    """Raise BakeoffError unless the weights can be had and fit; those of a hub are downloaded now."""
    if architecture.pretrained is False or architecture.pretrained == "random":
        return
    with torch.device("meta"):
        network = build_model(architecture, images)
    with under("pretrained"):
        given = {name: value.to("meta") for name, value in pretrained_weights(architecture, images).items()}
        fit_weights(network, given, str(architecture.pretrained))


def pretrained_weights(architecture: Architecture, images: ImageShape) -> Weights:
    """The weights that `pretrained` names, on the CPU."""
    if architecture.pretrained == "random":
        return _random(architecture, images)
    if isinstance(architecture.pretrained, str):
        return read_weights(Path(architecture.pretrained))
    return _from_library(architecture, images)


def read_weights(path: Path) -> Weights:
    """The tensors of a safetensors file, or of one that torch.save wrote; never other objects. Raises BakeoffError."""
    if not path.is_file():
        raise BakeoffError(f"there is no file {path}; give true, random, or the path of a weights file")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except Exception as error:  # the readers may raise anything for what is not a weights file
        raise BakeoffError(f"{path} cannot be read as weights alone: {first_line(error)}") from error
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise BakeoffError(f"{path} does not hold a state_dict (names with tensors)")
    return {name.removeprefix("module."): value for name, value in content.items()}


def fit_weights(network: nn.Module, given: Weights, source: str) -> None:
    """Copy weights into a network of the same names and shapes.

    Of the classifier, what is missing or has another shape keeps its own weights: it is for other classes. Raises
    BakeoffError naming the first weight that does not fit.
    """
    wanted = network.state_dict()
    classifier = f"{classifier_path(network)}."
    fitting = {name: value for name, value in given.items() if name in wanted and wanted[name].shape == value.shape}
    needed = [name for name in wanted if not name.startswith(classifier) and not name.endswith("num_batches_tracked")]
    for name in [*needed, *given]:
        if name in fitting or name.startswith(classifier) or (name not in wanted and _is_spare(name, classifier)):
            continue
        there = tuple(given[name].shape) if name in given else "missing"
        here = tuple(wanted[name].shape) if name in wanted else "missing"
        raise BakeoffError(f"{source}: weights of another architecture: {name} is {there} there and {here} here")
    if not fitting:
        raise BakeoffError(f"{source}: nothing of it fits: the network is only a classifier, for other classes")
    network.load_state_dict(fitting, strict=False)


def pretrained_normalization(architecture: Architecture, channels: int) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the channels that a library's pretrained weights expect, pixels in 0..1.

    Raises BakeoffError where they are unknown or for another number of channels.
    """
    library, name = split_name(architecture.model)
    found = library.normalization(name) if library else None
    if found is None:
        raise BakeoffError(
            f"pretrained, but it is unknown what {architecture.model} expects; give mean and std", ["normalize"]
        )
    mean, std = found
    if len(mean) != channels:
        raise BakeoffError(
            f"pretrained, but {architecture.model} expects {len(mean)} channels and the images have "
            f"{channels}; set normalize: dataset, or mode: {'RGB' if len(mean) == 3 else 'L'} for the dataset",
            ["normalize"],
        )
    return mean, std


def _is_spare(name: str, classifier: str) -> bool:
    """Whether a name that the network lacks is of a classifier around this one's place (`head.weight` where we have
    `head.fc.weight`), or of an auxiliary classifier, which timm and torchvision call `aux1`, `AuxLogits`."""
    owner = name.rpartition(".")[0]
    return classifier.startswith(f"{owner}.") or name.lower().startswith("aux")


def _from_library(architecture: Architecture, images: ImageShape) -> Weights:
    library, name = split_name(architecture.model)
    if library is None:
        raise BakeoffError(f"{architecture.model} has no pretrained weights; give the path of a file")
    try:
        donor = library.donor(name, images.channels)
    except Exception as error:  # the hub, the network and the cache may raise anything
        raise BakeoffError(
            f"the weights of {architecture.model} cannot be had: {first_line(error)}. "
            "Without a network, fetch the file elsewhere and give its path: pretrained: weights.safetensors"
        ) from error
    return donor.state_dict()


def _random(architecture: Architecture, images: ImageShape) -> Weights:
    """Weights that depend only on the model: the same for all seeds."""
    name = hashlib.sha256(architecture.model.encode()).digest()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(name[:8], "big") >> 1)
        network = build_model(architecture, images)
    classifier = f"{classifier_path(network)}."
    return {name: value for name, value in network.state_dict().items() if not name.startswith(classifier)}
