"""A CSV file for each run and tag, as TensorBoard's page offers them for download."""

import csv
from collections.abc import Sequence
from pathlib import Path

from bakeoff.errors import BakeoffError
from bakeoff.outlets.export_folder import export_to_folder
from bakeoff.outlets.outlet import Outlet
from bakeoff.outlets.records import Exported, Point, RunRecord, StudyRecords

HEADER = ("Wall time", "Step", "Value")
LONGEST_NAME = 255  # bytes, on every usual file system


def export(records: StudyRecords, place: str) -> Exported:
    """A folder for each run, with a file for each of its tags."""
    return export_to_folder("csv", records.name, records.runs, place, write_run)


def write_run(record: RunRecord, folder: Path) -> None:
    """Numbers are written with all their digits; NaN as nan."""
    folder.mkdir()
    for tag, points in record.points.items():
        path = folder / file_name(record.run.key, tag)
        if path.exists():
            raise BakeoffError(f"csv: two metrics of {record.run.key} would be called {path.name}; rename one of them")
        _write(path, points)


def file_name(run: str, tag: str) -> str:
    """As browsers save it: a slash becomes an underscore."""
    name = f"run-{run}-tag-{tag}.csv".replace("/", "_")
    if len(name.encode()) > LONGEST_NAME:
        raise BakeoffError(f"csv: {name} is longer than a file's name may be; choose shorter names or another target")
    return name


def _write(path: Path, points: Sequence[Point]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER)
        rows.writerows(points)


CSV = Outlet(
    "csv",
    "a file for each run and tag, as TensorBoard's page offers them for download",
    place="a folder",
    export=export,
    then="pandas.read_csv reads each file below {place}",
)
