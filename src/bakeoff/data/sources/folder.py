"""A folder of images, a sub-folder per class."""

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data.pixels import collect
from bakeoff.data.source import Labels, Pixels, Request, Source, SourceData
from bakeoff.data.splits import stratified_split
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from PIL.Image import Image

SPLIT_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
NO_IMAGES = {"thumbs.db", "desktop.ini"}  # what file managers leave behind; hidden files are ignored too


def load(request: Request, *, test: float | None = None) -> SourceData:
    """Read root/train/CLASS/*, root/test/CLASS/* and maybe root/validation (or val)/CLASS/*.

    With `test` a share of the training images is the test split, stratified; the images may then lie in
    root/CLASS/*. Classes and files are in natural order ("2" before "10"). Files in folders below a
    class belong to the class. Without `mode` images become RGB.
    """
    folders = _split_folders(request, test)
    classes = sorted((entry.name for entry in _visible(folders["train"]) if entry.is_dir()), key=natural)
    if not classes:
        raise BakeoffError(f"{request.where}: {folders['train']} holds no folder; expected one for each class")
    listed = {split: _list(folder, classes, request) for split, folder in folders.items()}
    files = [file for split in listed.values() for file, _ in split]
    labels = np.array([label for split in listed.values() for _, label in split], np.int64)
    names = [file.relative_to(request.root).as_posix() for file in files]
    collected = collect(len(files), lambda row: _open(files[row]), names.__getitem__, request, request.mode or "RGB")
    ends = np.cumsum([len(split) for split in listed.values()])
    bounds = np.searchsorted(collected.rows, [0, *ends])  # skipped files move the ends
    labels = labels[collected.rows]
    splits = {
        split: (collected.images[start:stop], labels[start:stop])
        for split, start, stop in zip(listed, bounds[:-1], bounds[1:], strict=True)
    }
    if test is not None:
        splits = {**splits, **_split_test(*splits["train"], test, classes, request)}
    return SourceData(splits, classes, collected.skipped)


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A key that sorts numbers in names by value and before text, and text by character."""
    parts = re.findall(r"\d+|\D+", name)
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts], name


def _split_folders(request: Request, test: float | None) -> dict[str, Path]:
    root = request.root
    if not root.is_dir():
        raise BakeoffError(f"{request.where}: there is no folder {root}; set root to the folder with the images")
    found = {
        split: root / name for split, names in SPLIT_FOLDERS.items() for name in names[::-1] if (root / name).is_dir()
    }
    layout = f"expected {root}/train/CLASS/* and {root}/test/CLASS/*, or {root}/CLASS/* with test: 0.2"
    if "train" in found:
        if "test" in found and test is not None:
            raise BakeoffError(f"{request.where}: {found['test']} is the test split; remove test: {test}")
        if "test" not in found and test is None:
            raise BakeoffError(f"{request.where}: {root} has no folder test; {layout}")
        return found
    if "test" in found or test is None:
        raise BakeoffError(f"{request.where}: {root} has no folder train; {layout}")
    return {"train": root}


def _list(folder: Path, classes: list[str], request: Request) -> list[tuple[Path, int]]:
    """Every file of a split with its label, in natural order."""
    unknown = [entry.name for entry in _visible(folder) if entry.is_dir() and entry.name not in classes]
    if unknown:
        raise BakeoffError(
            f"{request.where}: {folder / sorted(unknown)[0]} is a class without a training folder; "
            f"the training split has {len(classes)} classes: {', '.join(classes[:10])}"
        )
    files = [(file, label) for label, name in enumerate(classes) for file in _files(folder / name)]
    if not files:
        raise BakeoffError(f"{request.where}: {folder} holds no images in folders of classes")
    return files


def _files(folder: Path) -> list[Path]:
    found = [
        Path(parent, name)
        for parent, folders, names in os.walk(folder, followlinks=True)
        for name in names
        if not name.startswith(".") and name.lower() not in NO_IMAGES
    ]
    return sorted(found, key=lambda file: natural(file.relative_to(folder).as_posix()))


def _visible(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _open(file: Path) -> "Image":
    from PIL import Image

    try:
        content = file.read_bytes()
    except OSError as error:  # the machine's fault, not the picture's: never skipped
        raise BakeoffError(f"{file}: cannot be read: {error.strerror}") from error
    return Image.open(io.BytesIO(content))


def _split_test(
    images: Pixels, labels: Labels, share: float, classes: Sequence[str], request: Request
) -> dict[str, tuple[Pixels, Labels]]:
    kept, taken = stratified_split(labels, share, request.split_seed, f"{request.where}.test", list(classes))
    return {"train": (images[kept], labels[kept]), "test": (images[taken], labels[taken])}


def _check(where: str, arguments: dict[str, Any]) -> None:
    test = arguments.get("test")
    if test is not None and (isinstance(test, bool) or not isinstance(test, int | float) or not 0 < test < 1):
        raise BakeoffError(f"{where}.test: found {test!r}; allowed: a share between 0 and 1, such as 0.2")


FOLDER = Source("folder", "image files in a folder per class, in folders train and test", load, _check)
