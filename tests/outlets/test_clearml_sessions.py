"""ClearML's offline sessions, read by what imports them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from outlet_truth import diverged_record, export_tiny, finals_of, results_in, series_in

pytest.importorskip("clearml")
KEY = "digits/perceptron/sgd/plain/seed0"


def unpacked(finished_study: Path, tmp_path: Path) -> Path:
    export_tiny("clearml", finished_study, tmp_path / "out")
    with ZipFile(tmp_path / f"out/{KEY}.zip") as session:
        session.extractall(tmp_path / "session")
    return tmp_path / "session"


def test_the_import_sends_every_number_with_its_time(finished_study: Path, tmp_path: Path) -> None:
    from clearml.backend_interface.metrics import Metrics

    folder, sent = unpacked(finished_study, tmp_path), []
    session = SimpleNamespace(send=lambda batch: sent.extend(batch.requests))
    task = json.loads((folder / "task.json").read_text())
    target = SimpleNamespace(id="new", session=session)
    assert Metrics.report_offline_session(target, folder, remote_url="x", only_with_id=task["id"], session=session)
    assert {event["task"] for event in sent} == {"new"}
    found: dict[str, list[Any]] = {}
    for event in sent:
        tag = (
            event["variant"]
            if event["metric"] in ("Summary", event["variant"])
            else f"{event['metric']}/{event['variant']}"
        )
        found.setdefault(tag, []).append((event["timestamp"], event["iter"], event["value"]))
    for tag, points in series_in(finished_study, KEY).items():
        assert found.pop(tag) == [(round(time * 1000), step, value) for time, step, value in points]
    assert {tag: value for tag, [(_, _, value)] in found.items()} == finals_of(results_in(finished_study)[KEY])


def test_the_task_has_what_the_import_edits_and_its_files(finished_study: Path, tmp_path: Path) -> None:
    from clearml.backend_api.services import tasks

    folder = unpacked(finished_study, tmp_path)
    task = json.loads((folder / "task.json").read_text())
    assert (task["name"], task["project_name"]) == (KEY, "tiny")
    result = results_in(finished_study)[KEY]
    assert task["hyperparams"]["optimizer"]["momentum"]["value"] == str(result["spec"]["optimizer"]["momentum"])
    assert {"study:tiny", "cell:digits/perceptron/sgd/plain", "seed:0"} < set(task["tags"])
    known = tasks.EditRequest._get_data_props()
    tasks.EditRequest(task="x", **{key: value for key, value in task.items() if key in known and key != "project"})
    for artifact in task["execution"]["artifacts"]:
        local = artifact["uri"].replace(f"{task['offline_folder']}/data/", "", 1)  # as the import does
        assert (folder / "data" / local).stat().st_size == artifact["content_size"]
    assert [item["key"] for item in task["execution"]["artifacts"]] == ["result", "history"]


OWN = """
from clearml import Task
task = Task.init(project_name="p", task_name="t", auto_connect_frameworks=False, auto_connect_arg_parser=False,
    auto_connect_streams=False, auto_resource_monitoring=False)
task.set_parameters({"optimizer/lr": 0.1})
task.get_logger().report_scalar("train", "loss", 0.5, 1)
task.close()
"""


@pytest.mark.slow
def test_a_session_of_clearml_itself_has_the_same_form(finished_study: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "CLEARML_OFFLINE_MODE": "1", "CLEARML_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", OWN], env=environment, cwd=tmp_path, check=True, timeout=300)
    (path,) = (tmp_path / "cache").rglob("*.zip")
    ours = unpacked(finished_study, tmp_path)
    with ZipFile(path) as session:
        task = json.loads(session.read("task.json"))
        event = json.loads(session.read("metrics.jsonl").splitlines()[0])[0]
    own_task = json.loads((ours / "task.json").read_text())
    own_event = json.loads((ours / "metrics.jsonl").read_text().splitlines()[0])[0]
    assert set(own_event) == set(event) and own_event["type"] == event["type"]
    optional = {"comment", "tags", "script"}
    assert set(own_task) - optional == set(task) - optional
    assert set(own_task["hyperparams"]["optimizer"]["lr"]) == set(task["hyperparams"]["optimizer"]["lr"])


def test_what_is_not_finite_is_left_out(tmp_path: Path) -> None:
    from bakeoff.outlets.clearml_sessions import write_session

    write_session(diverged_record(tmp_path), tmp_path / "run.zip")
    with ZipFile(tmp_path / "run.zip") as session:
        events = json.loads(session.read("metrics.jsonl"))
    steps = {name: [e["iter"] for e in events if (e["metric"], e["variant"]) == ("train", name)]
             for name in ("loss", "accuracy", "macro_f1")}  # fmt: skip
    assert steps == {"loss": [1], "accuracy": [1], "macro_f1": [1, 2]}
