"""Which models there are, and how a study's entry becomes a network."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.classifier import fit_classifier
from bakeoff.models.convnet import convnet
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.inception_small import inception_small
from bakeoff.models.mlp import mlp
from bakeoff.models.residual_networks import basic_block_net, resnet_small
from bakeoff.models.timm_models import timm_donor, timm_model, timm_names, timm_normalization
from bakeoff.models.torchvision_models import (
    torchvision_donor,
    torchvision_model,
    torchvision_names,
    torchvision_normalization,
)
from bakeoff.models.vgg_small import vgg_small
from bakeoff.study import plugin_files
from bakeoff.study.arguments import check_arguments, nearest
from bakeoff.study.entries import Architecture


@dataclass(frozen=True)
class Model:
    """A network of our own: `build(images, **arguments)`."""

    name: str
    description: str
    build: Callable[..., nn.Module]


@dataclass(frozen=True)
class Library:
    """The networks of another package: `build(name, images, small_images, **arguments)`, for each of `names()`.

    `donor(name, channels)` has the package's pretrained weights; `normalization(name)` is the mean and standard
    deviation per channel that they expect, or None. `has_dropout`: dropout may be a module before the classifier.
    """

    name: str
    description: str
    build: Callable[..., nn.Module]
    names: Callable[[], Collection[str]]
    donor: Callable[[str, int], nn.Module]
    normalization: Callable[[str], tuple[list[float], list[float]] | None]
    has_dropout: bool = False


MODELS = {
    record.name: record
    for record in (
        Model("mlp", "perceptron of any depth; logistic regression without hidden layers", mlp),
        Model("convnet", "plain stack of convolutions with a perceptron on top", convnet),
        Model("vgg_small", "stages of 3x3 convolutions and max-pools", vgg_small),
        Model("inception_small", "Inception blocks of four branches", inception_small),
        Model("resnet_small", "convolutions with residual blocks between them", resnet_small),
        Model("basic_block_net", "residual network of basic blocks, 3x3 stem", basic_block_net),
    )
}
LIBRARIES = {
    record.name: record
    for record in (
        Library("timm", "every model of timm, as timm/NAME", timm_model, timm_names, timm_donor, timm_normalization),
        Library(
            "torchvision", "every classifier of torchvision.models, as torchvision/NAME",
            torchvision_model, torchvision_names, torchvision_donor, torchvision_normalization, has_dropout=True,
        ),
    )
}  # fmt: skip


def build_model(architecture: Architecture, images: ImageShape) -> nn.Module:
    """The network of an entry, with fresh weights drawn from torch's global generator.

    Input [batch, channels, height, width], output logits [batch, classes].
    Raises BakeoffError when there is no such model or it cannot be built for these images.
    """
    library, name = split_name(architecture.model)
    if library is not None:
        return _from_library(library, name, architecture, images)
    own = plugin_files.registered("model", MODELS)
    models = MODELS | {name: Model(name, plugin.description, plugin.build) for name, plugin in own.items()}
    if architecture.model not in models:
        raise _unknown(architecture.model, list(models))
    if architecture.small_images:
        raise BakeoffError(f"{architecture.model} has no stem to change; set its layers instead", ["small_images"])
    if architecture.head:
        raise BakeoffError(
            f"is for timm/NAME and torchvision/NAME; {architecture.model} has its own arguments", ["head"]
        )
    model = models[architecture.model]
    check_arguments(model.build, architecture.arguments, model.name, ignore=frozenset({"images"}))
    try:
        return model.build(images, **architecture.arguments)
    except BakeoffError:
        raise
    except Exception as error:  # an argument of a wrong type, or anything from a user's function
        given = ", ".join(f"{key}={value!r}" for key, value in architecture.arguments.items())
        raise BakeoffError(f"{model.name}({given}) cannot be built: {plugin_files.reason(error)}") from error


def split_name(model: str) -> tuple[Library | None, str]:
    """(timm's record, "resnet18") of timm/resnet18; (None, "mlp") of a model that is no library's."""
    library, _, name = model.partition("/")
    return (LIBRARIES[library], name) if name and library in LIBRARIES else (None, model)


def _unknown(model: str, models: list[str]) -> BakeoffError:
    """What is said of a model that there is not: a library's lacks the name of the library."""
    if found := [f"{name}/{model}" for name, library in LIBRARIES.items() if model in library.names()]:
        return BakeoffError(f"unknown model {model!r}; did you mean {' or '.join(map(repr, found))}?", ["model"])
    allowed = [*models, *(f"{name}/NAME" for name in LIBRARIES)]
    return BakeoffError(f"unknown model {model!r}; {nearest(model, allowed)}", ["model"])


def _from_library(library: Library, name: str, architecture: Architecture, images: ImageShape) -> nn.Module:
    arguments = architecture.arguments
    dropout = arguments.pop("dropout", None)
    network = library.build(name, images, architecture.small_images, **arguments)
    if dropout is not None or architecture.head is not None or library.has_dropout:
        fit_classifier(network, dropout, architecture.head)
    return network
