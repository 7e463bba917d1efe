"""Networks of torchvision.models."""

from typing import Any

from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.stem import fit_small_images, set_input_channels
from bakeoff.study.arguments import nearest


def torchvision_model(name: str, images: ImageShape, small_images: bool, **arguments: Any) -> nn.Module:
    """torchvision's classifier of that name for these images, without pretrained weights. Raises BakeoffError."""
    import torchvision

    if name not in torchvision_names():
        raise BakeoffError(f"torchvision has no model {name!r}; {nearest(name, torchvision_names())}", ["model"])
    if name.startswith("vit_"):
        arguments = {"image_size": images.height, **arguments}
    try:
        network = torchvision.models.get_model(name, weights=None, num_classes=images.classes, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise BakeoffError(f"torchvision/{name} cannot be built with {arguments}: {error}") from error
    set_input_channels(network, images.channels)
    if small_images:
        fit_small_images(network, f"torchvision/{name}")
    return network


def torchvision_names() -> list[str]:
    """The names of torchvision's classifiers."""
    import torchvision

    return torchvision.models.list_models(module=torchvision.models)


def torchvision_donor(name: str, channels: int) -> nn.Module:
    """The classifier with its pretrained weights, of 3 channels, downloaded where they are not cached."""
    import torchvision

    return torchvision.models.get_model(name, weights="DEFAULT")


def torchvision_normalization(name: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the channels that its pretrained weights expect."""
    import torchvision

    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    return list(transforms.mean), list(transforms.std)
