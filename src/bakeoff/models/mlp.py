"""Multilayer perceptrons."""

from collections.abc import Sequence

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.study.arguments import nearest

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


def mlp(
    images: ImageShape,
    hidden: Sequence[int] = (),
    activation: str = "relu",
    batch_norm: bool | Sequence[bool] = False,
    dropout: float = 0.0,
) -> nn.Module:
    """Flatten, then Linear – [BatchNorm] – activation – [Dropout] per hidden width, then Linear to the classes.

    `batch_norm` is one value for all hidden layers, or one for each.
    """
    pixels = images.channels * images.height * images.width
    layers = perceptron_layers(pixels, images.classes, hidden, activation, batch_norm, dropout)
    return nn.Sequential(nn.Flatten(), *layers)


def perceptron_layers(
    inputs: int,
    outputs: int,
    hidden: Sequence[int],
    activation: str,
    batch_norm: bool | Sequence[bool],
    dropout: float,
) -> list[nn.Module]:
    """The layers from a vector of `inputs` features to `outputs` logits."""
    normed = [batch_norm] * len(hidden) if isinstance(batch_norm, bool) else list(batch_norm)
    if len(normed) != len(hidden):
        raise BakeoffError(f"batch_norm has {len(normed)} values for {len(hidden)} hidden layers")
    activation_layer(activation)  # a wrong name is an error even where no hidden layer uses it
    layers: list[nn.Module] = []
    for width, norm in zip(hidden, normed, strict=True):
        layers.append(nn.Linear(inputs, positive(width, "hidden")))
        if norm:
            layers.append(nn.BatchNorm1d(width))
        layers.append(activation_layer(activation))
        if dropout:
            layers.append(nn.Dropout(dropout))
        inputs = width
    return [*layers, nn.Linear(inputs, outputs)]


def activation_layer(name: str) -> nn.Module:
    """The activation of that name. Raises BakeoffError."""
    if name not in ACTIVATIONS:
        raise BakeoffError(f"unknown activation {name!r}; {nearest(name, list(ACTIVATIONS))}")
    return ACTIVATIONS[name]()


def positive(value: object, what: str) -> int:
    """A width or a number of channels: a whole number above 0. Raises BakeoffError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BakeoffError(f"{what} must be whole numbers above 0; found {value!r}")
    return value
