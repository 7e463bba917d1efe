"""Parts that several of our own networks are built from."""

from torch import Tensor, nn


def conv_block(
    channels_in: int, channels_out: int, kernel: int = 3, padding: int = 1, stride: int = 1
) -> nn.Sequential:
    """Convolution (with bias) – batch-norm – ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding), nn.BatchNorm2d(channels_out), nn.ReLU()
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
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=bias),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=bias),
        nn.BatchNorm2d(channels_out),
    )
