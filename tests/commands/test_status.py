"""What `bakeoff plan` and `bakeoff status` print."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console, RenderableType

from bakeoff.commands.check import check_study
from bakeoff.commands.plan import plan_table
from bakeoff.commands.status import status_table
from bakeoff.data.prepare import prepare_if_needed
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study, parse_study
from bakeoff.study.specification import features_folder, specify_dataset
from bakeoff.study.study import Study, runs
from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff

STUDY: dict[str, Any] = {
    "study": "shown",
    "title": "Shown",
    "datasets": {"digits": {"source": "digits"}},
    "architectures": {"logistic": {"model": "mlp"}, "a_perceptron_with_a_long_name": {"model": "mlp", "hidden": [8]}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}, "adam_with_decay": {"name": "Adam"}},
    "recipes": {
        "plain": {"epochs": 2},
        "augmented": {
            "epochs": 2,
            "augment": [
                {"RandomCrop": {"size": 8, "padding": 1}},
                {"RandomApply": {"transforms": [{"RandomRotation": {"degrees": 9}}, "TrivialAugmentWide"]}},
                "MixUp",
            ],
        },
    },
    "seeds": 2,
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return load_study(Path("study.yaml"))


def printed(shown: RenderableType, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_the_plan_says_how_transforms_run_once_the_plan_step_knows(study: Study) -> None:
    layout = Layout(study.study)
    assert "augment: augmented – known after `bakeoff check`" in printed(plan_table(study, layout))
    prepare_if_needed(specify_dataset(study, "digits"))
    check_study(study, layout)
    text = printed(plan_table(study, layout), width=200)
    assert "augment: augmented – RandomCrop, RandomRotation, MixUp batched; TrivialAugmentWide image by image" in text
    assert "plain:" not in text and "known after" not in text


def test_tables_fit_80_columns_and_name_what_is_the_same_everywhere_once(study: Study) -> None:
    for shown in (plan_table(study, Layout(study.study)), status_table(study, Layout(study.study))):
        title, *lines = printed(shown).splitlines()
        assert title == "Shown: 16 runs, dataset digits"
        assert max(map(len, lines)) <= 80
        assert not any("digits" in line for line in lines if "prepared" not in line)
    rows = printed(status_table(study, Layout(study.study))).splitlines()
    assert any(
        row.split() == ["a_perceptron_with_a_long_name/adam_with_decay/augmented/seed1", "waiting"] for row in rows
    )
    assert rows[1] == "16 waiting"  # totals come first


def test_a_step_that_failed_before_training_is_named_with_its_log(study: Study) -> None:
    layout = Layout(study.study)
    log = layout.folder / "logs" / "check.log"
    log.parent.mkdir(parents=True)
    log.write_text("a warning\nerror: study.yaml:7: optimizers.sgd: there is no optimizer 'SDG'\n")
    for table in (status_table(study, layout), plan_table(study, layout)):
        text = printed(table, width=200)
        assert "checking the study failed: study.yaml:7: optimizers.sgd: there is no optimizer 'SDG'" in text
        assert str(log) in text


TRACEBACK = """features for digits/net/sgd/frozen on cuda:0, 4 threads
Traceback (most recent call last):
  File "features.py", line 77, in _outputs
    raise KeyError("size")
KeyError: 'size'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "run.py", line 95, in compute_features
    assemble(study, run)
    ^^^^^^^^^^^^^^^^^^^^
