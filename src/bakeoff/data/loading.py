"""From an entry of a study to its three splits: images decoded and of one shape, with their labels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bakeoff.data.choose import Split, choose, whole_splits
from bakeoff.data.decoding import Collected, allocate, decode_files, fit
from bakeoff.data.depth import RANGE_OF_TYPE, UnreadablePixels, UsedRange, eight_bits, used_range, warnings_of
from bakeoff.data.source import Request, SourceData
from bakeoff.data.sources.registry import find_source
from bakeoff.data.splits import count_labels
from bakeoff.errors import BakeoffError, under
from bakeoff.study.arguments import check_arguments
from bakeoff.study.specification import DatasetSpecification


def check_dataset(specification: DatasetSpecification) -> None:
    """Raise BakeoffError for a source or an argument that cannot work. Reads no data."""
    entry = specification.entry
    with under("datasets", specification.entry_name):
        source = find_source(entry.source)
        check_arguments(source.load, entry.arguments, ignore=frozenset({"request"}))
        source.check(entry.arguments)
        for key, size in (("resize", entry.resize), ("center_crop", entry.center_crop)):
            if size is not None and min(_pair(size)) < 1:
                raise BakeoffError(f"found {size}; allowed: sizes of at least 1 pixel", [key])


def load_dataset(specification: DatasetSpecification, threads: int) -> tuple[SourceData, dict[str, Split]]:
    """What the source has, and the splits train, validation and test that are made of it.

    Raises BakeoffError for data that is missing or damaged, or that no classifier could be trained on.
    """
    entry, seed = specification.entry, specification.split_seed
    return decoded(specification, threads, lambda data, splits: choose(splits, data, entry, seed))


def decoded(
    specification: DatasetSpecification,
    threads: int,
    chosen: Callable[[SourceData, dict[str, Split]], dict[str, Split]],
) -> tuple[SourceData, dict[str, Split]]:
    """What the source has, and what is `chosen` of its splits, with images that are decoded and of one shape."""
    entry, request = specification.entry, request_of(specification, threads)
    data = find_source(entry.source).load(request, **entry.arguments)
    splits, skipped, warnings = whole_splits(data), list[str](), list[str]()
    if not isinstance(splits["train"].images, list):
        splits, warnings = _shallow(chosen(data, splits), request, data.fitted)
        if not data.fitted:
            splits = {name: _fitted(split, request) for name, split in splits.items()}
    elif entry.on_bad_image == "skip":  # which files are broken must be known before any are chosen
        splits, collected = _decoded(splits, request)
        splits, skipped, warnings = chosen(data, splits), collected.skipped, collected.warnings
    else:
        splits, collected = _decoded(chosen(data, splits), request)
        warnings = collected.warnings
    check_content(splits, data)
    return replace(data, skipped=[*data.skipped, *skipped], warnings=[*data.warnings, *warnings]), splits


def request_of(specification: DatasetSpecification, threads: int) -> Request:
    """What a source is asked for: the keys of the dataset's entry that every source understands."""
    entry = specification.entry
    return Request(
        where=f"datasets.{specification.entry_name}",
        root=specification.root,
        # One number means a square; before a centre crop, it means the shorter side.
        resize=entry.resize if entry.resize is None or entry.center_crop is not None else _pair(entry.resize),
        center_crop=None if entry.center_crop is None else _pair(entry.center_crop),
        mode=entry.mode,
        pixel_range=entry.pixel_range,
        on_bad_image=entry.on_bad_image,
        threads=threads,
        scratch=specification.folder,
    )


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _decoded(splits: dict[str, Split], request: Request) -> tuple[dict[str, Split], Collected]:
    """The splits with arrays in place of files, and what else was found.

    All splits are decoded in one go, so that a message about two sizes can name files of two splits.
    """
    files = [part.images[row] for part in splits.values() if isinstance(part.images, list) for row in part.chosen_rows]
    collected = decode_files(files, request)
    labels = np.concatenate([part.chosen_labels for part in splits.values()])[collected.rows]
    ends = np.cumsum([len(part) for part in splits.values()])
    bounds = np.searchsorted(collected.rows, [0, *ends])  # skipped files move the ends
    decoded = {
        name: Split(collected.images[start:stop], labels[start:stop], names=collected.names[start:stop])
        for name, start, stop in zip(splits, bounds[:-1], bounds[1:], strict=True)
    }
    empty = [name for name, split in decoded.items() if len(split) == 0]
    if empty:
        raise BakeoffError(f"no image of the {empty[0]} split can be decoded")
    return decoded, collected


def _shallow(splits: dict[str, Split], request: Request, fitted: bool) -> tuple[dict[str, Split], list[str]]:
    """Arrays of deeper pixels scaled to uint8, and what to say of the range that they use.

    Raises BakeoffError for a type of numbers that has no range of its own, and for a range that is of no use.
    """
    found, used = dict(splits), dict[str, UsedRange]()
    for name, split in splits.items():
        if split.array.dtype == np.uint8:
            continue
        pixel_range = request.pixel_range or RANGE_OF_TYPE.get(str(split.array.dtype))
        if pixel_range is None:
            raise BakeoffError(
                f"the {name} images are numbers of type {split.array.dtype}, whose range is not known; set "
                "pixel_range: [LOW, HIGH]"
            )
        images, at = allocate((len(split), *split.array.shape[1:]), request.scratch), 0
        ends = []
        for chunk in split.chunks():
            try:
                images[at : at + len(chunk)] = eight_bits(chunk, pixel_range)
            except UnreadablePixels as error:
                raise BakeoffError(f"the {name} images from number {at} on cannot be used: {error}") from error
            at += len(chunk)
            ends += [chunk.min(), chunk.max()]
        found[name] = Split(images, split.chosen_labels)
        used[f"the {name} split"] = used_range(np.array(ends), pixel_range)
    if request.pixel_range is not None and not used and not fitted:
        raise BakeoffError("no image here is deeper than 8 bits; leave pixel_range out", ["pixel_range"])
    return found, warnings_of(iter(used.items()), request.pixel_range is not None)


def _fitted(split: Split, request: Request) -> Split:
    images = fit(split.array, split.rows, request)
    return split if images is None else Split(images, split.chosen_labels)


def check_content(splits: dict[str, Split], data: SourceData) -> None:
    """Raise BakeoffError for splits that no classifier could be trained on."""
    shapes = {name: split.array.shape[1:] for name, split in splits.items()}
    if len(set(shapes.values())) > 1:
        raise BakeoffError(f"the splits have images of different shapes: {shapes}; set resize and mode")
    counts = count_labels(splits["train"].chosen_labels, len(data.classes))
    empty = [name for name, count in zip(data.classes, counts, strict=True) if count == 0]
    if empty:
        what = "classes" if data.task == "multi-class" else "labels"
        names = ", ".join(map(repr, empty[:10]))
        raise BakeoffError(f"{what} without a training image: {names}; add images of them to train, or leave them out")
    if data.task == "multi-class" and len(data.classes) < 2:
        raise BakeoffError(f"there is only one class, {data.classes[0]!r}; a classifier needs two")
