"""Tiny-ImageNet: 200 classes of 64x64 images, in the layout of its archive."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import Request, Source, SourceData
from bakeoff.data.sources.listing import no_file, read_lines
from bakeoff.data.sources.walking import visible
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest

FOLDER = "tiny-imagenet-200"


def load(request: Request) -> SourceData:
    """Read root/tiny-imagenet-200: the 500 training images of each class, and `val` as the test split.

    The labels of its own test images are not public. A class is named by the first of its words; classes that share a
    name also get their WordNet numbers. Raises BakeoffError naming file and line.
    """
    folder = request.root / FOLDER
    numbers = [line.strip() for line in read_lines(folder / "wnids.txt") if line.strip()]
    splits = {"train": _train(folder / "train", numbers), "test": _validation(folder / "val", numbers)}
    return SourceData(splits, _names(folder / "words.txt", numbers))


def _names(file: Path, numbers: list[str]) -> list[str]:
    words = dict(line.strip().split("\t", 1) for line in read_lines(file) if "\t" in line)
    absent = [number for number in numbers if number not in words]
    if absent:
        raise BakeoffError(f"{file} has no words for {absent[0]}, a class of wnids.txt")
    first = [words[number].split(",")[0].strip() for number in numbers]
    return [
        f"{name} ({number})" if first.count(name) > 1 else name for name, number in zip(first, numbers, strict=True)
    ]


def _train(folder: Path, numbers: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    of_classes = [visible(folder / number / "images") for number in numbers]
    files = [file for of_class in of_classes for file in of_class]
    return files, np.repeat(np.arange(len(numbers)), list(map(len, of_classes)))


def _validation(folder: Path, numbers: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    there, label_of = (
        {entry.name for entry in visible(folder / "images")},
        {number: label for label, number in enumerate(numbers)},
    )
    file, files, labels = folder / "val_annotations.txt", [], []
    for at, line in enumerate(read_lines(file), 1):
        name, number, *_ = [*line.strip().split("\t"), ""]
        if number not in label_of:
            raise BakeoffError(
                f"{file}:{at}: {number!r} is no class of wnids.txt; {nearest(number, numbers[:5])} and so on"
            )
        if name not in there:
            raise BakeoffError(f"{file}:{at}: there is no image {folder / 'images' / name}")
        files.append(folder / "images" / name)
        labels.append(label_of[number])
    return files, np.array(labels, np.int64)


def _missing(root: Path, arguments: dict[str, Any]) -> str | None:
    file = root / FOLDER / "wnids.txt"
    return None if file.is_file() else no_file(file)


TINY_IMAGENET = Source(
    "tiny_imagenet", "Tiny-ImageNet's 200 classes, in the layout of its archive", load, missing=_missing
)