RuntimeError: CUDA error: an illegal memory access was encountered
"""


def test_of_a_traceback_the_last_line_is_shown(study: Study) -> None:
    layout = Layout(study.study)
    run = layout.run(runs(study)[0])
    for log in (run.log, layout.folder / "logs" / "check.log"):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(TRACEBACK)
    text = printed(status_table(study, layout), width=200)
    reason = "RuntimeError: CUDA error: an illegal memory access was encountered"
    assert f"checking the study failed: {reason} (" in text
    assert f"{runs(study)[0].key}: {reason} (" in text
    run.log.write_text(f"{TRACEBACK}GPU GPU-a, slot 1 of 1\n")
    assert f"{runs(study)[0].key}: " not in printed(status_table(study, layout), width=200)


def test_features_that_cannot_be_computed_are_named_with_their_log(study: Study) -> None:
    config = study.model_dump(exclude_unset=True)
    config["architectures"] = {"net": {"model": "timm/resnet18", "pretrained": "random"}}
    config["recipes"] = {"frozen": {"epochs": 1, "freeze": "backbone"}}
    frozen = parse_study(config)
    folder = features_folder(frozen, next(iter(frozen.cells)))
    assert folder is not None
    folder.parent.mkdir(parents=True)
    log = folder.with_name(f"{folder.name}.log")
    log.write_text("error: no space is left\n")
    text = printed(status_table(frozen, Layout(frozen.study)), width=200)
    assert f"computing features {folder.name} failed: no space is left ({log})" in text


RUN = "digits/cnn/sgd/first/seed3"


def started(folder: Path, awaited: str, *arguments: str) -> subprocess.Popen[str]:
    """A training process that has said something."""
    command = [str(BIN / "bakeoff"), "train", str(STUDIES / "stages.yaml"), RUN, *arguments]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if awaited in line:
            return process
    raise AssertionError(f"ended without saying {awaited!r}")


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_running_run_says_device_throughput_and_time_left(tmp_path: Path) -> None:
    process = started(tmp_path, " epoch 2/12")
    process.send_signal(signal.SIGSTOP)
    shown = bakeoff(tmp_path, "status", STUDIES / "stages.yaml").stdout
    process.send_signal(signal.SIGCONT)
    killed(process)
    row = next(line.split() for line in shown.splitlines() if "first/" in line)
    assert row[:2] == ["first/seed3", "running"] and re.fullmatch(r"\d+/12", row[2])
    assert row[4] == "cpu"
    assert int(row[5].replace(",", "")) > 0
    assert re.fullmatch(r"0:00:\d\d", row[6])
    assert re.search(r"0:00:\d\d of training left, 1 at a time", shown)  # the second stage has the same network


def test_the_reason_of_a_failure_is_gone_when_the_next_attempt_begins(tmp_path: Path) -> None:
    failed = bakeoff(tmp_path, "train", STUDIES / "stages.yaml", RUN, "--set", "device=cuda")
    assert failed.returncode == 1
    assert "device: cuda, but PyTorch sees no CUDA" in bakeoff(tmp_path, "status", STUDIES / "stages.yaml").stdout
    killed(started(tmp_path, " on cpu "))
    shown = bakeoff(tmp_path, "status", STUDIES / "stages.yaml").stdout
    assert "1 interrupted" in shown and "CUDA" not in shown and "failed" not in shown


def test_what_was_said_of_another_specification_is_not_told(tmp_path: Path) -> None:
    command = ("train", STUDIES / "stages.yaml", RUN, "--set", "device=cuda")
    log = tmp_path / f"results/stages/logs/{RUN}.log"
    log.parent.mkdir(parents=True)
    log.write_text(bakeoff(tmp_path, *command).stderr)
    rate = "optimizers={sgd: {name: SGD, lr: 0.01}}"
    for key, state in (("seeds=[3]", "1 failed"), (rate, "2 waiting")):
        shown = bakeoff(tmp_path, "status", STUDIES / "stages.yaml", "--set", key).stdout
        assert state in shown
    assert "0/12" not in shown and "CUDA" not in shown
    log.unlink()  # as Snakemake does
    killed(started(tmp_path, " on cpu ", "--set", rate))
    shown = bakeoff(tmp_path, "status", STUDIES / "stages.yaml", "--set", rate).stdout
    assert "1 interrupted" in shown and "failed" not in shown


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can give a file away")
def test_someone_else_may_look(study: Study, tmp_path: Path) -> None:
    layout = Layout(study.study)
    lock = layout.run(runs(study)[0]).lock
    lock.parent.mkdir(parents=True)
    lock.touch(mode=0o644)
    os.chown(lock, 65534, 65534)
    looking = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", BIN / "bakeoff", "status"]
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        shown = subprocess.run(
            [*looking, "study.yaml"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
    assert "1 running" in shown.stdout, shown.stderr


def test_what_fails_before_the_run_is_begun_is_told_from_its_log(study: Study) -> None:
    layout = Layout(study.study)
    run = runs(study)[0]
    log = layout.run(run).log
    log.parent.mkdir(parents=True)
    log.write_text("waiting for a GPU\nerror: no GPU was free for 600 s: GPU-a is held by process 7\n")
    assert "no GPU was free for 600 s: GPU-a is held by process 7" in printed(status_table(study, layout), width=200)
    log.write_text(log.read_text() + "GPU GPU-a, slot 1 of 1\n")
    assert "no GPU was free" not in printed(status_table(study, layout), width=200)


def test_a_run_whose_model_was_deleted_waits(finished_study: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_study / "results/tiny", tmp_path / "results/tiny", symlinks=True)
    (tmp_path / "results/tiny/runs/digits/logistic/sgd/plain/seed0/model.safetensors").unlink()
    said = bakeoff(tmp_path, "status", STUDIES / "tiny.yaml", "--json")
    states = {run["run"]: run["state"] for run in json.loads(said.stdout)}
    assert states.pop("digits/logistic/sgd/plain/seed0") == "waiting"
    assert set(states.values()) == {"completed"}
