"""Parts that several of our own networks are built from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffError, first_line
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.mlp import perceptron_layers


def conv_block(
    channels_in: int, channels_out: int, kernel: int = 3, padding: int = 1, stride: int = 1, bias: bool = True
) -> nn.Sequential:
    """Convolution – batch-norm – ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=bias),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """ReLU(shortcut(x) + branch(x))."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.shortcut(x) + self.branch(x))


def two_convolutions(channels_in: int, channels_out: int, stride: int = 1, bias: bool = True) -> nn.Sequential:
    """The branch of a basic block: 3x3 convolution – batch-norm – ReLU – 3x3 convolution – batch-norm."""
    return nn.Sequential(
        *conv_block(channels_in, channels_out, stride=stride, bias=bias),
        nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=bias),
        nn.BatchNorm2d(channels_out),
    )


def with_perceptron(
    modules: Sequence[nn.Module],
    images: ImageShape,
    hidden: Sequence[int],
    dropout: float,
    activation: str = "relu",
    batch_norm: bool | Sequence[bool] = True,
) -> nn.Sequential:
    """Convolutional `modules`, then hidden layers of Linear – batch-norm – activation – dropout, and the classes."""
    width = _flat_features(nn.Sequential(*modules), images)
    head = perceptron_layers(width, images.classes, hidden, activation, batch_norm, dropout)
    return nn.Sequential(*modules, nn.Flatten(), *head)


@torch.no_grad()
def _flat_features(features: nn.Sequential, images: ImageShape) -> int:
    """The numbers that the convolutions make of an image. Raises BakeoffError where it shrinks to nothing."""
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
                f"layer {position} ({module}) cannot take an image of shape {before}: {first_line(error)}"
            ) from error
    features.train(training)
    return image[0].numel()
