"""The data path alone, at 300×300: batches from prepared arrays, and JPEG files decoded at every epoch."""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Normalize, Resize, ToTensor

from bakeoff.data.batches import Batches
from bakeoff.data.prepared import load_prepared
from planning import large_study
from table import Row
from timing import BAKEOFF, in_turns, seconds_of_command, seconds_per_image

SIZE, BATCH = 300, 16
MEAN, STD = [0.5] * 3, [0.25] * 3
PHOTOGRAPHS = {"train": 256, "test": 4}  # of each of two classes


def measure() -> list[Row]:
    """Images per second of both."""
    torch.set_num_threads(1)  # what a study gives a job unless it says otherwise
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photographs(folder / "jpeg")
        arrays = prepared_batches(folder)
        files = ImageFolder(folder / "jpeg/train", Compose([Resize((SIZE, SIZE)), ToTensor(), Normalize(MEAN, STD)]))
        loader = DataLoader(files, batch_size=BATCH, shuffle=True, num_workers=2, persistent_workers=True)

        def ours() -> float:
            return seconds_per_image(arrays.epoch(torch.Generator(), torch.Generator()))

        def decoded() -> float:
            return seconds_per_image(loader)

        ours(), decoded()  # the workers start here
        rounds = in_turns(ours, decoded)
    mine, peer = rounds.medians()
    return [
        Row(
            "data path of 300×300 photographs, batches of 16",
            f"{1 / mine:,.0f} images/s on 1 thread",
            f"JPEG decoded by 2 workers {1 / peer:,.0f} images/s",
            f"{rounds.ratio(of=1, to=0):.1f}× faster",
            "≥ 3×",
        )
    ]


def write_photographs(folder: Path) -> None:
    """Soft shapes under grain, which compress about as photographs do."""
    random, width, height = np.random.default_rng(0), 500, 375
    for split, count in PHOTOGRAPHS.items():
        for label in "ab":
            (folder / split / label).mkdir(parents=True)
            for index in range(count):
                shapes = random.integers(0, 256, (height // 24, width // 24, 3), dtype=np.uint8)
                soft = np.asarray(Image.fromarray(shapes).resize((width, height), Image.Resampling.BICUBIC))
                pixels = np.clip(soft + random.normal(0, 8, soft.shape), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{index}.jpg", quality=90)


def prepared_batches(folder: Path) -> Batches:
    """The training split of the photographs, as a study prepares it."""
    entry = {"source": "folder", "root": str(folder / "jpeg"), "resize": SIZE, "validation": 0.01}
    study = large_study() | {"datasets": {"photographs": entry}}
    (folder / "study.yaml").write_text(json.dumps(study))
    seconds_of_command([BAKEOFF, "prepare", "study.yaml", "photographs"], folder)
    (card,) = folder.glob("results/data/photographs-*/card.json")
    images, labels = load_prepared(card.parent).splits["train"]
    return Batches(images, labels, BATCH, "cpu", MEAN, STD)
