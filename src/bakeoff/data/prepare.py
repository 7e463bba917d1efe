"""Decodes a dataset once: uint8 arrays, labels, splits, and a card that describes them."""

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.choose import SPLITS, Split, choose, whole_splits
from bakeoff.data.pixels import decode_files, fit
from bakeoff.data.source import Labels, Pixels, Request, SourceData, label_layout
from bakeoff.data.sources import find_source
from bakeoff.data.splits import count_labels
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically, write_json
from bakeoff.study import plugins
from bakeoff.study.arguments import check_arguments
from bakeoff.study.entries import Dataset
from bakeoff.study.metrics import IGNORED
from bakeoff.study.specification import specify_dataset
from bakeoff.study.study import Study

CARD = "card.json"
CARD_KEYS = {"files", "entry", "split_seed", "task", "shape", "classes", "counts"}

Card = dict[str, Any]


class DamagedData(BakeoffError):
    """Prepared data that is missing, or not what its card says."""


@dataclass(frozen=True)
class PreparedData:
    """A card, and for each split the images uint8 [N, C, H, W] and labels, mapped from disk.

    Labels are int64 [N], or for the task "multi-label" uint8 [N, L] of 0, 1 and IGNORED (255).
    """

    card: Card
    splits: dict[str, tuple[Pixels, Labels]]


def check_dataset(study: Study, dataset: str) -> None:
    """Raise BakeoffError for a source or an argument that cannot work. Reads no data."""
    entry, where = study.datasets[dataset], f"datasets.{dataset}"
    source = find_source(entry.source, where)
    check_arguments(source.load, entry.arguments, where, ignore=frozenset({"request"}))
    source.check(where, entry.arguments)
    for key, size in (("resize", entry.resize), ("center_crop", entry.center_crop)):
        if size is not None and min(_pair(size)) < 1:
            raise BakeoffError(f"{where}.{key}: found {size}; allowed: sizes of at least 1 pixel")


def prepare(study: Study, dataset: str, folder: Path, threads: int = 1) -> Card:
    """Load a dataset, check it, and write its arrays and then its card into `folder`.

    When the content is what an earlier card in the folder says, the files keep that card's time, so that
    Snakemake does not train again. Raises BakeoffError; a failure leaves nothing half-written.
    """
    check_dataset(study, dataset)
    entry, where = study.datasets[dataset], f"datasets.{dataset}"
    folder.mkdir(parents=True, exist_ok=True)
    request = Request(
        where=where,
        root=Path(entry.root or study.data_root).expanduser(),
        resize=_resize(entry),
        center_crop=None if entry.center_crop is None else _pair(entry.center_crop),
        mode=entry.mode,
        on_bad_image=entry.on_bad_image,
        threads=threads,
        scratch=folder,
    )
    try:
        data, splits = _load(study, dataset, request)
        _check_content(splits, data, where)
        specification = specify_dataset(study, dataset).content
        return _write(folder, splits, _describe(dataset, specification, data, splits))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BakeoffError(f"{folder}: no space is left to write {dataset}; free some and start again") from error


def _resize(entry: Dataset) -> int | tuple[int, int] | None:
    """One number is a square, but the shorter side where a crop of the centre follows."""
    return entry.resize if entry.resize is None or entry.center_crop is not None else _pair(entry.resize)


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def prepare_if_needed(study: Study, dataset: str, folder: Path, threads: int = 1) -> Card:
    """The card of prepared data that is whole; prepares it first when it is missing or damaged.

    Of two processes one prepares and the other waits.
    """
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"{folder}: waiting for another process that prepares {dataset}", file=sys.stderr)
        lock.acquire()
    try:
        problems = verify(folder)
        if not problems:
            card = read_card(folder)
            wanted = specify_dataset(study, dataset).content
            if wanted == {key: card[key] for key in ("entry", "split_seed", "plugins") if key in card}:
                return card
            problems = ["the card is of another dataset entry"]
        if (folder / CARD).exists():
            print(f"{folder}: preparing {dataset} again: {'; '.join(problems)}", file=sys.stderr)
        return prepare(study, dataset, folder, threads)
    finally:
        lock.release()


