"""A network exported: written, asked about the test images, and only then given its name."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bakeoff.data.content import content_name
from bakeoff.data.prepared import load_prepared
from bakeoff.data.source import Pixels
from bakeoff.errors import BakeoffError
from bakeoff.files import describe_file, write_atomically, write_json
from bakeoff.inference.formats import Format
from bakeoff.inference.from_pixels import FromPixels
from bakeoff.inference.model_card import model_card
from bakeoff.inference.network import TrainedNetwork, prepared_folder
from bakeoff.inference.sidecar import sidecar

TOLERANCE = 1e-4  # of logits, relative to the largest where that is over 1
BATCH = 64
MADE_UP = 128  # images of noise, where the test images are not here


@dataclass(frozen=True)
class Check:
    """How an exported network differs from torch: the largest difference of a logit, on so many `images`, those of the
    `test split` or `noise`."""

    images: int
    of: str
    largest_difference: float


def export_network(network: TrainedNetwork, form: Format, path: Path) -> list[Path]:
    """Write a network to `path`, beside it its sidecar (.json) and its card (.md); returns the three.

    Raises BakeoffError where torch cannot write it, or what was written gives other answers; then nothing is left.
    """
    beside = [path.with_suffix(suffix) for suffix in (".json", ".md")]
    with ExitStack() as written:
        # The last to be renamed: where it stands, the others do.
        temporary = written.enter_context(write_atomically(path))
        form.write(network, temporary)
        checked = check(network, form, temporary)
        content = sidecar(network, form, path.name, describe_file(temporary), vars(checked))
        write_json(written.enter_context(write_atomically(beside[0])), content)
        card = written.enter_context(write_atomically(beside[1]))
        card.write_text(model_card(network, form, path.name, beside[0].name, content), encoding="utf-8")
    return [path, *beside]


@torch.inference_mode()
def check(network: TrainedNetwork, form: Format, path: Path) -> Check:
    """Ask the written file and torch about the same images. Raises BakeoffError where their answers differ."""
    of, batches = _images(network)
    ask, direct = form.read(path, network), FromPixels(network)
    count, largest, scale = 0, 0.0, 1.0
    for pixels in batches:
        expected = direct(torch.tensor(pixels))[0].numpy()
        found = ask(pixels)
        difference = np.abs(found - expected).max() if found.shape == expected.shape else np.inf
        count += len(pixels)
        largest, scale = max(largest, float(difference)), max(scale, float(np.abs(expected).max()))
        if not difference <= TOLERANCE * scale:
            raise BakeoffError(
                f"{form.title}: answers differ from torch's by {difference:.2g} in a logit; allowed: "
                f"{TOLERANCE * scale:.2g}; so nothing was written: take another format"
            )
    return Check(count, of, largest)


def _images(network: TrainedNetwork) -> tuple[str, Iterator[Pixels]]:
    """The test images of the run where they are prepared here, else noise; uint8 batches."""
    run = network.run
    folder = prepared_folder(run)
    if (folder / "card.json").exists():
        data = load_prepared(folder)
        if run.result.data in (None, content_name(data.card)):
            images, _ = data.splits["test"]
            return "test split", (np.array(images[at : at + BATCH]) for at in range(0, len(images), BATCH))
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (MADE_UP, *network.taken.shape), np.uint8)
    return "noise", (noise[at : at + BATCH - 1] for at in range(0, MADE_UP, BATCH - 1))
