"""Fitting libraries' networks to images that they were not made for."""

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.classifier import put_on


def set_input_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution of a network made for RGB images when the images have other channels."""
    path, convolution = first_convolution(network)
    if convolution.in_channels != channels:
        put_on(network, path, _like(convolution, in_channels=channels))


def fit_small_images(network: nn.Module, name: str) -> None:
    """Give a network a 3x3 stride-1 stem without max-pool (the CIFAR form of He et al. 2016, section 4.2)."""
    path, convolution = first_convolution(network)
    pools = [pool_path for pool_path, module in network.named_modules() if isinstance(module, nn.MaxPool2d)]
    if max(convolution.stride) == 1 and not pools:
        raise BakeoffError(f"{name} has no stem that shrinks images; leave the key out", ["small_images"])
    stem = nn.Conv2d(convolution.in_channels, convolution.out_channels, 3, 1, 1, bias=convolution.bias is not None)
    _initialise(stem)
    put_on(network, path, stem)
    if pools and "." not in pools[0]:
        put_on(network, pools[0], nn.Identity())


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d]:
    """The path and the module of the convolution that sees the image."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    raise BakeoffError(f"{type(network).__name__} has no convolution to fit to the images")


def _like(convolution: nn.Conv2d, in_channels: int) -> nn.Conv2d:
    fitted = nn.Conv2d(
        in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        bias=convolution.bias is not None,
    )
    _initialise(fitted)
    return fitted


def _initialise(convolution: nn.Conv2d) -> None:
    """As the residual networks of torchvision and timm initialise their convolutions."""
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