def read_card(folder: Path) -> Card:
    """The card of prepared data. Raises DamagedData."""
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DamagedData(f"{path}: missing; first `bakeoff prepare STUDY DATASET`, as snakemake does") from error
    except ValueError as error:
        raise DamagedData(f"{path}: is not a readable card: {error}") from error
    if not isinstance(card, dict) or not card.keys() >= CARD_KEYS:
        raise DamagedData(f"{path}: is not a whole card")
    return card


def verify(folder: Path, full: bool = False) -> list[str]:
    """What is wrong with prepared data; an empty list when nothing is. `full` also compares checksums."""
    try:
        card = read_card(folder)
    except DamagedData as error:
        return [str(error)]
    problems = []
    for name, expected in card["files"].items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif path.stat().st_size != expected["bytes"]:
            problems.append(f"{path}: holds {path.stat().st_size} bytes, its card says {expected['bytes']}")
        elif full and _sha256(path) != expected["sha256"]:
            problems.append(f"{path}: its content is not what its card says (SHA-256 differs)")
    return problems


def load_prepared(folder: Path) -> PreparedData:
    """The prepared data of a folder, images mapped into memory. Raises DamagedData naming the file."""
    card = read_card(folder)
    problems = verify(folder)
    if problems:
        raise DamagedData("; ".join(problems))
    splits = {}
    for split in SPLITS:
        count = card["counts"][split]
        splits[split] = (
            _mapped(folder / f"{split}_images.npy", np.dtype(np.uint8), (count, *card["shape"])),
            _mapped(folder / f"{split}_labels.npy", *label_layout(card["task"], count, len(card["classes"]))),
        )
    return PreparedData(card, splits)


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        # Copy on write: torch wants arrays it may write to, and the file stays as it is.
        array: NDArray[Any] = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as error:
        raise DamagedData(f"{path}: cannot be read: {error}") from error
    if array.dtype != dtype or array.shape != shape:
        raise DamagedData(f"{path}: holds {array.dtype} {array.shape}, its card says {dtype} {shape}")
    return array


def _load(study: Study, dataset: str, request: Request) -> tuple[SourceData, dict[str, Split]]:
    """What the source has, and the three splits, their images decoded and of one shape."""
    entry, where = study.datasets[dataset], request.where
    data = _source_data(entry, request)
    splits = whole_splits(data, where)
    skipped: list[str] = []
    if isinstance(splits["train"].images, list):
        if entry.on_bad_image == "skip":  # which files are broken must be known before any is chosen
            splits, skipped = _decoded(splits, request)
            splits = choose(splits, data, entry, study.split_seed, where)
        else:
            splits, _ = _decoded(choose(splits, data, entry, study.split_seed, where), request)
    else:
        splits = choose(splits, data, entry, study.split_seed, where)
        if not data.fitted:
            splits = {name: _fitted(split, request) for name, split in splits.items()}
    return replace(data, skipped=[*data.skipped, *skipped]), splits


def _source_data(entry: Dataset, request: Request) -> SourceData:
    source = find_source(entry.source, request.where)
    if entry.source not in plugins.SOURCES:
        return source.load(request, **entry.arguments)
    try:
        data = source.load(request, **entry.arguments)
    except (BakeoffError, OSError):
        raise
    except Exception as error:  # a user's function raises whatever it likes
        raise BakeoffError(
            f"{request.where}: source {entry.source} (a plugin) fails: {plugins.reason(error)}"
        ) from error
    if not isinstance(data, SourceData):
        found = type(data).__name__
        raise BakeoffError(f"{request.where}: source {entry.source} (a plugin) returns {found}, expected SourceData")
    return data


def _decoded(splits: dict[str, Split], request: Request) -> tuple[dict[str, Split], list[str]]:
    """The splits with arrays for files, and what was skipped. All at once: a message names two files of two sizes."""
    files = [part.images[row] for part in splits.values() if isinstance(part.images, list) for row in part.chosen_rows]
    collected = decode_files(files, request)
    labels = np.concatenate([part.chosen_labels for part in splits.values()])[collected.rows]
    ends = np.cumsum([len(part) for part in splits.values()])
    bounds = np.searchsorted(collected.rows, [0, *ends])  # skipped files move the ends
    decoded = {
        name: Split(collected.images[start:stop], labels[start:stop])
        for name, start, stop in zip(splits, bounds[:-1], bounds[1:], strict=True)
    }
    empty = [name for name, split in decoded.items() if len(split) == 0]
    if empty:
        raise BakeoffError(f"{request.where}: no image of the {empty[0]} split decodes")
    return decoded, collected.skipped


