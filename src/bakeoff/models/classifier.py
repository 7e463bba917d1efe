"""The last part of a network, from features to logits: finding it, replacing it, taking it off."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Head


class LinearAfterDropout(nn.Linear):
    """A linear layer with dropout on its inputs. Its weights have the names of a plain one, so that runs with and
    without dropout can start from each other."""

    def __init__(self, in_features: int, out_features: int, bias: bool, p: float) -> None:
        super().__init__(in_features, out_features, bias)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.dropout(x, self.p, self.training))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}"


class PerceptronHead(nn.Sequential):
    """Dropout – Linear – ReLU – Linear."""


def classifier_path(network: nn.Module) -> str:
    """The path of the module that turns features into logits: a PerceptronHead, or the last linear layer.

    Raises BakeoffError for a network without one.
    """
    heads = [path for path, module in network.named_modules() if isinstance(module, PerceptronHead)]
    if heads:
        return heads[0]
    named = getattr(network, "get_classifier", lambda: None)()  # timm's networks know theirs
    linear = [path for path, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise BakeoffError(f"{type(network).__name__} has no linear layer that gives the logits, so it cannot be split")
    return next((path for path in linear if network.get_submodule(path) is named), linear[-1])


def check_classifier(network: nn.Module, image: Tensor) -> None:
    """Raise BakeoffError unless the network returns its classifier's output unchanged for `image` [1, C, H, W]."""
    outputs: list[Tensor] = []
    path = classifier_path(network)
    hook = network.get_submodule(path).register_forward_hook(lambda module, inputs, output: outputs.append(output))
    with torch.no_grad():
        logits = network.eval()(image)
    hook.remove()
    if not (len(outputs) == 1 and outputs[0] is logits):
        raise BakeoffError(
            f"{type(network).__name__} does not end in its linear layer {path}: it cannot be split into a backbone "
            "and a classifier, which freeze: backbone, head and dropout need; freeze by patterns, or take another model"
        )


def take_off(network: nn.Module) -> tuple[nn.Module, str]:
    """Put the identity in the classifier's place, so that the network returns features; returns classifier and path."""
    path = classifier_path(network)
    classifier = network.get_submodule(path)
    network.set_submodule(path, nn.Identity())
    return classifier, path


def fit_classifier(network: nn.Module, dropout: float | None, head: Head | None) -> None:
    """Give a library's network dropout before its classifier, or a PerceptronHead in its place.

    Dropout that the library has right before the classifier becomes the classifier's own. Raises BakeoffError for
    values that are not allowed.
    """
    if dropout is not None and head is not None:
        raise BakeoffError("head has its own dropout; leave one of them out", ["dropout"])
    if dropout is not None and not 0 <= dropout < 1:
        raise BakeoffError(f"found {dropout}; allowed: a probability, 0 or more and less than 1", ["dropout"])
    if dropout is None and head is None and not any(isinstance(module, nn.Linear) for module in network.modules()):
        return
    path = classifier_path(network)
    linear = network.get_submodule(path)
    assert isinstance(linear, nn.Linear)
    built_in = _dropout_before(network, path)
    if head is not None:
        classifier: nn.Module = PerceptronHead(
            nn.Dropout(head.dropout),
            nn.Linear(linear.in_features, head.hidden),
            nn.ReLU(),
            nn.Linear(head.hidden, linear.out_features),
        )
    elif dropout is not None or built_in is not None:
        p = dropout if dropout is not None else built_in.p if built_in else 0.0
        classifier = LinearAfterDropout(linear.in_features, linear.out_features, linear.bias is not None, p)
        classifier.weight, classifier.bias = linear.weight, linear.bias  # as the library initialised them
    else:
        return
    if built_in is not None:
        built_in.p = 0.0
    network.set_submodule(path, classifier)


def _dropout_before(network: nn.Module, path: str) -> nn.Dropout | None:
    owner, _, name = path.rpartition(".")
    siblings = network.get_submodule(owner)
    if not isinstance(siblings, nn.Sequential) or not name.isdecimal() or name == "0":
        return None
    before = siblings[int(name) - 1]
    return before if isinstance(before, nn.Dropout) else None
