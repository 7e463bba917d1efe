"""Runs on image files of many kinds: one class each, or any number of labels."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import specify
from bakeoff.study.study import runs
from bakeoff.training.attempt import Place
from trained_runs import train_run

COLORS = {"red": (200, 40, 40), "green": (40, 200, 40), "sea blue": (40, 40, 200)}
# How each file of a class is stored, in turn; all of them are prepared to the same three channels.
KINDS = ("RGB", "RGBA", "P", "L", "CMYK", "I;16")


def write_photo(path: Path, color: tuple[int, int, int], kind: str, draw: np.random.Generator) -> None:
    height, width = draw.integers(20, 50, 2)
    pixels = np.clip(np.array(color) + draw.normal(0, 50, (height, width, 3)), 0, 255).astype(np.uint8)
    if kind == "I;16":
        picture = Image.fromarray(257 * pixels[..., 0].astype(np.uint16))
    else:
        picture = Image.fromarray(pixels).convert(kind)
    if kind == "RGBA":
        picture.putalpha(Image.fromarray(pixels[..., 0]))
    exif = Image.Exif()
    if kind == "RGB":
        exif[0x0112] = 6  # lies on its side
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path.with_suffix(".tif" if kind == "CMYK" else ".png"), exif=exif)


def write_photos(folder: Path) -> None:
    """photos/{train,test}/CLASS/*, and tags.csv beside them, whose images have any number of labels."""
    draw = np.random.default_rng(0)
    rows = ["image,labels"]
    for split, count in (("train", 18), ("test", 12)):
        for name, color in COLORS.items():
            for number in range(count):
                path = folder / "photos" / split / name / f"{number}.png"
                write_photo(path, color, KINDS[number % len(KINDS)], draw)
    for path in sorted((folder / "photos").rglob("*.*")):
        labels = sorted({path.parent.name, *draw.choice(["round", "old"], draw.integers(0, 3))})
        rows.append(f"{path.relative_to(folder).as_posix()},{' '.join(label.replace(' ', '-') for label in labels)}")
    (folder / "tags.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and with results/photos, whose four experiments have two seeds. Only to be read."""
    folder = tmp_path_factory.mktemp("trained")
    write_photos(folder)
    study = parse_study(
        {
            "study": "photos",
            "metric": "loss",
            "datasets": {
                "photos": {"source": "folder", "root": "photos", "resize": 20, "center_crop": 16},
                "tags": {"source": "csv", "root": ".", "table": "tags.csv", "image": "image", "tags": "labels",
                         "separator": " ", "test": 0.3, "resize": [12, 16]},
            },
            "architectures": {
                "cnn": {"model": "convnet", "layers": [{"conv": 4, "kernel": 3}, "relu", {"pool": 2}], "hidden": [8]},
            },
            "optimizers": {"adam": {"name": "Adam", "lr": 3e-3}},
            "recipes": {
                "plain": {"epochs": 2, "batch_size": 16},
                "half": {"epochs": 1, "batch_size": 16, "precision": "bf16", "normalize": "none"},
            },
            "seeds": 2,
        }
    )  # fmt: skip
    before = Path.cwd()
    os.chdir(folder)
    try:
        for run in runs(study):
            train_run(specify(study, run), Place(Layout(study.study)))
    finally:
        os.chdir(before)
    return folder
