"""A folder of images with a sub-folder for each class."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import Request, Source, SourceData, check_test_share
from bakeoff.data.sources.listing import natural
from bakeoff.errors import BakeoffError

SPLIT_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
NO_IMAGES = {"thumbs.db", "desktop.ini"}  # left behind by file managers; hidden files are ignored too


def load(request: Request, *, test: float | None = None) -> SourceData:
    """Read root/train/CLASS/*, root/test/CLASS/* and, where it exists, root/validation (or val)/CLASS/*.

    With `test`, a stratified share of the training images becomes the test split; the images may then lie in
    root/CLASS/*. Classes and files are in natural order ("2" before "10"). Files in folders below a class belong to
    that class. Without `mode`, images become RGB. Raises BakeoffError for folders that do not match.
    """
    folders = _split_folders(request, test)
    classes = sorted((entry.name for entry in _visible(folders["train"]) if entry.is_dir()), key=natural)
    if not classes:
        raise BakeoffError(f"{folders['train']} has no folders; expected one for each class")
    listed = {split: _list(folder, classes, request) for split, folder in folders.items()}
    return SourceData(listed, classes, test_share=test)


def _split_folders(request: Request, test: float | None) -> dict[str, Path]:
    root = request.root
    if not root.is_dir():
        raise BakeoffError(f"there is no folder {root}; set root to the folder with the images")
    found = {
        split: root / name for split, names in SPLIT_FOLDERS.items() for name in names[::-1] if (root / name).is_dir()
    }
    layout = f"expected {root}/train/CLASS/* and {root}/test/CLASS/*, or {root}/CLASS/* with test: 0.2"
    if "train" in found:
        if "test" in found and test is not None:
            raise BakeoffError(f"{found['test']} is the test split; remove test: {test}")
        if "test" not in found and test is None:
            raise BakeoffError(f"{root} has no folder test; {layout}")
        return found
    if "test" in found or test is None:
        raise BakeoffError(f"{root} has no folder train; {layout}")
    return {"train": root}


def _list(folder: Path, classes: list[str], request: Request) -> tuple[list[Path], NDArray[np.int64]]:
    """Every file of a split and their labels, in natural order."""
    unknown = [entry.name for entry in _visible(folder) if entry.is_dir() and entry.name not in classes]
    if unknown:
        raise BakeoffError(
            f"{folder / sorted(unknown)[0]} is a class without a training folder; "
            f"the training split has {len(classes)} classes: {', '.join(classes[:10])}"
        )
    of_classes = [_files(folder / name) for name in classes]
    files = [file for of_class in of_classes for file in of_class]
    if not files:
        raise BakeoffError(f"{folder} has no images in its class folders")
    return files, np.repeat(np.arange(len(classes)), list(map(len, of_classes)))


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


FOLDER = Source("folder", "image files in a folder per class, in folders train and test", load, check_test_share)
