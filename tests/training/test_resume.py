"""A run that is killed at any moment and started again is bit for bit the run that was not."""

import csv
import json
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff

STUDY = STUDIES / "stages.yaml"
RUN = "digits/cnn/sgd/first/seed3"
FOLDER = f"results/stages/runs/{RUN}"
WALL_CLOCK = {
    "training_seconds", "seconds_per_epoch", "images_per_second", "cpu_seconds", "gpu_seconds",
    "peak_host_memory_bytes", "peak_device_memory_bytes",
}  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    ended = bakeoff(folder, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    return folder / FOLDER


def assert_same_run(found: Path, expected: Path) -> None:
    """Everything but the clock, and memory."""
    for name in ("model.safetensors", "predictions.npz"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()
    histories = []
    for folder in (found, expected):
        with (folder / "history.csv").open() as file:
            histories.append(
                [{key: row[key] for key in row if key not in ("seconds", "ended")} for row in csv.DictReader(file)]
            )
    assert histories[0] == histories[1]
    results = [json.loads((folder / "result.json").read_text()) for folder in (found, expected)]
    for key in ("run", "spec", "status", "metrics"):
        assert results[0][key] == results[1][key]
    costs = [{key: value for key, value in result["cost"].items() if key not in WALL_CLOCK} for result in results]
    assert costs[0] == costs[1]


def kill_often(folder: Path, kills: int, seed: int) -> int:
    """Start the training and kill it at random moments; how many times it was killed before it was done."""
    moments = random.Random(seed)
    command = [str(BIN / "bakeoff"), "train", str(STUDY), RUN, "--checkpoint-seconds", "0"]
    for kill in range(kills):
        process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:  # wait for the first epoch of this attempt, so that each makes progress
            if " epoch " in line:
                break
        time.sleep(moments.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            return kill
        process.stdout.close()
    return kills


def test_killed_runs_end_as_if_they_had_not_been(uninterrupted: Path, tmp_path: Path) -> None:
    assert kill_often(tmp_path, kills=4, seed=0) >= 1
    ended = bakeoff(tmp_path, "train", STUDY, RUN, "--checkpoint-seconds", "0")
    assert ended.returncode == 0, ended.stderr
    assert_same_run(tmp_path / FOLDER, uninterrupted)
    assert [path.name for path in (tmp_path / "results/stages/state" / RUN).iterdir()] == ["lock"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_killed_runs_end_as_if_they_had_not_been_often(uninterrupted: Path, tmp_path: Path, seed: int) -> None:
    kill_often(tmp_path, kills=8, seed=seed)
    assert bakeoff(tmp_path, "train", STUDY, RUN).returncode == 0
    assert_same_run(tmp_path / FOLDER, uninterrupted)


@pytest.mark.parametrize(
    "asking",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGUSR1, signal.SIGINT))],
)
def test_a_signal_ends_a_run_with_a_checkpoint_within_the_epoch(
    uninterrupted: Path, tmp_path: Path, asking: signal.Signals
) -> None:
    """Checkpoints at the ends of epochs are switched off: what is kept is what the signal kept."""
    command = [str(BIN / "bakeoff"), "train", str(STUDY), RUN, "--checkpoint-seconds", "1000"]
    stopped, log = 0, ""
    moments = random.Random(int(asking))
    while True:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            log += line
            if " epoch " in line and stopped < 4:
                time.sleep(moments.uniform(0, 0.15))
                process.send_signal(asking)
                break
        rest, said = process.communicate()
        log += rest
        if process.returncode == 0:
            break
        assert process.returncode == 1
        assert said.startswith("stopped after ")
        stopped += 1
    assert stopped == 4
    assert "resuming after step" in log
    epochs = re.findall(r"epoch (\d+)/12", log)
    assert epochs == [str(number) for number in range(1, 13)]  # none is trained twice
    assert_same_run(tmp_path / FOLDER, uninterrupted)


def test_a_checkpoint_of_other_threads_is_told(tmp_path: Path) -> None:
    """Without the option the threads are the study's."""
    kill_often(tmp_path, kills=1, seed=2)
    ended = bakeoff(tmp_path, "train", STUDY, RUN, "--set", "threads=2")
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"warning: the checkpoint is of cpu \(.*\), 1 threads; .* 2 threads is not bit for", ended.stdout)
    result = json.loads((tmp_path / FOLDER / "result.json").read_text())
    assert result["provenance"]["threads"] == 2


def test_a_truncated_checkpoint_is_said_and_the_run_made_again(uninterrupted: Path, tmp_path: Path) -> None:
    kill_often(tmp_path, kills=1, seed=1)
    (checkpoint,) = (tmp_path / "results/stages/state" / RUN).glob("*/checkpoint.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    ended = bakeoff(tmp_path, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    assert "damaged checkpoint" in ended.stdout
    assert_same_run(tmp_path / FOLDER, uninterrupted)


def test_two_processes_on_one_run_do_not_both_train(uninterrupted: Path, tmp_path: Path) -> None:
    command = [str(BIN / "bakeoff"), "train", str(STUDY), RUN]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("finished already" in output for output in outputs) == 1
    assert_same_run(tmp_path / FOLDER, uninterrupted)
