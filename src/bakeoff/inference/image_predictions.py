"""Predictions for image files, a batch at a time, by one network or by several whose probabilities are averaged."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.data.decoding import quiet
from bakeoff.data.source import Pixels
from bakeoff.errors import BakeoffError
from bakeoff.inference.network import TrainedNetwork
from bakeoff.inference.preparation import BadImage


@dataclass(frozen=True)
class Prediction:
    """What one image was taken for: the probability of each class, float64 [K], and the classes that follow: the most
    probable one, or every label that is probable enough."""

    file: Path
    probabilities: NDArray[np.float64]
    classes: list[str]


def predict(
    networks: Sequence[TrainedNetwork],
    files: Sequence[Path],
    bad: Callable[[BadImage], None],
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
    threads: int = 1,
) -> Iterator[Prediction]:
    """The predictions for files, in their order; `bad` is told of each that is passed over.

    A batch is decoded at a time, by `threads`; left out, it has the images of the run's. Raises BakeoffError where
    networks do not take the same images.
    """
    first = networks[0]
    _check_alike(networks)
    size = batch_size or first.recipe.batch_size
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(files), size):
            batch = files[start : start + size]
            with quiet():
                decoded = list(zip(batch, pool.map(lambda file: _decoded(first, file), batch), strict=True))
            for _, problem in decoded:
                if isinstance(problem, BadImage):
                    bad(problem)
            good = [(file, pixels) for file, pixels in decoded if not isinstance(pixels, BadImage)]
            if good:
                found = probabilities(networks, np.stack([pixels for _, pixels in good]), device)
                for (file, _), row in zip(good, found, strict=True):
                    yield Prediction(file, row, _classes(networks, row))


@torch.inference_mode()
def probabilities(
    networks: Sequence[TrainedNetwork], pixels: Pixels, device: torch.device | str = "cpu"
) -> NDArray[np.float64]:
    """The mean over networks of each class's probability, float64 [B, K], for uint8 [B, channels, height, width]."""
    images = torch.tensor(pixels).to(device)
    each = [network.probabilities(network(network.normalize(images))) for network in networks]
    mean: NDArray[np.float64] = torch.stack(each).mean(0).cpu().numpy()
    return mean


def _decoded(network: TrainedNetwork, file: Path) -> Pixels | BadImage:
    try:
        return network.preparation.pixels(file)
    except BadImage as error:
        return error


def _classes(networks: Sequence[TrainedNetwork], row: NDArray[np.float64]) -> list[str]:
    """Labels of several networks are those above the mean of the thresholds."""
    names = networks[0].classes
    if networks[0].task == "multi-class":
        return [names[int(row.argmax())]]
    threshold = np.mean([network.threshold for network in networks])
    return [name for name, value in zip(names, row, strict=True) if value >= threshold]


def _check_alike(networks: Sequence[TrainedNetwork]) -> None:
    """Seeds of a study that was changed meanwhile may have been trained on other images or other classes."""
    first = networks[0]
    for other in networks[1:]:
        if (other.classes, other.preparation) != (first.classes, first.preparation):
            one, another = first.run.paths.folder, other.run.paths.folder
            raise BakeoffError(
                f"{one} and {another} take other images or know other classes; train them again, or use one"
            )
