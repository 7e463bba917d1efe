"""TensorBoard's events while runs train: written by a process beside them, from the files that say how far they are."""

import json
import select
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.files import stamp, write_json
from bakeoff.jobs.progress import read_epochs
from bakeoff.outlets.finished_runs import flattened, read_record, tag_of
from bakeoff.outlets.tensorboard_events import append_events, end_events, epoch_event, start_event
from bakeoff.results.result import DamagedResult, Result, read_result
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, Training, beside_the_runs, training_of

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

SECONDS_BETWEEN_LOOKS = 1.0
NOTES = "bakeoff-live.json"  # what stands in the folder: for each run its specification and its epochs


@dataclass(frozen=True)
class Followed:
    """A training that may have begun: its files, and how to find out what it trains."""

    paths: RunPaths
    training: Callable[[], Training]


@dataclass(frozen=True)
class Note:
    """What was written of a run: so many epochs of a specification, and whether its end."""

    specification: str
    epochs: int = 0
    ended: bool = False


def follow(study: Study, layout: Layout, life: int) -> None:
    """Write what trainings reach into results/<study>/tensorboard, until the pipe `life` is closed at its other end.

    Each session appends to files of its own, so that half a record of a killed one hides nothing. A run that was
    trained again begins anew.
    """
    folder, session = layout.live, int(time.time())
    notes = _read_notes(folder)
    unfinished, seen = _followed(study, layout), dict[str, object]()
    over = False
    while unfinished:
        began, before = time.monotonic(), dict(notes)
        for key, followed in list(unfinished.items()):
            now = stamp(followed.paths.epochs), stamp(followed.paths.result)
            if now == (None, None) or now == seen.get(key):
                continue
            seen[key] = now
            try:
                training = followed.training()
            except NotChosen:
                continue
            note = _catch_up(key, training, folder / key, session, notes.get(key))
            if note is not None:
                notes[key] = note
                if note.ended and note.specification == training.specification.hash:
                    del unfinished[key]
        if notes != before:
            write_json(folder / NOTES, {key: vars(note) for key, note in notes.items()}, durable=False)
        if over:
            return
        pause = max(SECONDS_BETWEEN_LOOKS, 10 * (time.monotonic() - began))
        over = bool(select.select([life], [], [], pause)[0])


def _followed(study: Study, layout: Layout) -> dict[str, Followed]:
    """Every run and every trial, by its key."""
    found = {run.key: Followed(layout.run(run), partial(training_of, study, layout, run)) for run in runs(study)}
    for key, training in beside_the_runs(study, layout).items():
        found[f"trials/{key}"] = Followed(training.paths, lambda training=training: training)  # type: ignore[misc]
    return found


def _catch_up(key: str, training: Training, folder: Path, session: int, known: Note | None) -> Note | None:
    """Append what is new of a run to its folder; what stands there then."""
    specification = training.specification.hash
    goes_on = known is not None and known.specification == specification and folder.is_dir()
    note = known if known is not None and goes_on else Note(specification)
    if note.ended:
        return note
    result = _result(training)
    events = list(_new_events(key, training, result, note))
    if not events:
        return known
    if not goes_on:
        shutil.rmtree(folder, ignore_errors=True)
    append_events(folder / f"events.out.tfevents.{session:010d}.bakeoff", [event for _, event in events])
    return Note(specification, max(epoch for epoch, _ in events), result is not None)


def _new_events(key: str, training: Training, result: Result | None, note: Note) -> Iterator[tuple[int, "Event"]]:
    """The number of an epoch and its event, for each that is not noted; before the first one, what the run is."""
    record = None if result is None else read_record(training.study.study, training.paths, result)
    if record is not None:
        epochs = record.epochs
    else:
        rows = read_epochs(training.paths, training.specification.hash)
        epochs = [(row["ended"], int(row["epoch"]), _values(row)) for row in rows]
    done = note.epochs
    for ended, epoch, values in epochs:
        if epoch <= done:  # an attempt after a kill trains some epochs again, to the same numbers
            continue
        if done == 0:
            started, run = ended - values.get("seconds", 0.0), training.run
            known = flattened(training.specification.content)
            known |= {"study": training.study.study, "cell": run.experiment.key, "seed": run.seed}
            yield 0, start_event(known, key, started)
        yield epoch, epoch_event(ended, epoch, values)
        done = epoch
    if record is not None:
        yield from ((done, event) for event in end_events(record))


def _values(row: dict[str, float]) -> dict[str, float]:
    return {tag_of(column): value for column, value in row.items() if column not in ("epoch", "ended")}


def _result(training: Training) -> Result | None:
    """The finished result of a training; None where it is damaged, or of another specification."""
    try:
        result = read_result(training.paths.result)
    except DamagedResult:
        return None
    return result if result is not None and result.spec == training.specification.content else None


def _read_notes(folder: Path) -> dict[str, Note]:
    try:
        return {key: Note(**note) for key, note in json.loads((folder / NOTES).read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or lost: the folders are written anew
        return {}
