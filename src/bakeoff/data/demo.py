"""Generated datasets in the on-disk formats of real ones, so that a study can be tried without a download.

They are small, and a network can learn them.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bakeoff.data.demo_formats import FORMATS, Format
from bakeoff.data.loading import check_dataset
from bakeoff.errors import BakeoffError, under
from bakeoff.files import write_json
from bakeoff.study.arguments import nearest
from bakeoff.study.specification import DatasetSpecification

MARKER = "demo-data.json"  # in the folder: which places in it are generated


def write_demo_data(datasets: Iterable[DatasetSpecification], folder: Path) -> list[str]:
    """Write a generated form of each dataset into `folder`; returns the places in it, in order.

    The files are always the same. Raises BakeoffError, before anything is written, for a dataset that is not read from
    data_root or has no format here, and for a place that has files which were not generated.
    """
    formats = [(dataset.entry, find_format(dataset)) for dataset in datasets]
    places = sorted({place for entry, found in formats for place in found.places(entry)})
    made = _made(folder)
    for place in places:
        if (folder / place).exists() and place not in made:
            raise BakeoffError(
                f"{folder / place} exists and was not generated; give a folder that has none of the data"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / MARKER, sorted(made | set(places)))
    for entry, found in formats:
        found.write(folder, entry, np.random.default_rng(0))
    return places


def find_format(dataset: DatasetSpecification) -> Format:
    """The format that a dataset is read from. Raises BakeoffError."""
    check_dataset(dataset)
    entry = dataset.entry
    key = f"torchvision/{entry.arguments['dataset']}" if entry.source == "torchvision" else entry.source
    with under("datasets", dataset.name):
        if entry.root is not None:
            raise BakeoffError(f"the data is read from {entry.root} whatever data_root says; remove root", ["root"])
        if key not in FORMATS:
            raise BakeoffError(f"no data can be generated for {key!r}; {nearest(key, FORMATS)}")
    return FORMATS[key]


def _made(folder: Path) -> set[str]:
    """The places in a folder that are generated."""
    path = folder / MARKER
    try:
        return set(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return set()
    except (ValueError, TypeError) as error:
        raise BakeoffError(
            f"{path}: does not list generated data: {error}; delete it, or give another folder"
        ) from error
