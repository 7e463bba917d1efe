"""What a network is made of: layers, parameters and multiply-accumulate operations."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.errors import BakeoffError
from bakeoff.models.compiler import compiler_left_out
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture
from bakeoff.study.plugin_files import reason


@dataclass(frozen=True)
class LayerDescription:
    """A module without children through which the image passes; `output_shape` is without the batch."""

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class ModelDescription:
    """`macs` are the multiply-accumulate operations of one image's forward pass: half of PyTorch's count of FLOPs."""

    parameters: int
    macs: int
    layers: tuple[LayerDescription, ...]
    input_shape: tuple[int, int, int]
    classes: int


def describe(architecture: Architecture, images: ImageShape) -> ModelDescription:
    """Build the network on the meta device, which takes no memory or time, and pass one image through it, then a batch
    of two as in training.

    Raises BakeoffError when the network cannot be built for these images or does not return their logits.
    """
    shape = (images.channels, images.height, images.width)
    with torch.device("meta"):
        network = build_model(architecture, images).eval()
        image = torch.empty(1, *shape)
    layers: list[LayerDescription] = []
    leaves = [(name, module) for name, module in network.named_modules() if not any(module.children())]
    hooks = [module.register_forward_hook(partial(_record, layers, name)) for name, module in leaves]
    try:
        with compiler_left_out(), torch.no_grad():
            with FlopCounterMode(display=False) as counter:
                logits = network(image)
            for hook in hooks:
                hook.remove()
            trained = network.train()(image.expand(2, *shape))
    except Exception as error:  # networks may raise anything
        raise BakeoffError(f"{architecture.model} cannot take images of shape {shape}: {reason(error)}") from error
    if not isinstance(logits, torch.Tensor) or logits.shape != (1, images.classes):
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise BakeoffError(f"{architecture.model} returns {found} for one image; expected logits (1, {images.classes})")
    if not isinstance(trained, torch.Tensor):
        raise BakeoffError(
            f"{architecture.model} returns {type(trained).__name__} while it trains, expected logits alone; "
            "switch its auxiliary outputs off (aux_logits: false)"
        )
    return ModelDescription(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=counter.get_total_flops() // 2,
        layers=tuple(layers),
        input_shape=shape,
        classes=images.classes,
    )


def _record(layers: list[LayerDescription], name: str, module: nn.Module, inputs: object, output: object) -> None:
    shape = tuple(output.shape[1:]) if isinstance(output, torch.Tensor) else ()
    count = sum(parameter.numel() for parameter in module.parameters(recurse=False))
    layers.append(LayerDescription(name, type(module).__name__, shape, count))
