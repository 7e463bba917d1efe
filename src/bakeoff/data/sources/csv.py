"""A table of image paths and labels, beside a folder of images."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.source import Labels, PixelsOrFiles, Request, Source, SourceData, check_test_share
from bakeoff.data.sources.listing import below, natural, read_lines
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import SPLITS

SPLIT_CELLS = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}
TEXTS = ("table", "folder", "image", "suffix", "label", "tags", "separator", "split", "delimiter")

Cells = dict[str, str]  # column → cell


@dataclass(frozen=True)
class ListedImage:
    """One line of the table: an image, the names of its labels, its split."""

    line: int
    file: Path
    labels: frozenset[str]
    split: str


def load(
    request: Request,
    *,
    table: str,
    folder: str | None = None,
    image: str = "image",
    suffix: str = "",
    label: str | None = None,
    labels: Sequence[str] | None = None,
    tags: str | None = None,
    separator: str = " ",
    split: str | None = None,
    test: float | None = None,
    delimiter: str | None = None,
) -> SourceData:
    """Read root/TABLE. Paths below root/FOLDER (default: the table's folder) are column `image` + `suffix`.

    Labels come from one of three: `label`, a column of class names (multi-class); `labels`, a list of columns of 0 and
    1; or `tags`, a column of names with `separator` between them (both multi-label). Classes are in natural order,
    columns in the order given. Column `split` says train, validation (val, valid) or test; where it names no test
    images, `test` is the share of the training images that becomes the test split. `delimiter` is a comma by default,
    in .tsv files a tab. Repeated lines count once. Raises BakeoffError naming file and line.
    """
    file = below(request.root, table, keys=["table"])
    images = below(request.root, folder, keys=["folder"]) if folder else file.parent
    header, lines = _read(file, delimiter or ("\t" if file.suffix == ".tsv" else ","))
    for column in (image, label, tags, *(labels or ()), split or None):
        if column is not None and column not in header:
            raise BakeoffError(f"{file}:1: there is no column {column!r}; {nearest(column, header)}")

    rows: dict[str, ListedImage] = {}
    real_folder = os.path.realpath(images)
    for line, cells in lines:
        here = f"{file}:{line}"
        path = below(images, cells[image] + suffix, f"{here}: ")
        real = _real_path(path, real_folder, here)
        found = _labels(cells, here, label, labels or (), tags, separator)
        row = ListedImage(line, path, found, _split(cells[split], here) if split else "train")
        earlier = rows.setdefault(real, row)
        if (earlier.labels, earlier.split) != (row.labels, row.split):
            raise BakeoffError(
                f"{here}: {cells[image]!r} is also in line {earlier.line}, with other labels or another split"
            )
    names = list(labels) if labels else sorted({name for row in rows.values() for name in row.labels}, key=natural)
    if not names:
        raise BakeoffError(f"{file}: no line has a label")
    splits = {}
    for name in SPLITS:
        chosen = [row for row in rows.values() if row.split == name]
        if chosen:
            splits[name] = _arrays(chosen, names, multi_label=label is None)
    _check_splits(set(splits), test, file)
    return SourceData(splits, names, "multi-class" if label else "multi-label", test)


def _read(file: Path, delimiter: str) -> tuple[list[str], list[tuple[int, Cells]]]:
    """The names of the columns, and (line, cells) of every row."""
    reader = csv.reader(read_lines(file), delimiter=delimiter, strict=True)
    try:
        table = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise BakeoffError(f"{file}:{reader.line_num}: cannot be read as a table: {error}") from error
    if not table:
        raise BakeoffError(f"{file}: is empty; its first line should name the columns")
    (_, header), *rows = table
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise BakeoffError(f"{file}:1: the column {twice[0]!r} is repeated")
    for line, cells in rows:
        if len(cells) != len(header):
            raise BakeoffError(
                f"{file}:{line}: has {len(cells)} cells, the header {len(header)}; delimiter: {delimiter!r}"
            )
    return header, [(line, dict(zip(header, cells, strict=True))) for line, cells in rows]


def _labels(
    cells: Cells, here: str, label: str | None, labels: Sequence[str], tags: str | None, separator: str
) -> frozenset[str]:
    """The labels of a row; `here` is its place."""
    if label is not None:
        if not cells[label].strip():
            raise BakeoffError(f"{here}: {label} is empty; every image needs a class")
        return frozenset([cells[label].strip()])
    if tags is not None:
        return frozenset(tag.strip() for tag in cells[tags].split(separator) if tag.strip())
    for column in labels:
        if cells[column].strip() not in ("0", "1"):
            raise BakeoffError(f"{here}: {column} is {cells[column]!r}; allowed: 0, 1")
    return frozenset(column for column in labels if cells[column].strip() == "1")


def _real_path(path: Path, real_folder: str, here: str) -> str:
    """The path of an image with links resolved. Raises BakeoffError when it is missing or outside the folder."""
    real = os.path.realpath(path)
    if not real.startswith(real_folder + os.sep):
        raise BakeoffError(f"{here}: {path} is a link to {real}, outside of its folder")
    if not Path(real).is_file():
        raise BakeoffError(f"{here}: there is no image {path}")
    return real


def _split(cell: str, here: str) -> str:
    name = cell.strip().lower()
    if name not in SPLIT_CELLS:
        raise BakeoffError(f"{here}: {cell!r} is not a split; allowed: {', '.join(SPLIT_CELLS)}")
    return SPLIT_CELLS[name]


def _arrays(rows: list[ListedImage], names: list[str], multi_label: bool) -> tuple[PixelsOrFiles, Labels]:
    files, number = [row.file for row in rows], {name: at for at, name in enumerate(names)}
    if not multi_label:
        return files, np.array([number[name] for row in rows for name in row.labels], np.int64)
    array = np.zeros((len(rows), len(names)), np.uint8)
    for at, row in enumerate(rows):
        array[at, [number[name] for name in row.labels]] = 1
    return files, array


def _check_splits(splits: set[str], test: float | None, file: Path) -> None:
    if "train" not in splits:
        raise BakeoffError(f"{file}: no line has the split train")
    if "test" in splits and test is not None:
        raise BakeoffError(f"{file}: the table has test images of its own; remove test: {test}")
    if "test" not in splits and test is None:
        raise BakeoffError(f"{file}: there are no test images; set test: 0.2, or split: to the column that names them")


def _check(arguments: dict[str, Any]) -> None:
    given = [name for name in ("label", "labels", "tags") if arguments.get(name) is not None]
    if len(given) != 1:
        raise BakeoffError(f"give exactly one of label, labels, tags; found: {', '.join(given) or 'none'}")
    for name in TEXTS:
        if not isinstance(arguments.get(name), str | None):
            raise BakeoffError(f"found {arguments[name]!r}; allowed: text (in quotes)", [name])
    labels = arguments.get("labels", [""])
    if not isinstance(labels, list) or not labels or any(not isinstance(name, str) for name in labels):
        raise BakeoffError(f"found {labels!r}; allowed: a list of columns", ["labels"])
    if len(set(labels)) < len(labels):
        raise BakeoffError("a column is repeated", ["labels"])
    if arguments.get("separator") == "":
        raise BakeoffError("is empty; allowed: one or more characters", ["separator"])
    if len(arguments.get("delimiter") or ",") != 1:
        raise BakeoffError(f"found {arguments['delimiter']!r}; allowed: one character", ["delimiter"])
    check_test_share(arguments)


CSV = Source(
    "csv", "a table of image paths and labels, multi-class or multi-label, beside a folder of images", load, _check
)