def _fitted(split: Split, request: Request) -> Split:
    images = fit(split.array, split.rows, request)
    return split if images is None else Split(images, split.chosen_labels)


def _check_content(splits: dict[str, Split], data: SourceData, where: str) -> None:
    shapes = {name: split.array.shape[1:] for name, split in splits.items()}
    if len(set(shapes.values())) > 1:
        raise BakeoffError(f"{where}: the splits differ in the shape of their images: {shapes}; set resize and mode")
    counts = count_labels(splits["train"].chosen_labels, len(data.classes))
    empty = [name for name, count in zip(data.classes, counts, strict=True) if count == 0]
    if empty:
        what = "classes" if data.task == "multi-class" else "labels"
        raise BakeoffError(f"{where}: {what} without a training image: {', '.join(map(repr, empty[:10]))}")
    if data.task == "multi-class" and len(data.classes) < 2:
        raise BakeoffError(f"{where}: there is only one class, {data.classes[0]!r}; a classifier needs two")


def _describe(dataset: str, specification: dict[str, Any], data: SourceData, splits: dict[str, Split]) -> Card:
    mean, std = _mean_and_std(splits["train"])
    labels = {name: split.chosen_labels for name, split in splits.items()}
    return {
        "name": dataset,
        "source": specification["entry"]["source"],
        **specification,
        "task": data.task,
        "shape": [int(size) for size in splits["train"].array.shape[1:]],
        "classes": data.classes,
        "counts": {name: len(split) for name, split in splits.items()},
        "class_counts": {name: count_labels(array, len(data.classes)).tolist() for name, array in labels.items()},
        **(_label_counts(labels) if data.task == "multi-label" else {}),
        "mean": mean,
        "std": std,
        "files": {},
        "skipped": data.skipped,
    }


def _label_counts(labels: dict[str, Labels]) -> dict[str, Any]:
    """What a card says of multi-label data alone: ignored labels are neither positive nor negative."""
    positives = sum(int((array == 1).sum()) for array in labels.values())
    return {
        "ignored_counts": {name: (array == IGNORED).sum(axis=0).tolist() for name, array in labels.items()},
        "label_cardinality": positives / sum(map(len, labels.values())),  # mean labels an image, over all splits
    }


def _mean_and_std(split: Split) -> tuple[list[float], list[float]]:
    """Per channel, of pixels in 0..1. Counts the 256 values first: exact, in little memory."""
    channels = split.array.shape[1]
    counts = np.zeros((channels, 256), np.int64)
    for chunk in split.chunks():
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(axis=1)
    return mean.tolist(), np.sqrt(variance).tolist()


def _write(folder: Path, splits: dict[str, Split], card: Card) -> Card:
    """All arrays under temporary names, then under their own, then the card."""
    files: dict[str, dict[str, Any]] = {}
    old, time = _earlier(folder)
    with ExitStack() as stack:
        for split, part in splits.items():
            labels = part.chosen_labels
            arrays = (
                (f"{split}_images.npy", np.dtype(np.uint8), (len(part), *part.array.shape[1:]), part.chunks()),
                (f"{split}_labels.npy", labels.dtype, labels.shape, iter([np.ascontiguousarray(labels)])),
            )
            for name, dtype, shape, chunks in arrays:
                temporary = stack.enter_context(write_atomically(folder / name))
                files[name] = _write_array(temporary, dtype, shape, chunks)
        card["files"] = files
        unchanged = old is not None and old["files"] == files and old["classes"] == card["classes"]
        if not unchanged:  # never leave an old card beside new arrays, even when the machine stops here
            (folder / CARD).unlink(missing_ok=True)
    write_json(folder / CARD, card)
    if unchanged and time is not None:
        for name in (*files, CARD):
            os.utime(folder / name, ns=(time, time))
    return card


def _earlier(folder: Path) -> tuple[Card | None, int | None]:
    """The card that the folder has and its time in nanoseconds, if it can be read."""
    try:
        return read_card(folder), (folder / CARD).stat().st_mtime_ns
    except DamagedData:
        return None, None


def _write_array(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], chunks: Iterator[NDArray[Any]]
) -> dict[str, Any]:
    """Write an .npy file in order; writing, unlike mapping, reports a full disk. Returns size and SHA-256."""
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(chunk.data)
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
