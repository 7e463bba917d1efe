"""Training a head of EfficientNet-B0 at 224×224: on kept features, and through the frozen backbone."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bakeoff.data.batches import Batches, FeatureBatches
from bakeoff.models.freezing import freeze, train_mode
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture
from table import Row
from timing import THREADS, in_turns, seconds_of

ARCHITECTURE = {"model": "timm/efficientnet_b0", "head": {"hidden": 512, "dropout": 0.2}}
FEATURES, CLASSES = 1280, 17
KEPT_IMAGES, BATCH = 4_096, 64
IMAGES_THROUGH_BACKBONE = 4 * BATCH  # an epoch is only more of them


def measure() -> list[Row]:
    """Images per second of both."""
    torch.set_num_threads(THREADS)
    network = build_model(Architecture.model_validate(ARCHITECTURE), ImageShape(3, 224, 224, CLASSES))
    network = network.to(memory_format=torch.channels_last)
    freeze(network, "backbone")
    train_mode(network, "backbone")
    head, labels = network.get_submodule("classifier"), np.zeros(KEPT_IMAGES, np.int64)
    random = np.random.default_rng(0)
    outputs = random.normal(size=(KEPT_IMAGES, FEATURES)).astype(np.float32)
    pixels = random.integers(0, 256, (IMAGES_THROUGH_BACKBONE, 3, 224, 224), dtype=np.uint8)
    kept = FeatureBatches(outputs, labels, BATCH, torch.device("cpu"))
    images = Batches(pixels, labels[: len(pixels)], BATCH, channels_last=True)

    def on_features() -> float:
        return seconds_of(lambda: train_epoch(head, kept)) / KEPT_IMAGES

    def through_backbone() -> float:
        return seconds_of(lambda: train_epoch(network, images)) / IMAGES_THROUGH_BACKBONE

    on_features(), through_backbone()  # warm-up
    rounds = in_turns(on_features, through_backbone)
    mine, peer = rounds.medians()
    return [
        Row(
            "training a head of EfficientNet-B0, 224×224",
            f"{1 / mine:,.0f} images/s",
            f"through the frozen backbone {1 / peer:,.0f} images/s",
            f"{rounds.ratio(of=1, to=0):,.0f}× faster",
            "≥ 50×",
        )
    ]


def train_epoch(module: nn.Module, batches: Batches | FeatureBatches) -> None:
    optimizer = torch.optim.Adam([parameter for parameter in module.parameters() if parameter.requires_grad])
    for inputs, targets, _ in batches.epoch(torch.Generator(), torch.Generator()):
        optimizer.zero_grad()
        cross_entropy(module(inputs), targets).backward()
        optimizer.step()
