"""Networks of timm."""

from typing import Any

from torch import nn

from bakeoff.errors import BakeoffError, first_line
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.stem import fit_small_images
from bakeoff.study.arguments import nearest


def timm_model(name: str, images: ImageShape, small_images: bool, **arguments: Any) -> nn.Module:
    """timm's model of that name for these images, without pretrained weights. Raises BakeoffError."""
    import timm

    if not timm.is_model(name):
        close = nearest(name, timm_names()).split("? ")
        guess = f"; {close[0]}?" if len(close) > 1 else ""
        raise BakeoffError(f"timm has no model {name!r}{guess}; list them with timm.list_models()", ["model"])
    model, _, tag = name.partition(".")
    tags = timm.list_pretrained(f"{model}.*") if tag else []
    if tag and name not in tags:
        known = nearest(tag, [item.partition(".")[2] for item in tags])
        raise BakeoffError(f"timm's {model} has no pretrained tag {tag!r}; {known}", ["model"])
    configuration = timm.models.get_pretrained_cfg(name)
    if configuration is not None and configuration.fixed_input_size:
        arguments = {"img_size": (images.height, images.width), **arguments}
    try:
        network = timm.create_model(name, in_chans=images.channels, num_classes=images.classes, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise BakeoffError(f"timm/{name} cannot be built with {arguments}: {first_line(error)}") from error
    if small_images:
        fit_small_images(network, f"timm/{name}")
    return network


def timm_names() -> list[str]:
    """The names of timm's models, without the tags of their weights."""
    import timm

    return timm.list_models()


def timm_donor(name: str, channels: int) -> nn.Module:
    """The model with its pretrained weights, downloaded where they are not cached."""
    import timm

    return timm.create_model(name, pretrained=True, in_chans=channels)


def timm_normalization(name: str) -> tuple[list[float], list[float]] | None:
    """Mean and standard deviation of the channels that its pretrained weights expect; None where timm knows none."""
    import timm

    configuration = timm.models.get_pretrained_cfg(name)
    return None if configuration is None else (list(configuration.mean), list(configuration.std))
