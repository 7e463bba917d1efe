"""A table of image paths and labels, beside a folder of images."""

import csv
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.source import Labels, PixelsOrFiles, Request, Source, SourceData, check_test_share
from bakeoff.data.sources.csv_labels import Row, read_classes, read_columns, read_tags
from bakeoff.data.sources.listing import below, natural, no_file, no_folder, read_lines
from bakeoff.data.sources.split_names import SPLIT_OF
from bakeoff.data.sources.walking import FoundNames, composed
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import SPLITS

TEXTS = ("table", "folder", "image", "suffix", "label", "tags", "separator", "split", "delimiter")
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class ListedImage:
    """One row of the table: its place, an image, the names of its labels, its split."""

    place: str
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
    1, or of -1 and 1; or `tags`, a column of names with `separator` between them (both multi-label). Classes are in
    natural order, columns in the order given. Column `split` says train, validation or test, as `SPLIT_NAMES` has
    them; where it names no test images, `test` is the share of the training images that becomes the test split.
    `delimiter` is a comma by default, in .tsv files a tab. Repeated lines count once. Names are compared whichever form
    of Unicode they have. Raises BakeoffError naming file and line.
    """
    file = below(request.root, table, keys=["table"])
    images = below(request.root, folder, keys=["folder"]) if folder else file.parent
    image, split = composed(image), composed(split) if split else None
    wanted = [image, *(composed(column) for column in (label, tags, *(labels or ()), split) if column is not None)]
    rows = _read(file, delimiter or ("\t" if file.suffix == ".tsv" else ","), wanted)
    if label is not None:
        labels_of = read_classes(rows, composed(label))
    elif tags is not None:
        labels_of = read_tags(rows, composed(tags), separator)
    else:
        labels_of = read_columns(rows, labels or ())

    listed: dict[str, ListedImage] = {}
    real_folder, names = os.path.realpath(images), FoundNames()
    for row, found in zip(rows, labels_of, strict=True):
        path = below(images, row.cells[image] + suffix, f"{row.place}: ")
        path, real = _image(path, images, real_folder, names, row.place)
        new = ListedImage(row.place, path, found, _split(row.cells[split], row.place) if split else "train")
        earlier = listed.setdefault(real, new)
        if (earlier.labels, earlier.split) != (new.labels, new.split):
            line = earlier.place.rpartition(":")[2]
            raise BakeoffError(
                f"{row.place}: {row.cells[image]!r} is also in line {line}, with other labels or another split"
            )
    return _source_data(list(listed.values()), labels, label is None, test, file)


def _source_data(
    listed: list[ListedImage], labels: Sequence[str] | None, multi_label: bool, test: float | None, file: Path
) -> SourceData:
    names = list(labels) if labels else sorted({name for image in listed for name in image.labels}, key=natural)
    if not names:
        raise BakeoffError(f"{file}: no line has a label")
    splits = {}
    for split in SPLITS:
        chosen = [image for image in listed if image.split == split]
        if chosen:
            splits[split] = _arrays(chosen, names, multi_label)
    _check_splits(set(splits), test, file)
    return SourceData(splits, names, "multi-label" if multi_label else "multi-class", test)


def _read(file: Path, delimiter: str, wanted: Collection[str]) -> list[Row]:
    """Every row, its cells under the composed names of their columns. All those that are `wanted` are there."""
    reader = csv.reader(read_lines(file), delimiter=delimiter, strict=True)
    try:
        table = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise BakeoffError(f"{file}:{reader.line_num}: cannot be read as a table: {error}") from error
    if not table:
        raise BakeoffError(f"{file}: is empty; its first line should name the columns")
    (_, first), *rows = table
    header = [composed(name) for name in first]
    _check_header(header, wanted, delimiter, f"{file}:1")
    for line, cells in rows:
        if len(cells) != len(header):
            raise BakeoffError(
                f"{file}:{line}: has {len(cells)} cells, the header {len(header)}; delimiter: {delimiter!r}"
            )
    return [Row(f"{file}:{line}", dict(zip(header, cells, strict=True))) for line, cells in rows]


def _check_header(header: list[str], wanted: Collection[str], delimiter: str, place: str) -> None:
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise BakeoffError(f"{place}: the column {twice[0]!r} is repeated")
    for column in wanted:
        if column in header:
            continue
        for other in DELIMITERS:
            if column in [name.strip(' "') for name in delimiter.join(header).split(other)] and other != delimiter:
                raise BakeoffError(
                    f"{place}: {json.dumps(other)} stands between the columns, not {json.dumps(delimiter)}; "
                    f"set delimiter: {json.dumps(other)}"
                )
        raise BakeoffError(f"{place}: there is no column {column!r}; {nearest(column, header)}")


def _image(path: Path, folder: Path, real_folder: str, names: FoundNames, place: str) -> tuple[Path, str]:
    """An image as it is spelled on disk, and its path with links resolved.

    Raises BakeoffError when it is missing or outside of the folder.
    """
    if not path.is_file():
        path = names.find(path, folder)
    real = os.path.realpath(path)
    if not real.startswith(real_folder + os.sep):
        raise BakeoffError(f"{place}: {path} is a link to {real}, outside of its folder")
    if not Path(real).is_file():
        raise BakeoffError(f"{place}: there is no image {path}")
    return path, real


def _split(cell: str, place: str) -> str:
    name = cell.strip().lower()
    if name not in SPLIT_OF:
        raise BakeoffError(f"{place}: {cell!r} is not a split; allowed: {', '.join(SPLIT_OF)}")
    return SPLIT_OF[name]


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


def _missing(root: Path, arguments: dict[str, Any]) -> str | None:
    file = below(root, arguments["table"], keys=["table"])
    if not file.is_file():
        return no_file(file)
    images = below(root, arguments["folder"], keys=["folder"]) if arguments.get("folder") else root
    return None if images.is_dir() else no_folder(images)


CSV = Source(
    "csv",
    "a table of image paths and labels, multi-class or multi-label, beside a folder of images",
    load,
    _check,
    _missing,
)
