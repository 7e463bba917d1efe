"""Decodes a dataset once: uint8 arrays, labels, splits, and a card that describes them."""

import errno
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.arguments import check_arguments
from bakeoff.data.source import Labels, Pixels, Request, SourceData
from bakeoff.data.sources import find_source
from bakeoff.data.splits import stratified_split
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically, write_json
from bakeoff.study import Study

SPLITS = ("train", "validation", "test")
CARD = "card.json"
CHUNK_BYTES = 32 << 20

Card = dict[str, Any]


class DamagedData(BakeoffError):
    """Prepared data that is missing, or not what its card says."""


@dataclass(frozen=True)
class PreparedData:
    """A card, and for each split the images uint8 [N, C, H, W] and labels int64 [N], mapped from disk."""

    card: Card
    splits: dict[str, tuple[Pixels, Labels]]


@dataclass(frozen=True)
class _Split:
    """Rows of a source's arrays; None stands for all. Splits are written without being copied first."""

    images: Pixels
    labels: Labels
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.images) if self.rows is None else len(self.rows)

    def chunks(self) -> Iterator[Pixels]:
        step = max(1, CHUNK_BYTES // max(1, math.prod(self.images.shape[1:])))
        for start in range(0, len(self), step):
            chosen = slice(start, start + step) if self.rows is None else self.rows[start : start + step]
            yield np.ascontiguousarray(self.images[chosen])

    def chosen_labels(self) -> Labels:
        return np.ascontiguousarray(self.labels if self.rows is None else self.labels[self.rows])


def check_dataset(study: Study, dataset: str) -> None:
    """Raise BakeoffError for a source or an argument that cannot work. Reads no data."""
    entry, where = study.datasets[dataset], f"datasets.{dataset}"
    source = find_source(entry.source, where)
    check_arguments(source.load, entry.arguments, where, ignore=frozenset({"request"}))
    source.check(where, entry.arguments)


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
        resize=(entry.resize, entry.resize) if isinstance(entry.resize, int) else entry.resize,
        mode=entry.mode,
        on_bad_image=entry.on_bad_image,
        split_seed=study.split_seed,
        threads=threads,
        scratch=folder,
    )
    if request.resize is not None and min(request.resize) < 1:
        raise BakeoffError(f"{where}.resize: found {entry.resize}; allowed: sizes of at least 1 pixel")
    try:
        data = find_source(entry.source, where).load(request, **entry.arguments)
        splits = _splits(data, entry.validation, request)
        _check_content(splits, data.classes, where)
        specification = study.dataset_specification(dataset)
        return _write(folder, splits, _describe(dataset, specification, data, splits))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BakeoffError(f"{folder}: no space is left to write {dataset}; free some and start again") from error


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
            if {"entry": card["entry"], "split_seed": card["split_seed"]} == study.dataset_specification(dataset):
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
        raise DamagedData(f"{path}: missing; prepare the dataset first") from error
    except ValueError as error:
        raise DamagedData(f"{path}: is not a readable card: {error}") from error
    if not isinstance(card, dict) or not {"files", "entry", "split_seed", "shape", "classes", "counts"} <= set(card):
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
            _mapped(folder / f"{split}_labels.npy", np.dtype(np.int64), (count,)),
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


def _splits(data: SourceData, share: float, request: Request) -> dict[str, _Split]:
    """The three splits; validation is taken from the training split where the source has none."""
    splits = {split: _Split(images, labels) for split, (images, labels) in data.splits.items()}
    for split, part in splits.items():
        if len(part.images) == 0 or len(part.images) != len(part.labels):
            raise BakeoffError(
                f"{request.where}: the {split} split has {len(part.images)} images and {len(part.labels)} labels"
            )
        outside = np.unique(part.labels[(part.labels < 0) | (part.labels >= len(data.classes))])
        if len(outside):
            raise BakeoffError(
                f"{request.where}: the {split} split has labels {outside[:5].tolist()}; "
                f"allowed: 0..{len(data.classes) - 1} for {len(data.classes)} classes"
            )
    if "validation" not in splits:
        images, labels = data.splits["train"]
        kept, taken = stratified_split(labels, share, request.split_seed, f"{request.where}.validation", data.classes)
        splits |= {"train": _Split(images, labels, kept), "validation": _Split(images, labels, taken)}
    return {split: splits[split] for split in SPLITS}


def _check_content(splits: dict[str, _Split], classes: list[str], where: str) -> None:
    shapes = {split: part.images.shape[1:] for split, part in splits.items()}
    if len(set(shapes.values())) > 1:
        raise BakeoffError(f"{where}: the splits differ in the shape of their images: {shapes}; set resize and mode")
    counts = np.bincount(splits["train"].chosen_labels(), minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if empty:
        raise BakeoffError(f"{where}: classes without a training image: {', '.join(map(repr, empty[:10]))}")
    if len(classes) < 2:
        raise BakeoffError(f"{where}: there is only one class, {classes[0]!r}; a classifier needs two")


def _describe(dataset: str, specification: dict[str, Any], data: SourceData, splits: dict[str, _Split]) -> Card:
    mean, std = _mean_and_std(splits["train"])
    return {
        "name": dataset,
        "source": specification["entry"]["source"],
        "entry": specification["entry"],
        "split_seed": specification["split_seed"],
        "task": "multi-class",
        "shape": list(splits["train"].images.shape[1:]),
        "classes": data.classes,
        "counts": {split: len(part) for split, part in splits.items()},
        "class_counts": {
            split: np.bincount(part.chosen_labels(), minlength=len(data.classes)).tolist()
            for split, part in splits.items()
        },
        "mean": mean,
        "std": std,
        "files": {},
        "skipped": data.skipped,
    }


def _mean_and_std(split: _Split) -> tuple[list[float], list[float]]:
    """Per channel, of pixels in 0..1. Counts the 256 values first: exact, in little memory."""
    channels = split.images.shape[1]
    counts = np.zeros((channels, 256), np.int64)
    for chunk in split.chunks():
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(axis=1)
    return mean.tolist(), np.sqrt(variance).tolist()


def _write(folder: Path, splits: dict[str, _Split], card: Card) -> Card:
    """All arrays under temporary names, then under their own, then the card."""
    files: dict[str, dict[str, Any]] = {}
    old, time = _earlier(folder)
    with ExitStack() as stack:
        for split, part in splits.items():
            arrays = (
                (f"{split}_images.npy", np.dtype(np.uint8), (len(part), *part.images.shape[1:]), part.chunks()),
                (f"{split}_labels.npy", np.dtype(np.int64), (len(part),), iter([part.chosen_labels()])),
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
