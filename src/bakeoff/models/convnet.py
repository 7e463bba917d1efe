"""Plain convolutional networks, layer by layer as a study writes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.mlp import ACTIVATIONS, activation_layer, perceptron_layers, positive
from bakeoff.study.arguments import check_arguments, nearest


@dataclass(frozen=True)
class Layer:
    """A kind of layer: `build(channels_in, value, **arguments)` returns its modules and the channels that leave it."""

    name: str
    description: str
    build: Callable[..., tuple[list[nn.Module], int]]
    needs_value: bool = True


def _conv(
    channels: int, value: int, kernel: int = 3, stride: int = 1, padding: int = 0, bias: bool = True
) -> tuple[list[nn.Module], int]:
    width = positive(value, "conv")
    return [nn.Conv2d(channels, width, kernel, stride, padding, bias=bias)], width


def _block(
    channels: int, value: int, kernel: int = 3, stride: int = 1, padding: int = 0, bias: bool = True
) -> tuple[list[nn.Module], int]:
    modules, width = _conv(channels, value, kernel, stride, padding, bias)
    return [*modules, nn.BatchNorm2d(width), nn.ReLU()], width


def _pool(channels: int, value: int, stride: int | None = None, padding: int = 0) -> tuple[list[nn.Module], int]:
    return [nn.MaxPool2d(value, stride, padding)], channels


def _average_pool(
    channels: int, value: int, stride: int | None = None, padding: int = 0
) -> tuple[list[nn.Module], int]:
    return [nn.AvgPool2d(value, stride, padding)], channels


def _global_average_pool(channels: int) -> tuple[list[nn.Module], int]:
    return [nn.AdaptiveAvgPool2d(1)], channels


def _batch_norm(channels: int) -> tuple[list[nn.Module], int]:
    return [nn.BatchNorm2d(channels)], channels


def _dropout(channels: int, value: float) -> tuple[list[nn.Module], int]:
    return [nn.Dropout(value)], channels


def _activation(name: str) -> Callable[[int], tuple[list[nn.Module], int]]:
    def build(channels: int) -> tuple[list[nn.Module], int]:
        return [activation_layer(name)], channels

    return build


LAYERS = {
    record.name: record
    for record in (
        Layer("conv", "convolution to that many channels", _conv),
        Layer("block", "convolution to that many channels, batch-norm, ReLU", _block),
        Layer("pool", "max-pool of that size", _pool),
        Layer("average_pool", "average-pool of that size", _average_pool),
        Layer("global_average_pool", "average over all positions", _global_average_pool, needs_value=False),
        Layer("batch_norm", "batch-norm", _batch_norm, needs_value=False),
        Layer("dropout", "dropout with that probability", _dropout),
        *(Layer(name, "activation", _activation(name), needs_value=False) for name in ACTIVATIONS),
    )
}


def convnet(
    images: ImageShape,
    layers: Sequence[str | dict[str, Any]],
    hidden: Sequence[int] = (),
    hidden_activation: str = "relu",
    hidden_batch_norm: bool | Sequence[bool] = False,
    hidden_dropout: float = 0.0,
) -> nn.Module:
    """The given layers, then a perceptron with `hidden` widths to the classes.

    A layer is its name (`relu`, `batch_norm`) or a mapping of its name to its value, with its arguments beside
    it (`{conv: 16, kernel: 5}`, `{pool: 2}`, `{dropout: 0.2}`).
    """
    channels = images.channels
    modules: list[nn.Module] = []
    for position, entry in enumerate(layers):
        built, channels = _build_layer(entry, channels, f"layers.{position}")
        modules.extend(built)
    width = _flat_features(nn.Sequential(*modules), images)
    head = perceptron_layers(width, images.classes, hidden, hidden_activation, hidden_batch_norm, hidden_dropout)
    return nn.Sequential(*modules, nn.Flatten(), *head)


def with_perceptron(
    modules: Sequence[nn.Module], images: ImageShape, hidden: Sequence[int], dropout: float
) -> nn.Sequential:
    """Convolutional `modules`, then hidden layers of Linear – batch-norm – ReLU – dropout, and the classes."""
    width = _flat_features(nn.Sequential(*modules), images)
    head = perceptron_layers(width, images.classes, hidden, "relu", True, dropout)
    return nn.Sequential(*modules, nn.Flatten(), *head)


def _build_layer(entry: str | dict[str, Any], channels: int, where: str) -> tuple[list[nn.Module], int]:
    arguments = {entry: None} if isinstance(entry, str) else dict(entry) if isinstance(entry, dict) else {}
    named = [name for name in arguments if name in LAYERS]
    if len(named) != 1:
        raise BakeoffError(f"{where}: {entry!r} names no one layer; {nearest(next(iter(arguments), ''), list(LAYERS))}")
    layer = LAYERS[named[0]]
    value = arguments.pop(layer.name)
    if layer.needs_value:
        if value is None:
            raise BakeoffError(f"{where}: {layer.name} needs a value: {{{layer.name}: ...}}")
        arguments["value"] = value
    elif value is not None:
        raise BakeoffError(f"{where}: {layer.name} takes no value; found {value!r}")
    check_arguments(layer.build, arguments, f"{where} ({layer.name})", ignore=frozenset({"channels"}))
    return layer.build(channels, **arguments)


@torch.no_grad()
def _flat_features(features: nn.Sequential, images: ImageShape) -> int:
    """How many numbers an image is after the convolutions. Raises BakeoffError where it has shrunk to nothing."""
    device = next(features.parameters(), torch.empty(0)).device
    image = torch.zeros(1, images.channels, images.height, images.width, device=device)
    training = features.training
    features.eval()
    for position, module in enumerate(features):
        before = tuple(image.shape[1:])
        try:
            image = module(image)
        except RuntimeError as error:
            raise BakeoffError(
                f"layer {position} ({module}) cannot take an image of shape {before}: {str(error).splitlines()[0]}"
            ) from error
    features.train(training)
    return image[0].numel()
