"""Event files, read by TensorBoard."""

import math
from pathlib import Path

import pytest
from outlet_truth import diverged_record, export_tiny, points_in, results_in

from terminal import STUDIES, bakeoff

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
    parse_session_end_info_plugin_data,
    parse_session_start_info_plugin_data,
)
from tensorboard.util.tensor_util import make_ndarray


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0})
    events.Reload()
    return events


def test_every_number_has_its_time_and_its_last_digit(finished_study: Path, tmp_path: Path) -> None:
    export_tiny("tensorboard", finished_study, tmp_path / "logs")
    for key, tags in points_in(finished_study).items():
        events = read(tmp_path / "logs" / key)
        found = {
            tag: [(e.wall_time, e.step, make_ndarray(e.tensor_proto).item()) for e in events.Tensors(tag)]
            for tag in events.Tags()["tensors"]
            if not tag.startswith("_hparams_/")
        }
        assert found == tags
        assert events.FirstEventTimestamp() == pytest.approx(tags["seconds"][0][0] - tags["seconds"][0][2], abs=5)


def test_tensorboard_shows_them_as_scalars_of_their_runs(finished_study: Path, tmp_path: Path) -> None:
    """As its page gets them, over the same files."""
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext

    export_tiny("tensorboard", finished_study, tmp_path / "logs")
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "logs"))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(tmp_path / "logs"))
    shown = provider.read_scalars(RequestContext(), experiment_id="", plugin_name="scalars", downsample=1000)
    wanted = points_in(finished_study)
    assert {run: {tag: [(p.wall_time, p.step, p.value) for p in points] for tag, points in tags.items()}
            for run, tags in shown.items() if run != "figures"} == wanted  # fmt: skip


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
    values = {tag: make_ndarray(events.Tensors(f"train/{tag}")[1].tensor_proto).item() for tag in ("loss", "accuracy")}
    assert math.isnan(values["loss"]) and values["accuracy"] == math.inf
    end = parse_session_end_info_plugin_data(events.PluginTagToContent("hparams")[SESSION_END_INFO_TAG])
    assert end.status == end.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_name["STATUS_FAILURE"].number
