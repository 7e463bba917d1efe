"""Prepares a dataset once for all runs: uint8 arrays, labels, and a card that describes them."""

import errno
import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bakeoff.data.arrays import write_array
from bakeoff.data.card import CARD, Card, DamagedData, describe_data, describe_file, read_card, verify
from bakeoff.data.choose import Split
from bakeoff.data.loading import check_dataset, load_dataset
from bakeoff.errors import BakeoffError, under
from bakeoff.files import write_atomically, write_json
from bakeoff.study.specification import DatasetSpecification


def prepare(specification: DatasetSpecification, threads: int = 1) -> Card:
    """Load a dataset, check it, and write its arrays and then its card into its folder.

    When the content matches the card that is already there, the files keep that card's time, so that Snakemake does
    not train again. Raises BakeoffError; a failure leaves nothing half-written.
    """
    check_dataset(specification)
    folder = specification.folder
    folder.mkdir(parents=True, exist_ok=True)
    with under("datasets", specification.name):
        try:
            data, splits = load_dataset(specification, threads)
            return _write(folder, splits, describe_data(specification, data, splits))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            message = f"{folder}: no space left to write {specification.name}; free some and start again"
            raise BakeoffError(message) from error
        finally:
            with suppress(OSError):  # only an empty folder can be removed: nothing was written
                folder.rmdir()


def prepare_if_needed(specification: DatasetSpecification, threads: int = 1) -> Card:
    """The card of prepared data that is whole; prepares it first when it is missing or damaged.

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
        problems = verify(folder)
        if not problems:
            card = read_card(folder)
            if specification.content == {key: card[key] for key in ("entry", "split_seed", "plugins") if key in card}:
                return card
            problems = ["the card belongs to another dataset entry"]
        if (folder / CARD).exists():
            print(f"{folder}: preparing {name} again: {'; '.join(problems)}", file=sys.stderr)
        return prepare(specification, threads)
    finally:
        lock.release()


def _write(folder: Path, splits: dict[str, Split], card: Card) -> Card:
    """Write all arrays under temporary names, rename them, then write the card."""
    old, time = _earlier(folder)
    with ExitStack() as stack:
        for split, part in splits.items():
            for name, parts in (("images", part.chunks()), ("labels", [part.chosen_labels])):
                file = f"{split}_{name}.npy"
                temporary = stack.enter_context(write_atomically(folder / file))
                write_array(temporary, parts, len(part))
                card["files"][file] = describe_file(temporary)
        unchanged = old is not None and all(old[key] == card[key] for key in ("files", "classes"))
        if not unchanged:  # never leave an old card beside new arrays, even when the machine stops here
            (folder / CARD).unlink(missing_ok=True)
    write_json(folder / CARD, card)
    if unchanged and time is not None:
        for name in (*card["files"], CARD):
            os.utime(folder / name, ns=(time, time))
    return card


def _earlier(folder: Path) -> tuple[Card | None, int | None]:
    """The card that the folder has and its time in nanoseconds, if it can be read."""
    try:
        return read_card(folder), (folder / CARD).stat().st_mtime_ns
    except DamagedData:
        return None, None
