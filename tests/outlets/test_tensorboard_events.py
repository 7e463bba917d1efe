"""Event files, read by TensorBoard."""

import csv
import math
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from outlet_truth import diverged_record, export_tiny, points_in, results_in

from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
    parse_session_end_info_plugin_data,
    parse_session_start_info_plugin_data,
)


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


Points = list[tuple[float, int, float]]


def in_single_precision(tags: dict[str, Points]) -> dict[str, Points]:
    """A scalar of TensorBoard has 32 bits; its time has all its digits."""
    return {tag: [(time, step, float(np.float32(value))) for time, step, value in tags[tag]] for tag in tags}


def test_every_number_has_its_time_and_all_digits_of_32_bits(finished_study: Path, tmp_path: Path) -> None:
    export_tiny("tensorboard", finished_study, tmp_path / "logs")
    for key, tags in points_in(finished_study).items():
        events = read(tmp_path / "logs" / key)
        found = {tag: [(e.wall_time, e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        assert found == in_single_precision(tags)
        assert events.FirstEventTimestamp() == pytest.approx(tags["seconds"][0][0] - tags["seconds"][0][2], abs=5)


def test_the_page_shows_them(finished_study: Path, tmp_path: Path) -> None:
    """TensorBoard as people start it: its fast server reads less than its Python."""
    export_tiny("tensorboard", finished_study, tmp_path / "logs")
    wanted = points_in(finished_study)["digits/logistic/sgd/plain/seed1"]["validation/loss"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    query = "run=digits/logistic/sgd/plain/seed1&tag=validation/loss&format=csv"
    address = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?{query}"
    command = [BIN / "tensorboard", "--logdir", tmp_path / "logs", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        rows: list[list[str]] = []
        for _ in range(240):
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    rows = list(csv.reader(answer.read().decode().splitlines()))
            except OSError:  # it starts, or still reads
                assert server.poll() is None, (tmp_path / "log").read_text()
            if len(rows) > len(wanted):
                break
            time.sleep(0.5)
        assert rows[0] == ["Wall time", "Step", "Value"]
        assert [(float(at), int(step), float(value)) for at, step, value in rows[1:]] == (
            in_single_precision({"loss": wanted})["loss"]
        )
    finally:
        server.terminate()
        server.wait()


def test_sessions_have_their_hyperparameters_start_and_end(finished_study: Path, tmp_path: Path) -> None:
    export_tiny("tensorboard", finished_study, tmp_path / "logs")
    key = "digits/perceptron/adam/plain/seed1"
    result = results_in(finished_study)[key]
    contents = read(tmp_path / "logs" / key).PluginTagToContent("hparams")
    start = parse_session_start_info_plugin_data(contents[SESSION_START_INFO_TAG])
    assert start.hparams["optimizer.lr"].number_value == result["spec"]["optimizer"]["lr"]
    assert start.hparams["architecture.batch_norm"].bool_value is True
    assert start.hparams["architecture.hidden.0"].number_value == 16
    assert start.hparams["seed"].number_value == 1
    assert start.hparams["cell"].string_value == "digits/perceptron/adam/plain"
    end = parse_session_end_info_plugin_data(contents[SESSION_END_INFO_TAG])
    assert 0 < end.end_time_secs - start.start_time_secs < 600
    assert end.end_time_secs == points_in(finished_study)[key]["final/best_epoch"][0][0]


def test_figures_are_images(finished_study: Path, tmp_path: Path) -> None:
    ended = bakeoff(finished_study, "export", "tensorboard", STUDIES / "tiny.yaml", "--to", tmp_path / "logs")
    assert ended.returncode == 0, ended.stderr
    events = read(tmp_path / "logs/figures")
    drawn = {path.stem for path in (finished_study / "results/tiny/figures").glob("*.svg")}
    assert set(events.Tags()["images"]) == drawn and "comparison_digits" in drawn
    (image,) = events.Images("comparison_digits")
    assert image.encoded_image_string.startswith(b"\x89PNG") and image.width > 300


def test_a_diverged_run_has_failed_and_keeps_its_numbers(tmp_path: Path) -> None:
    from bakeoff.outlets.tensorboard_events import write_run

    write_run(diverged_record(tmp_path), tmp_path / "logs")
    events = read(tmp_path / "logs")
    values = {tag: events.Scalars(f"train/{tag}")[1].value for tag in ("loss", "accuracy")}
    assert math.isnan(values["loss"]) and values["accuracy"] == math.inf
    end = parse_session_end_info_plugin_data(events.PluginTagToContent("hparams")[SESSION_END_INFO_TAG])
    assert end.status == end.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_name["STATUS_FAILURE"].number
