"""Plain convolutional networks, layer by layer as a study writes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import conv_block, with_perceptron
from bakeoff.models.mlp import ACTIVATIONS, activation_layer, positive
from bakeoff.study.arguments import check_arguments, nearest


@dataclass(frozen=True)
class Layer:
    """A kind of layer. `build(channels, value, **arguments)` gives its modules for so many input channels."""

    name: str
    description: str
    build: Callable[..., list[nn.Module]]
    needs_value: bool = True


def _conv(
    channels: int, value: int, kernel: int = 3, stride: int = 1, padding: int = 0, bias: bool = True
) -> list[nn.Module]:
    return [nn.Conv2d(channels, positive(value, "conv"), kernel, stride, padding, bias=bias)]


def _block(
    channels: int, value: int, kernel: int = 3, stride: int = 1, padding: int = 0, bias: bool = True
) -> list[nn.Module]:
    return [*conv_block(channels, positive(value, "block"), kernel, padding, stride, bias)]


def _pool(
    kind: type[nn.MaxPool2d | nn.AvgPool2d], channels: int, value: int, stride: int | None = None, padding: int = 0
) -> list[nn.Module]:
    return [kind(value, stride, padding)]


def _activation(name: str) -> Callable[[int], list[nn.Module]]:
    return lambda channels: [activation_layer(name)]


LAYERS = {
    layer.name: layer
    for layer in (
        Layer("conv", "convolution to that many channels", _conv),
        Layer("block", "convolution to that many channels, batch-norm, ReLU", _block),
        Layer("pool", "max-pool of that size", partial(_pool, nn.MaxPool2d)),
        Layer("average_pool", "average-pool of that size", partial(_pool, nn.AvgPool2d)),
        Layer("global_average_pool", "average over all positions", lambda channels: [nn.AdaptiveAvgPool2d(1)], False),
        Layer("batch_norm", "batch-norm", lambda channels: [nn.BatchNorm2d(channels)], False),
        Layer("dropout", "dropout with that probability", lambda channels, value: [nn.Dropout(value)]),
        *(Layer(name, "activation", _activation(name), False) for name in ACTIVATIONS),
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

    A layer is its name (`relu`, `batch_norm`), or a mapping of its name to its value with its arguments beside it
    (`{conv: 16, kernel: 5}`, `{pool: 2}`, `{dropout: 0.2}`). Raises BakeoffError naming the layer that is wrong.
    """
    if isinstance(layers, str):
        raise BakeoffError(f"layers: found the text {layers!r}; allowed: a list of layers, such as [{layers}]")
    channels = images.channels
    modules: list[nn.Module] = []
    for position, entry in enumerate(layers):
        built = _build_layer(entry, channels, f"layers.{position}")
        channels = next((module.out_channels for module in built if isinstance(module, nn.Conv2d)), channels)
        modules.extend(built)
    return with_perceptron(modules, images, hidden, hidden_dropout, hidden_activation, hidden_batch_norm)


def _build_layer(entry: str | dict[str, Any], channels: int, where: str) -> list[nn.Module]:
    arguments = {entry: None} if isinstance(entry, str) else dict(entry) if isinstance(entry, dict) else {}
    named = [name for name in arguments if name in LAYERS]
    if len(named) != 1:
        guess = nearest(next(iter(arguments), ""), LAYERS)
        raise BakeoffError(f"{where}: {entry!r} does not name exactly one layer; {guess}")
    layer = LAYERS[named[0]]
    value = arguments.pop(layer.name)
    if "value" in arguments:  # the name that the functions have for it
        raise BakeoffError(f"{where} ({layer.name}): unknown argument 'value'; it stands behind the layer's name")
    if layer.needs_value:
        if value is None:
            raise BakeoffError(f"{where}: {layer.name} needs a value: {{{layer.name}: ...}}")
        arguments["value"] = value
    elif value is not None:
        raise BakeoffError(f"{where}: {layer.name} takes no value; found {value!r}")
    check_arguments(layer.build, arguments, f"{where} ({layer.name})", ignore=frozenset({"channels"}))
    return layer.build(channels, **arguments)
