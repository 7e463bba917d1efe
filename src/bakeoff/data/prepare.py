"""Prepares a dataset once for all runs: uint8 arrays, labels, and a card that describes them."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bakeoff.data.arrays import write_array
from bakeoff.data.card import CARD, Card, DamagedData, describe_data, read_card, verify
from bakeoff.data.choose import Split
from bakeoff.data.decoded_once import load_cut, remove_if_all_are_whole
from bakeoff.data.duplicates import judge
from bakeoff.data.loading import check_dataset, load_dataset
from bakeoff.data.source import SourceData
from bakeoff.data.source_files import Stamps, changed_source, files_read, write_source_files
from bakeoff.errors import BakeoffError, under
from bakeoff.files import describe_file, write_atomically, write_json
from bakeoff.study.specification import DatasetSpecification

OF_CONTENT = ("entry", "split_seed", "split", "fold", "plugins")  # what a specification's content may have


def prepare(specification: DatasetSpecification, threads: int = 1) -> Card:
    """Load a dataset, check it, and write its arrays and then its card into its folder.

    When the content matches the card that is already there, the files keep that card's time, so that Snakemake does
    not train again. Raises BakeoffError; a failure leaves nothing half-written.
    """
    check_dataset(specification)
    folder = specification.folder
    folder.mkdir(parents=True, exist_ok=True)
    with under("datasets", specification.entry_name):
        try:
            with _loaded(specification, threads) as (data, splits, stamps):
                card = describe_data(specification, data, splits)
                for warning in data.warnings:
                    print(f"warning: datasets.{specification.name}: {warning}", file=sys.stderr)
                judge(card["duplicates"], specification.entry.duplicates, specification.name)
                card = _write(folder, splits, card)
            write_source_files(folder, stamps)
            if specification.cut is not None:
                remove_if_all_are_whole(specification)
            return card
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            message = f"{folder}: no space left to write {specification.name}; free some and start again"
            raise BakeoffError(message) from error
        finally:
            with suppress(OSError):  # only an empty folder can be removed: nothing was written
                folder.rmdir()


def prepare_if_needed(specification: DatasetSpecification, threads: int = 1, look_at_source: bool = False) -> Card:
    """The card of prepared data that is whole; prepares it first when it is missing or damaged, or where it is asked to
    `look_at_source`, when the files that it was made from have changed.

    Data that must have no duplicates are also prepared again when their card is older than the search for them.
    Of two processes one prepares and the other waits.
    """
    name, folder = specification.name, specification.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"{folder}: waiting for another process that is preparing {name}", file=sys.stderr)
        lock.acquire()
    try:
        problems = what_is_wrong(specification, look_at_source)
        if not problems:
            card = read_card(folder)
            if specification.entry.duplicates == "error":
                with under("datasets", specification.entry_name):
                    judge(card["duplicates"], "error", name)
            return card
        if (folder / CARD).exists():
            print(f"{folder}: preparing {name} again: {'; '.join(problems)}", file=sys.stderr)
        return prepare(specification, threads)
    finally:
        lock.release()


def what_is_wrong(specification: DatasetSpecification, look_at_source: bool) -> list[str]:
    """Why a dataset is to be prepared, or prepared again; an empty list where it is not."""
    folder = specification.folder
    if problems := verify(folder, full=look_at_source):
        return problems
    card = read_card(folder)
    if specification.content != {key: card[key] for key in OF_CONTENT if key in card}:
        return ["the card belongs to another dataset entry"]
    if specification.entry.duplicates == "error" and "duplicates" not in card:
        return ["the card does not say which images two splits share"]
    changed = changed_source(folder) if look_at_source else None
    return [changed] if changed else []


@contextmanager
def _loaded(specification: DatasetSpecification, threads: int) -> Iterator[tuple[SourceData, dict[str, Split], Stamps]]:
    """What the source has, the splits that are made of it, and at the end the files that it was read from."""
    if specification.cut is not None:
        yield load_cut(specification, threads)
        return
    with files_read(besides=specification.folder) as stamps:
        yield *load_dataset(specification, threads), stamps


def _write(folder: Path, splits: dict[str, Split], card: Card) -> Card:
    """Write all arrays under temporary names, rename them, then write the card."""
    try:
        old, time = read_card(folder), (folder / CARD).stat().st_mtime_ns
    except DamagedData:
        old, time = {}, 0
    with ExitStack() as stack:
        for split, part in splits.items():
            for name, parts in (("images", part.chunks()), ("labels", [part.chosen_labels])):
                file = f"{split}_{name}.npy"
                temporary = stack.enter_context(write_atomically(folder / file))
                write_array(temporary, parts, len(part))
                card["files"][file] = describe_file(temporary)
        unchanged = all(old.get(key) == card[key] for key in ("files", "classes"))
        if not unchanged:  # never leave an old card beside new arrays, even when the machine stops here
            (folder / CARD).unlink(missing_ok=True)
    write_json(folder / CARD, card)
    if unchanged:
        for name in (*card["files"], CARD):
            os.utime(folder / name, ns=(time, time))
    return card
