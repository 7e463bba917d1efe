"""Fitting libraries' networks to images that they were not made for."""

from typing import Any

from torch import nn

from bakeoff.errors import BakeoffError


def set_input_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution of a network made for RGB images when the images have other channels."""
    path, convolution = first_convolution(network)
    if convolution.in_channels != channels:
        size = convolution.kernel_size, convolution.stride, convolution.padding
        _put_convolution(network, path, channels, *size)


def fit_small_images(network: nn.Module, name: str) -> None:
    """Give a network a 3x3 stride-1 stem without max-pool (the CIFAR form of He et al. 2016, section 4.2)."""
    path, convolution = first_convolution(network)
    pools = [pool_path for pool_path, module in network.named_modules() if isinstance(module, nn.MaxPool2d)]
    if max(convolution.stride) == 1 and not pools:
        raise BakeoffError(f"{name} has no stem that shrinks images; leave the key out", ["small_images"])
    _put_convolution(network, path, convolution.in_channels, 3, 1, 1)
    if pools and "." not in pools[0]:
        network.set_submodule(pools[0], nn.Identity())


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d]:
    """The path and the module of the convolution that sees the image."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    raise BakeoffError(f"{type(network).__name__} has no convolution to fit to the images")


def _put_convolution(network: nn.Module, path: str, channels: int, kernel: Any, stride: Any, padding: Any) -> None:
    """Put a fresh convolution of so many input channels in a convolution's place, initialised as torchvision's and
    timm's residual networks are."""
    old = network.get_submodule(path)
    assert isinstance(old, nn.Conv2d)
    new = nn.Conv2d(channels, old.out_channels, kernel, stride, padding, bias=old.bias is not None)
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    network.set_submodule(path, new)
