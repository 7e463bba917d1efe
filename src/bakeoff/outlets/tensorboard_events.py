"""TensorBoard's event files: scalars, hyper-parameters, and the study's figures as images."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.outlets.export_folder import claim, export_to_folder, is_there, put
from bakeoff.outlets.outlet import Outlet
from bakeoff.outlets.records import Exported, RunRecord, Scalar, StudyRecords
from bakeoff.study.specification import digest

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

FIGURES = "figures"  # the run that holds them


def export(records: StudyRecords, place: str) -> Exported:
    """A folder with an event file for each run, and one for the figures."""
    latest: dict[str, float] = {}

    def watched() -> Iterable[RunRecord]:
        for record in records.runs:
            latest[record.identity] = record.ended
            yield record

    exported = export_to_folder("tensorboard", records.name, watched(), place, write_run)
    folder, identity = Path(place), digest(sorted(latest))
    contents = claim(folder, "tensorboard", records.name)
    if is_there(folder, contents, FIGURES, identity, FIGURES):
        return exported
    images = records.images()
    if not images:
        return exported._replace(notes=("no figures: make them with bakeoff report, and export again",))
    put(folder, contents, FIGURES, identity, FIGURES, partial(write_images, images, max(latest.values())))
    return exported


def write_run(record: RunRecord, folder: Path) -> None:
    """All events of one run, at the times at which they happened."""
    known = {**record.hyperparameters, **record.tags, "seed": record.run.seed}
    events = [
        start_event(known, record.run.key, record.started),
        *(epoch_event(time, step, values) for time, step, values in record.epochs),
        *end_events(record),
    ]
    _write(folder, record.started, events)


def start_event(hyperparameters: Mapping[str, Scalar], key: str, started: float) -> "Event":
    """What a run is, for the HPARAMS page."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    return Event(wall_time=started, summary=hparams_pb(hyperparameters, key, started))


def epoch_event(time: float, step: int, values: Mapping[str, float]) -> "Event":
    """The values of an epoch."""
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time, step=step, summary=_scalars(values))


def end_events(record: RunRecord) -> "list[Event]":
    """What a run ended with, and that it did."""
    from tensorboard.compat.proto.event_pb2 import Event

    scores = [epoch_event(point.time, point.step, {tag: point.value}) for tag, point in record.scores.items()]
    return [*scores, Event(wall_time=record.ended, summary=_session_end(record))]


def write_images(images: Mapping[str, bytes], time: float, folder: Path) -> None:
    """PNG images by their tags."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    events = []
    for tag, png in images.items():
        width, height = struct.unpack(">II", png[16:24])  # of the header that every PNG begins with
        image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
        events.append(Event(wall_time=time, summary=Summary(value=[Summary.Value(tag=tag, image=image)])))
    _write(folder, time, events)


def _session_end(record: RunRecord) -> "Summary":
    """As TensorBoard's session_end_pb makes it, which needs TensorFlow."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import Status
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    status = Status.STATUS_SUCCESS if record.status == "completed" else Status.STATUS_FAILURE
    ended = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=record.ended))
    summary = Summary()
    summary.value.add(
        tag=metadata.SESSION_END_INFO_TAG, metadata=metadata.create_summary_metadata(ended), tensor=metadata.NULL_TENSOR
    )
    return summary


def _scalars(values: Mapping[str, float]) -> "Summary":
    """Plain scalars, which have 32 bits: the server that TensorBoard starts by default shows no doubles."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])


def _write(folder: Path, started: float, events: "Sequence[Event]") -> None:
    """The event file of a folder."""
    append_events(folder / f"events.out.tfevents.{int(started):010d}.bakeoff", events)


def append_events(path: Path, events: "Sequence[Event]") -> None:
    """Write events to the end of a file, which begins at the time of its first event: TensorBoard's own
    EventFileWriter would stamp it with now."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    path.parent.mkdir(parents=True, exist_ok=True)
    begin = [] if path.exists() else [Event(wall_time=events[0].wall_time, file_version="brain.Event:2")]
    with path.open("ab") as file:
        writer = RecordWriter(file)
        for event in (*begin, *events):
            writer.write(event.SerializeToString())


TENSORBOARD = Outlet(
    "tensorboard",
    "event files with scalars, hyper-parameters and the study's figures",
    place="a folder",
    export=export,
    then="look at them: tensorboard --logdir {place}",
    module="tensorboard",
    extra="tensorboard",
)
