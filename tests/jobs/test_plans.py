"""Plan files: when they change."""

import json
from pathlib import Path

from bakeoff.jobs.plans import write_plan


def test_an_equal_plan_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    before = path.stat().st_mtime_ns, path.read_bytes()
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    write_plan(path, {"shape": (1, 8, 8)}, "other data")
    assert json.loads(path.read_text())["data"] == "other data"
    assert path.stat().st_mtime_ns == before[0]
    path.write_bytes(before[1][:-9])
    write_plan(path, {"shape": (1, 8, 8)}, "data")
    assert path.read_bytes() == before[1]
