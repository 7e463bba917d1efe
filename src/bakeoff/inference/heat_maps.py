"""Where networks look: Grad-CAM (Selvaraju et al. 2017) of the test images that the best experiments confuse most.

The maps are written for the figures, which import no torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.analysis.images import split_images
from bakeoff.analysis.mistakes import Confused, confused_images
from bakeoff.analysis.ranking import best_on
from bakeoff.analysis.shown_cut import read_shown, shown_cut
from bakeoff.files import write_atomically
from bakeoff.inference.network import TrainedNetwork, load_network
from bakeoff.results.predictions import Floats
from bakeoff.results.summary_tables import by_experiment, read_tables, records
from bakeoff.results.trained_runs import trained_runs
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

FEWEST_CONVOLUTIONS = 2  # a transformer's only one cuts the image into patches, and says nothing of what it looks at


def write_heat_maps(study: Study, layout: Layout, threads: int = 1) -> list[Path]:
    """Write a file for each dataset; one without maps where there is nothing to show: multi-label data, no completed
    run, no mistake, no convolutions. Of the best experiment, the first seed is asked, where a dataset is split
    repeatedly that on the first cut.

    Raises BakeoffError where there are no statistics, or a network cannot be loaded.
    """
    torch.set_num_threads(threads)
    experiments = read_tables(layout).experiments
    rows = {cell: records(row)[0] for cell, row in by_experiment(experiments[experiments["completed"] > 0])}
    pairs, written = read_shown(study, layout, "confused_pairs"), []
    for dataset in study.as_written.datasets:
        best = best_on(dataset, rows, study.leading_metric)
        shown = [] if best is None else confused_images(pairs, best)
        written.append(layout.heat_maps(dataset))
        with write_atomically(written[-1]) as path, path.open("wb") as file:
            trained = replace(best, dataset=shown_cut(study, dataset)) if best and shown else None
            maps: dict[str, Any] = _maps(study, layout, trained, shown) if trained else {}
            np.savez(file, **maps)
    return written


def grad_cam(network: TrainedNetwork, pixels: Tensor, classes: Tensor) -> Tensor | None:
    """What speaks for a class in each of B images: float32 [B, height, width] from 0 to 1, of the last convolution that
    gives more than one row and column. None where a network has no two of these.

    `pixels` are uint8 [B, channels, height, width], `classes` int64 [B].
    """
    with torch.enable_grad(), _outputs_of_convolutions(network) as outputs:
        logits = network(network.normalize(pixels).requires_grad_())
        if len(outputs) < FEWEST_CONVOLUTIONS:
            return None
        features = outputs[-1]
        (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), features)
    weights = gradient.float().mean((2, 3), keepdim=True)
    maps = (weights * features.detach().float()).sum(1, keepdim=True).relu()
    maps = nn.functional.interpolate(maps, pixels.shape[2:], mode="bilinear")[:, 0]
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=torch.finfo(maps.dtype).tiny)


@contextmanager
def _outputs_of_convolutions(network: nn.Module) -> Iterator[list[Tensor]]:
    """The outputs of convolutions, in the order in which they are calculated while the block lasts."""
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        if min(output.shape[2:]) > 1:
            outputs.append(output)
        return output.clone()  # what follows may write into it

    hooks = [part.register_forward_hook(keep) for part in network.modules() if isinstance(part, nn.Conv2d)]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def _maps(study: Study, layout: Layout, cell: Experiment, shown: list[Confused]) -> dict[str, Floats]:
    """The numbers of the images, and their maps [n, height, width] for the class that they are taken for and for their
    own; nothing where there are none."""
    images = split_images(study, cell.dataset, "test")
    if images is None:
        return {}
    network = load_network(trained_runs(layout.runs / cell.key, "all")[0], [Path(file) for file in study.plugins])
    rows = [one.image for one in shown]
    pixels = torch.tensor(np.asarray(images[rows]))
    found = {
        name: grad_cam(network, pixels, torch.tensor([network.classes.index(getattr(one, name)) for one in shown]))
        for name in ("predicted", "true")
    }
    if any(maps is None for maps in found.values()):
        return {}
    return {"images": np.array(rows)} | {name: maps.numpy() for name, maps in found.items() if maps is not None}
