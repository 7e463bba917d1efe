"""Layers that do not train."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bakeoff.errors import BakeoffError
from bakeoff.models.classifier import classifier_path
from bakeoff.study.arguments import nearest

Freeze = Literal["backbone", "batch_norm"] | Sequence[str] | None


def freeze(network: nn.Module, what: Freeze) -> None:
    """Exclude parameters from training: all but the classifier's, those of batch-norm layers, or those whose names
    match one of the patterns (as of file names: `layer1.*`). Raises BakeoffError when nothing is left to train."""
    if what is None:
        return
    for name in _frozen_names(network, what):
        network.get_parameter(name).requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise BakeoffError("no parameter is left to train")


def train_mode(network: nn.Module, what: Freeze) -> None:
    """Switch to training mode. What is frozen stays in evaluation mode: batch-norm keeps its statistics, and a frozen
    backbone applies no dropout."""
    if what is None:
        network.train()
    elif what == "backbone":
        network.eval()
        network.get_submodule(classifier_path(network)).train()
    else:
        network.train()
        for module in network.modules():
            if isinstance(module, _BatchNorm) and _is_frozen(module):
                module.eval()


def _is_frozen(module: nn.Module) -> bool:
    """Whether a module has parameters and all of them are frozen."""
    parameters = list(module.parameters())
    return bool(parameters) and not any(parameter.requires_grad for parameter in parameters)


def _frozen_names(network: nn.Module, what: str | Sequence[str]) -> list[str]:
    names = [name for name, _ in network.named_parameters()]
    if what == "backbone":
        classifier = classifier_path(network)
        return [name for name in names if not name.startswith(f"{classifier}.")]
    if what == "batch_norm":
        layers = [path for path, module in network.named_modules() if isinstance(module, _BatchNorm)]
        if not layers:
            raise BakeoffError("batch_norm, but the network has no batch-norm layer")
        return [f"{path}.{name}" for path in layers for name, _ in network.get_submodule(path).named_parameters()]
    for pattern in what:
        if not any(fnmatchcase(name, pattern) for name in names):
            starts = {f"{name.partition('.')[0]}.*" for name in names}
            raise BakeoffError(f"no parameter is called {pattern!r}; {nearest(pattern, starts)}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in what)]
