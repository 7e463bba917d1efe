"""TensorBoard's events of a study that is being trained, read by TensorBoard's own reader."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from outlet_truth import finals_of

from bakeoff.errors import BakeoffError
from bakeoff.jobs.live import check_live
from bakeoff.jobs.progress import append_epoch, begin, update
from bakeoff.study.paths import Layout
from bakeoff.study.specification import specification_hash
from bakeoff.study.study import Study, runs
from synthetic_runs import history_of, layout_in, result_of, study_of, write_run
from terminal import STUDIES, snakemake

pytest.importorskip("tensorboard")
Points = list[tuple[int, float]]


def scalars(folder: Path) -> dict[str, Points]:
    """Tag → steps and values of a run's folder, in the order in which TensorBoard meets them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@contextmanager
def followed(study: Study, layout: Layout) -> Iterator[None]:
    """What follows the study while the block lasts; the rest is written at its end."""
    from bakeoff.outlets.live_tensorboard import follow

    life, ours = os.pipe()
    thread = threading.Thread(target=follow, args=(study, layout, life))
    thread.start()
    try:
        yield
    finally:
        os.close(ours)
        thread.join(60)
        os.close(life)
        assert not thread.is_alive()


def soon(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def one_run(folder: Path) -> tuple[Study, Layout]:
    study = study_of(experiments=[{"architectures": "linear", "optimizers": "sgd"}], seeds=1)
    return study, layout_in(folder, study)


def train_epochs(study: Study, layout: Layout, epochs: range) -> None:
    """What a training leaves of these epochs, as history_of has them."""
    paths = layout.run(runs(study)[0])
    paths.state.mkdir(parents=True, exist_ok=True)
    begin(paths, specification_hash(study, runs(study)[0]), 4)
    header, *lines = history_of(4).splitlines()
    for epoch in epochs:
        row = dict(zip(header.split(","), map(float, lines[epoch - 1].split(",")), strict=True))
        append_epoch(paths, row | {"ended": 1_000.0 + epoch})
        update(paths, {"epoch": epoch})


def test_a_whole_study_has_the_numbers_of_its_histories(tmp_path: Path) -> None:
    content = yaml.safe_load((STUDIES / "tiny.yaml").read_text()) | {"live": "tensorboard", "seeds": 1}
    (tmp_path / "live.yaml").write_text(yaml.safe_dump(content))
    ended = snakemake(tmp_path, tmp_path / "live.yaml")
    assert ended.returncode == 0, ended.stderr
    assert "live: tensorboard --logdir results/tiny/tensorboard" in ended.stderr
    found = sorted((tmp_path / "results/tiny/runs").rglob("result.json"))
    assert len(found) == 3
    for path in found:
        run = path.parent.relative_to(tmp_path / "results/tiny/runs")
        shown = scalars(tmp_path / "results/tiny/tensorboard" / run)
        header, *lines = (path.parent / "history.csv").read_text().splitlines()
        for column, *values in zip(header.split(","), *(line.split(",") for line in lines), strict=True):
            if column not in ("epoch", "ended"):
                tag = column.replace("_", "/", 1) if column.startswith(("train_", "validation_")) else column
                wanted = [(step, pytest.approx(float(value), rel=1e-6)) for step, value in enumerate(values, 1)]
                assert shown.pop(tag) == wanted, (run, tag)
        assert set(shown) == set(finals_of(json.loads(path.read_text())))
    assert not list(tmp_path.glob("results/tiny/state/**/epochs.jsonl"))


def test_epochs_are_there_before_the_run_ends_and_its_end_follows(tmp_path: Path) -> None:
    study, layout = one_run(tmp_path)
    run = runs(study)[0]
    shown = layout.live / run.key
    with followed(study, layout):
        train_epochs(study, layout, range(1, 3))
        soon(lambda: shown.is_dir() and len(scalars(shown)["train/accuracy"]) == 2)
        assert not layout.run(run).result.exists() and "final/test/accuracy" not in scalars(shown)
        write_run(layout, run, result_of(study, run, 0.8))
    assert [step for step, _ in scalars(shown)["validation/loss"]] == [1, 2, 3, 4]
    assert scalars(shown)["final/test/accuracy"] == [(4, pytest.approx(0.8))]


def test_another_session_goes_on_after_half_a_record_and_epochs_trained_twice(tmp_path: Path) -> None:
    study, layout = one_run(tmp_path)
    run = runs(study)[0]
    with followed(study, layout):
        train_epochs(study, layout, range(1, 4))
    (first,) = (layout.live / run.key).iterdir()
    first.rename(first.with_name("events.out.tfevents.0000000001.bakeoff"))  # some time ago
    with (layout.live / run.key / "events.out.tfevents.0000000001.bakeoff").open("ab") as file:
        file.write(b"\x18\0\0\0\0\0\0\0\xa3\x7f")  # what SIGKILL leaves
    with layout.run(run).epochs.open("a") as file:
        file.write('\n{"epoch": 4.0, "tra')  # of the training, too
    with followed(study, layout):
        train_epochs(study, layout, range(3, 5))  # from the checkpoint of epoch 2
    assert [step for step, _ in scalars(layout.live / run.key)["train/loss"]] == [1, 2, 3, 4]


def test_a_run_that_is_trained_anew_replaces_what_was_there(tmp_path: Path) -> None:
    study, layout = one_run(tmp_path)
    run = runs(study)[0]
    with followed(study, layout):
        train_epochs(study, layout, range(1, 4))
    other = study_of(
        experiments=[{"architectures": "linear", "optimizers": "sgd"}], seeds=1,
        optimizers={"sgd": {"name": "SGD", "lr": 0.7}},
    )  # fmt: skip
    with followed(other, layout):
        pass
    assert len(scalars(layout.live / run.key)["train/loss"]) == 3  # nothing new was trained
    with followed(other, layout):
        train_epochs(other, layout, range(1, 2))
    assert [step for step, _ in scalars(layout.live / run.key)["train/loss"]] == [1]


def test_a_tool_that_is_not_installed_ends_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakeoff.jobs.live.find_spec", lambda name: None)
    with pytest.raises(BakeoffError, match=r"live: the package tensorboard is not installed; pip install 'bakeoff\[te"):
        check_live("tensorboard")
    check_live(None)
