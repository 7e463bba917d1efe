"""A folder of images with a sub-folder for each class."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import Request, Source, SourceData, check_test_share
from bakeoff.data.sources.listing import natural, no_folder
from bakeoff.data.sources.split_names import split_folders
from bakeoff.data.sources.walking import composed, files_below, visible
from bakeoff.errors import BakeoffError
from bakeoff.files import spelled
from bakeoff.study.arguments import nearest


def load(request: Request, *, test: float | None = None, ignore: str | Sequence[str] = ()) -> SourceData:
    """Read root/train/CLASS/*, root/test/CLASS/* and, where it exists, root/validation/CLASS/*.

    Splits may also have the other names of `split_names.SPLIT_NAMES`, in any case. With `test`, a stratified share of
    the training images becomes the test split; the images may then lie in root/CLASS/*. Folders of root that are
    neither a split nor a class are named in `ignore`. Classes and files are in natural order ("2" before "10"). Files
    in folders below a class belong to that class; hidden files and folders never count. Without `mode`, images become
    RGB. Raises BakeoffError for folders that do not match.
    """
    ignored = [ignore] if isinstance(ignore, str) else ignore
    folders = _split_folders(request.root, test, ignored)
    train = _class_folders(folders["train"], ignored if folders["train"] == request.root else ())
    if not train:
        raise BakeoffError(f"{folders['train']} has no folders; expected one for each class")
    classes = dict(sorted(train.items(), key=lambda entry: natural(entry[1].name)))
    listed = {"train": _list(folders["train"], classes, classes)}
    for split in folders.keys() - {"train"}:
        listed[split] = _list(folders[split], _class_folders(folders[split]), classes)
    return SourceData(
        {split: listed[split] for split in folders}, [folder.name for folder in classes.values()], test_share=test
    )


def _split_folders(root: Path, test: float | None, ignored: Sequence[str]) -> dict[str, Path]:
    found = split_folders(root, ignored)
    layout = f"expected {root}/train/CLASS/* and {root}/test/CLASS/*, or {root}/CLASS/* with test: 0.2"
    if "train" in found:
        if "test" in found and test is not None:
            raise BakeoffError(f"{found['test']} is the test split; remove test: {test}")
        if "test" not in found and test is None:
            raise BakeoffError(f"{root} has no folder test; {layout}")
        return found
    if found:
        raise BakeoffError(f"{root} has no folder train beside {next(iter(found.values()))}; {layout}")
    if test is None:
        raise BakeoffError(f"{root} has no folder train; {layout}")
    return {"train": root}


def _class_folders(folder: Path, ignored: Collection[str] = ()) -> dict[str, Path]:
    """The name of each class, as `composed` makes it, and its folder."""
    found: dict[str, Path] = {}
    for entry in visible(folder):
        if not entry.is_dir() or entry.name in ignored:
            continue
        if not _is_text(entry.name):
            raise BakeoffError(
                f"{spelled(entry)}: the name of the class is not UTF-8; rename the folder "
                "(`convmv -f latin1 -t utf8 --notest -r FOLDER` renames all of them)"
            )
        name = composed(entry.name)
        if name in found:
            raise BakeoffError(
                f"{folder} has two folders {name!r}, one with composed and one with decomposed letters "
                "(as Linux and macOS write them); put their images into one"
            )
        found[name] = entry
    return found


def _list(folder: Path, of_split: dict[str, Path], classes: dict[str, Path]) -> tuple[list[Path], NDArray[np.int64]]:
    """Every file of a split and their labels, in natural order."""
    if unknown := of_split.keys() - classes.keys():
        first = min(unknown)
        raise BakeoffError(
            f"{of_split[first]} is a class without a training folder; "
            f"the training split has {len(classes)} classes: {nearest(first, classes)}"
        )
    of_classes = [files_below(of_split[name]) if name in of_split else [] for name in classes]
    files = [file for of_class in of_classes for file in of_class]
    if not files:
        raise BakeoffError(f"{folder} has no images in its class folders; expected {folder}/CLASS/*")
    return files, np.repeat(np.arange(len(classes)), list(map(len, of_classes)))


def _is_text(name: str) -> bool:
    """Python reads bytes that are not UTF-8 as lone surrogates, which no file can be written with."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _check(arguments: dict[str, Any]) -> None:
    check_test_share(arguments)
    ignore = arguments.get("ignore", [])
    names = [ignore] if isinstance(ignore, str) else ignore
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise BakeoffError(f"found {ignore!r}; allowed: a list of folders in root", ["ignore"])


def _missing(root: Path, arguments: dict[str, Any]) -> str | None:
    return None if root.is_dir() else no_folder(root)


FOLDER = Source("folder", "image files in a folder per class, in folders train and test", load, _check, _missing)
