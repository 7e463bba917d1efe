"""W&B's offline runs, read from the file that `wandb sync` uploads."""

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outlet_truth import diverged_record, export_tiny, finals_of, results_in, series_in

pytest.importorskip("wandb")
from wandb.proto.wandb_internal_pb2 import Record

HEADER, BLOCK = 7, 32_768  # bytes: of the file and of a record; a record does not cross the end of a block


def records_in(path: Path) -> Iterator[Record]:
    """W&B keeps a log as LevelDB does: checksum, length and kind (whole, first, middle, last) before each part."""
    content, position, whole = path.read_bytes(), HEADER, b""
    assert content.startswith(b":W&B")
    while position < len(content):
        if (left := BLOCK - position % BLOCK) < HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        whole += content[position + HEADER : position + HEADER + length]
        position += HEADER + length
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


def values_of(items: Any) -> dict[str, Any]:
    return {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def test_offline_runs_hold_every_number_with_its_time(finished_study: Path, tmp_path: Path) -> None:
    export_tiny("wandb", finished_study, tmp_path / "out")
    found = {}
    for path in (tmp_path / "out/wandb").glob("offline-run-*/run-*.wandb"):
        records = list(records_in(path))
        (run,) = (record.run for record in records if record.WhichOneof("record_type") == "run")
        found[run.display_name] = (path, run, records)
    for key, result in results_in(finished_study).items():
        path, run, records = found.pop(key)
        assert (run.project, run.run_group) == ("tiny", key.rpartition("/")[0])
        assert values_of(run.config.update)["optimizer.lr"] == result["spec"]["optimizer"]["lr"]
        rows = [values_of(r.history.item) for r in records if r.WhichOneof("record_type") == "history"]
        series = series_in(finished_study, key)
        assert values_of(run.config.update)["started"] == pytest.approx(series["seconds"][0][0], abs=5)
        for tag, points in series.items():
            assert [(row["_timestamp"], row["_step"], row[tag]) for row in rows] == points
        summary: dict[str, Any] = {}
        for record in records:
            if record.WhichOneof("record_type") == "summary":
                summary |= values_of(record.summary.update)
        finals = finals_of(result)
        assert {tag: summary[tag] for tag in finals} == finals
        assert (path.parent / "files/result.json").read_bytes() == (
            finished_study / "results/tiny/runs" / key / "result.json"
        ).read_bytes()
        saved = {f.path for r in records if r.WhichOneof("record_type") == "files" for f in r.files.files}
        assert {"result.json", "history.csv"} <= saved
    assert not found


def test_a_diverged_run_keeps_its_numbers(tmp_path: Path) -> None:
    from bakeoff.outlets.records import StudyRecords
    from bakeoff.outlets.wandb_runs import export

    export(StudyRecords("synthetic", "", [diverged_record(tmp_path)], dict), str(tmp_path / "out"))
    (path,) = (tmp_path / "out/wandb").glob("offline-run-*/run-*.wandb")
    records = list(records_in(path))
    rows = [values_of(r.history.item) for r in records if r.WhichOneof("record_type") == "history"]
    assert math.isnan(float(rows[1]["train/loss"])) and float(rows[1]["train/accuracy"]) == math.inf
    assert [r.exit.exit_code for r in records if r.WhichOneof("record_type") == "exit"] == [1]
