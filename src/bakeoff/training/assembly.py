"""What a run trains and on what: the network with its starting weights, and batches of images or of features."""

from dataclasses import dataclass

import safetensors.torch
import torch
from torch import nn

from bakeoff.data.augmentation import build_augmentation
from bakeoff.data.batches import Batches, FeatureBatches
from bakeoff.data.card import Card
from bakeoff.data.prepared import PreparedData
from bakeoff.models.classifier import take_off
from bakeoff.models.freezing import freeze
from bakeoff.models.image_shape import image_shape
from bakeoff.models.registry import build_model
from bakeoff.models.weights import fit_weights, load_pretrained, pretrained_normalization
from bakeoff.results.weights_file import NetworkInput
from bakeoff.study.entries import Architecture, Recipe
from bakeoff.study.paths import Layout
from bakeoff.study.specification import Specification
from bakeoff.training.devices import memory_format
from bakeoff.training.features import keep_features
from bakeoff.training.randomness import seed_global
from bakeoff.training.state import Splits, Weights, weights_of


@dataclass(frozen=True)
class Assembly:
    """`trained` is the network, or its classifier alone where the backbone's outputs are kept; `path` says where in
    the network it belongs."""

    network: nn.Module
    trained: nn.Module
    splits: Splits
    path: str | None = None

    def whole_weights(self, weights: Weights) -> Weights:
        """The weights of the whole network, from those of what was trained."""
        if self.path is None:
            return weights
        self.trained.load_state_dict(weights)
        self.network.set_submodule(self.path, self.trained)
        return weights_of(self.network)


def assemble(specification: Specification, layout: Layout, data: PreparedData, device: torch.device) -> Assembly:
    """Build the network of a run and the batches that it trains on; a frozen backbone's features are kept once.

    Raises BakeoffError when weights to start from cannot be had or do not fit.
    """
    recipe = specification.recipe
    network = _network(specification, layout, data)
    layout_in_memory = memory_format(recipe.channels_last, network, device, recipe.precision)

    def images() -> dict[str, Batches]:
        network.to(device, memory_format=layout_in_memory)  # type: ignore[call-overload]
        return _image_splits(specification, data, device, layout_in_memory)

    if specification.features is None:
        return Assembly(network, network, images())
    classifier, path = take_off(network)
    features = keep_features(network, images, recipe, specification.features, data)
    network.to("cpu")
    splits = {
        split: FeatureBatches(features[split], labels, recipe.batch_size, device)
        for split, (_, labels) in data.splits.items()
    }
    return Assembly(network, classifier.to(device), splits, path)


def _network(specification: Specification, layout: Layout, data: PreparedData) -> nn.Module:
    """The network with its starting weights: drawn from the seed, pretrained, or another run's best."""
    architecture, images, origin = specification.architecture, image_shape(data.card), specification.origin
    seed_global(specification.run.seed, "weights")
    network = build_model(architecture, images)
    if origin is not None:
        fit_weights(network, safetensors.torch.load_file(layout.run(origin).model), f"init_from {origin.key}")
        print(f"starting from the weights of {origin.key}", flush=True)
    else:
        load_pretrained(network, architecture, images)
    freeze(network, specification.recipe.freeze)
    return network


def _image_splits(
    specification: Specification, data: PreparedData, device: torch.device, layout_in_memory: torch.memory_format
) -> dict[str, Batches]:
    recipe = specification.recipe
    taken = network_input(recipe, specification.architecture, data.card)
    transforms = [(transform.name, transform.arguments) for transform in recipe.augment]
    augmentation = build_augmentation(transforms, tuple(data.card["shape"]))
    return {
        split: Batches(
            images, labels, recipe.batch_size, device, taken.mean, taken.std,
            augmentation if split == "train" else None,
            channels_last=layout_in_memory == torch.channels_last, classes=len(data.card["classes"]),
        )
        for split, (images, labels) in data.splits.items()
    }  # fmt: skip


def network_input(recipe: Recipe, architecture: Architecture, card: Card) -> NetworkInput:
    """What a network takes that is trained on the data of a card, and what it tells apart. Raises BakeoffError."""
    mean, std = _normalization(recipe, architecture, card)
    return NetworkInput(
        task=card["task"], classes=tuple(card["classes"]), shape=tuple(card["shape"]), mean=tuple(mean), std=tuple(std)
    )


def _normalization(recipe: Recipe, architecture: Architecture, card: Card) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, for pixels in 0..1."""
    normalize, channels = recipe.normalize, card["shape"][0]
    if normalize is None:
        return [0.0] * channels, [1.0] * channels
    if normalize == "dataset":
        return card["mean"], card["std"]
    if normalize == "pretrained":
        return pretrained_normalization(architecture, channels)
    return list(normalize.mean), list(normalize.std)
