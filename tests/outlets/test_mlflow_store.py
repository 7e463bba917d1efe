"""MLflow, read by its client and over the REST API of its server."""

import json
import math
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from outlet_truth import diverged_record, export_tiny, points_in, results_in

from bakeoff.errors import BakeoffError
from terminal import ENVIRONMENT

pytest.importorskip("mlflow")
from mlflow import MlflowClient

Points = dict[str, dict[str, list[tuple[float, int, float]]]]


def in_milliseconds(points: Points) -> dict[str, dict[str, list[tuple[int, int, float]]]]:
    return {
        key: {tag: [(round(time * 1000), step, value) for time, step, value in course] for tag, course in tags.items()}
        for key, tags in points.items()
    }


def test_runs_are_as_their_results_say_and_a_second_export_adds_nothing(finished_study: Path, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/store.db"
    assert export_tiny("mlflow", finished_study, place)[0].startswith("6 runs exported")
    client = MlflowClient(place)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    courses = {
        key: {
            tag: [(m.timestamp, m.step, m.value) for m in client.get_metric_history(run.info.run_id, tag)]
            for tag in run.data.metrics
        }
        for key, run in found.items()
    }
    assert courses == in_milliseconds(points_in(finished_study))
    for key, result in results_in(finished_study).items():
        run = found[key]
        assert run.data.params["optimizer.lr"] == str(result["spec"]["optimizer"]["lr"])
        assert run.data.tags["bakeoff.cell"] == key.rpartition("/")[0]
        assert run.data.tags["bakeoff.seed"] == str(result["run"]["seed"])
        assert (run.info.status, run.data.tags["bakeoff.times"]) == ("FINISHED", "measured")
        assert run.info.start_time < courses[key]["seconds"][0][0] < run.info.end_time + 1
        artifact = client.download_artifacts(run.info.run_id, "result.json", str(tmp_path))
        assert json.loads(Path(artifact).read_text()) == result
    assert export_tiny("mlflow", finished_study, place)[0].startswith("0 runs exported")
    assert len(client.search_runs([experiment])) == 6

    # What a killed export leaves is a run that has not ended.
    client.update_run(found[key].info.run_id, status="RUNNING")
    assert export_tiny("mlflow", finished_study, place)[0].startswith("1 runs exported")
    assert sorted(run.info.run_name for run in client.search_runs([experiment])) == sorted(found)


def test_an_experiment_of_somebody_else_is_refused(finished_study: Path, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/store.db"
    MlflowClient(place).create_experiment("tiny")
    with pytest.raises(BakeoffError, match="an experiment 'tiny' that is not of Bakeoff's"):
        export_tiny("mlflow", finished_study, place)


def test_a_folder_is_no_place(finished_study: Path, tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"sqlite:///mlflow\.db, or a server"):
        export_tiny("mlflow", finished_study, tmp_path / "mlruns")


def test_a_diverged_run_has_failed_and_long_courses_are_sent_in_parts(tmp_path: Path) -> None:
    """MLflow takes 1,000 metrics at a time."""
    from bakeoff.outlets.mlflow_store import export
    from bakeoff.outlets.records import Point, StudyRecords

    place, record = f"sqlite:///{tmp_path}/store.db", diverged_record(tmp_path)
    course = [Point(1.8e9 + epoch, epoch, 1 / epoch) for epoch in range(1, 2_501)]
    many = {f"recipe.augment.{number}": number for number in range(250)}
    long = replace(record, series={**record.series, "train/long": course}, hyperparameters=many | {"text": "x" * 7_000})
    export(StudyRecords("synthetic", "", [long], dict), place)
    client = MlflowClient(place)
    (run,) = client.search_runs([client.get_experiment_by_name("synthetic").experiment_id])
    assert run.info.status == "FAILED" and run.data.tags["mlflow.note.content"] == "the loss was nan in epoch 2"
    found = client.get_metric_history(run.info.run_id, "train/long")
    assert sorted((m.step, m.value) for m in found) == [(point.step, point.value) for point in course]
    assert len(run.data.params) == 251 and run.data.params["text"].endswith("x…")
    assert math.isnan(client.get_metric_history(run.info.run_id, "train/loss")[1].value)


def asked(address: str, what: str, **body: Any) -> dict[str, Any]:
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{what}", json.dumps(body).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


@pytest.mark.slow
def test_a_server_answers_with_the_same(finished_study: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/store.db", "--artifacts-destination", str(tmp_path / "a")]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log, cwd=tmp_path)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.5)
        export_tiny("mlflow", finished_study, address)
        experiments = asked(address, "experiments/search", max_results=10)["experiments"]
        (experiment,) = [item["experiment_id"] for item in experiments if item["name"] == "tiny"]
        runs = asked(address, "runs/search", experiment_ids=[experiment])["runs"]
        wanted = in_milliseconds(points_in(finished_study))
        assert len(runs) == 6
        for run in runs:
            last = {m["key"]: (m["timestamp"], m["step"], m["value"]) for m in run["data"]["metrics"]}
            assert last == {tag: course[-1] for tag, course in wanted[run["info"]["run_name"]].items()}
    finally:
        server.terminate()
        server.wait()
