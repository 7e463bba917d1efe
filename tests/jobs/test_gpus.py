"""Which GPUs there are, as a driver says that is make-believe, and how many trainings Snakemake may start on them."""

import json
import os
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.jobs import gpus
from bakeoff.jobs.gpus import gpus_of_a_run, visible_devices
from terminal import ENVIRONMENT, STUDIES, bakeoff, snakemake

TINY = STUDIES / "tiny.yaml"
RUNS = [f"digits/perceptron/{optimizer}/plain/seed{seed}" for optimizer in ("sgd", "adam") for seed in (0, 1)]
RESULTS = [f"results/tiny/runs/{run}/result.json" for run in RUNS]


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, ["GPU-1111", "GPU-2222"]),
        ("1", ["GPU-2222"]),
        ("1,0", ["GPU-2222", "GPU-1111"]),
        ("GPU-22", ["GPU-2222"]),
        ("", []),
        ("-1", []),
        ("0,-1,1", ["GPU-1111"]),
        ("MIG-GPU-5/1/0", ["MIG-GPU-5/1/0"]),
        ("7", []),
        ("1,7,0", ["GPU-2222"]),
        ("GPU-3", []),
        ("NoDevFiles", []),  # SLURM's word, in jobs without a GPU
    ],
)
def test_an_inherited_choice_of_devices_is_respected(
    visible: str | None, found: list[str], driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{driver}:{os.environ['PATH']}")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_devices() == found


@pytest.mark.parametrize("visible", ["0", "GPU-1111", "MIG-5", "NoDevFiles"])
def test_a_machine_without_gpus_has_none_by_any_name(
    visible: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "DEVICE_FILES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_devices() == []


@pytest.mark.parametrize("command", [None, "echo 'Failed to initialize NVML: Unknown Error'\nexit 18"])
def test_a_container_without_nvidia_smi_has_the_gpus_that_it_has_files_of(
    command: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So has one in which it fails."""
    if command:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{command}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(gpus, "DEVICE_FILES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_devices() == ["0", "1"]  # as CUDA counts them
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,GPU-1111,5,0")
    assert visible_devices() == ["1", "GPU-1111"]


def test_a_driver_that_hangs_is_an_error(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (driver / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("PATH", f"{driver}:{os.environ['PATH']}")
    monkeypatch.setattr(gpus, "SECONDS_TO_ANSWER", 0.1)
    with pytest.raises(BakeoffError, match="a GPU or its driver hangs"):
        visible_devices()


@pytest.mark.parametrize(
    ("device", "elsewhere", "gpus"), [("auto", True, 1), ("cuda", False, 1), ("cuda", True, 1), ("cpu", True, 0)]
)
def test_jobs_on_a_cluster_ask_for_a_gpu_unless_the_study_says_cpu(device: str, elsewhere: bool, gpus: int) -> None:
    assert gpus_of_a_run(device, elsewhere) == gpus


@pytest.mark.parametrize(("visible", "gpus"), [("0", 1), ("", 0)])
def test_jobs_here_ask_for_a_gpu_where_they_may_use_one(
    driver: Path, monkeypatch: pytest.MonkeyPatch, visible: str, gpus: int
) -> None:
    monkeypatch.setenv("PATH", f"{driver}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_of_a_run("auto", elsewhere=False) == gpus


@pytest.mark.usefixtures("two_gpus")
def test_more_gpus_than_there_are_end_before_anything_starts(tmp_path: Path) -> None:
    ended = snakemake(tmp_path, TINY, "--resources", "gpu=3")
    assert ended.returncode != 0
    assert "--resources gpu=3 is more than there is. GPUs here: 2, jobs_per_gpu: 1; say gpu=2" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "results").exists()
    again = snakemake(tmp_path, TINY, "--resources", "gpu=2", "--until", "prepare")
    assert again.returncode == 0, again.stderr
    assert "GPUs here" not in again.stderr


@pytest.mark.usefixtures("two_gpus")
def test_a_study_that_insists_on_a_gpu_ends_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "")
    ended = snakemake(tmp_path, TINY, "--config", "device=cuda")
    assert ended.returncode != 0
    assert "device: cuda, but there is no GPU here; say device: auto" in ended.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("two_gpus")
def test_no_gpu_at_a_time_is_no_limit(tmp_path: Path) -> None:
    ended = snakemake(tmp_path, TINY, "--resources", "gpu=0")
    assert ended.returncode != 0
    assert "--resources gpu=0 limits nothing. GPUs here: 2, jobs_per_gpu: 1; say gpu=2, or --config device=cpu" in (
        ended.stderr
    )
    without = snakemake(tmp_path, TINY, "--resources", "gpu=0", "--config", "device=cpu", "--until", "prepare")
    assert without.returncode == 0, without.stderr


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("visible", "key", "count"), [("1", "jobs_per_gpu=3", "3"), ("0,1", "seeds=1", "2"), ("0,1", "device=cpu", "0")]
)
def test_how_many_trainings_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, key: str, count: str
) -> None:
    """What `make study` asks for."""
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", visible)
    found = bakeoff(tmp_path, "gpus", TINY, "--set", key)
    assert (found.returncode, found.stdout) == (0, f"{count}\n"), found.stderr


@pytest.mark.usefixtures("two_gpus")
def test_without_a_word_one_training_at_a_time_has_a_gpu(tmp_path: Path) -> None:
    ended = snakemake(tmp_path, TINY, "--until", "train", cores=4)
    assert ended.returncode == 0, ended.stderr
    assert "--resources gpu=1 leaves room: gpu=2 uses all of it" in ended.stderr
    used = set()
    for path in tmp_path.glob("results/tiny/runs/**/result.json"):
        used.add(json.loads(path.read_text())["provenance"]["gpu"])
    assert used == {"GPU-1111"}  # the first that is free
    logs = [path.read_text() for path in tmp_path.glob("results/tiny/logs/digits/**/*.log")]
    assert len(logs) == 6 and not any("waiting for a GPU" in log for log in logs)


@pytest.mark.slow
@pytest.mark.usefixtures("two_gpus")
def test_a_profile_says_how_many_share_a_gpu(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text("config: [jobs_per_gpu=2, gpu_wait_seconds=0]\nresources: [gpu=4]\n")
    ended = snakemake(tmp_path, TINY, "--workflow-profile", profile, "--", *RESULTS, cores=4)
    assert ended.returncode == 0, ended.stderr
    assert "GPUs here" not in ended.stderr
    log = (tmp_path / f"results/tiny/logs/{RUNS[0]}.log").read_text()
    assert ", slot 1 of 2" in log or ", slot 2 of 2" in log
