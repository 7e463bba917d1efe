"""What `bakeoff doctor` says of machines on which something is missing."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

from bakeoff.commands.doctor import examine
from bakeoff.jobs import gpus
from bakeoff.jobs.leases import lease
from bakeoff.study.reading import load_study
from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff

TINY = STUDIES / "tiny.yaml"
WITHOUT_A_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def row(output: str, what: str) -> str:
    """The lines of the table that are about something."""
    lines = output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith(what))
    last = next((number for number in range(first + 1, len(lines)) if not lines[number].startswith("   ")), None)
    return "\n".join(lines[first:last])


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose commands are all that a process finds, but for Python's."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{folder}:{BIN}")
    return folder


def command(folder: Path, name: str, says: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_a_machine_without_anything_special_is_well(tmp_path: Path, commands: Path) -> None:
    found = bakeoff(tmp_path, "doctor", TINY)
    assert found.returncode == 0, found.stderr
    assert "problem" not in found.stdout
    assert torch.__version__ in row(found.stdout, "PyTorch")
    assert str(tmp_path / "results") in row(found.stdout, "results")
    assert "not installed" in row(found.stdout, "git")
    assert "none of latexmk, tectonic" in row(found.stdout, "LaTeX")
    assert "none here: Snakemake runs jobs on this machine" in row(found.stdout, "SLURM")
    assert not (tmp_path / "results").exists()  # looking changes nothing


@WITHOUT_A_GPU
def test_a_study_that_wants_a_gpu_cannot_work_without(tmp_path: Path, commands: Path) -> None:
    found = bakeoff(tmp_path, "doctor", TINY, "--set", "device=cuda")
    assert (found.returncode, found.stderr) == (1, "error: runs cannot work here: GPU\n")
    assert "say device: auto" in row(found.stdout, "GPU ")


@WITHOUT_A_GPU
def test_a_gpu_that_pytorch_cannot_use_is_a_warning_unless_it_is_wanted(tmp_path: Path, commands: Path) -> None:
    command(commands, "nvidia-smi", "NVIDIA H100, 81000 MiB, 81559 MiB, 470.82")
    found = bakeoff(tmp_path, "doctor", TINY)
    assert found.returncode == 0
    assert "warning" in row(found.stdout, "GPU ")
    assert "NVIDIA H100, 81000 MiB of 81559 MiB free, driver 470.82, which" in row(found.stdout, "GPU ")
    assert "→" in row(found.stdout, "GPU ")
    assert bakeoff(tmp_path, "doctor", TINY, "--set", "device=cuda").returncode == 1


def test_the_commands_of_a_cluster(tmp_path: Path, commands: Path) -> None:
    command(commands, "sbatch")
    command(commands, "squeue")
    found = bakeoff(tmp_path, "doctor", TINY)
    assert found.returncode == 0
    assert "there is no sacct" in row(found.stdout, "SLURM")


@WITHOUT_A_GPU
def test_a_login_node_needs_no_gpu(tmp_path: Path, commands: Path) -> None:
    command(commands, "sbatch")
    found = bakeoff(tmp_path, "doctor", TINY, "--set", "device=cuda")
    assert found.returncode == 0, found.stderr
    assert "warning" in row(found.stdout, "GPU ")
    assert "fine if all jobs go to the cluster" in row(found.stdout, "GPU ")


def test_a_driver_that_hangs_beside_a_folder_that_cannot_be_used(
    driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (driver / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("PATH", f"{driver}:{os.environ['PATH']}")
    monkeypatch.setattr(gpus, "SECONDS_TO_ANSWER", 0.1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"bakeoff-{os.getuid()}").write_text("")
    monkeypatch.chdir(tmp_path)
    found = {finding.what: finding for finding in examine(load_study(TINY))}
    assert "a GPU or its driver hangs" in found["GPU"].found
    assert found["GPU leases"].level == "problem"


def test_who_holds_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path))
    folder = tmp_path / f"bakeoff-{os.getuid()}"
    folder.mkdir(mode=0o700)
    held = lease(["GPU-a", "GPU-b"], 1, "process 7 (digits/mlp/seed0)", folder, 0)
    assert "GPU-a.0: process 7 (digits/mlp/seed0)" in row(bakeoff(tmp_path, "doctor", TINY).stdout, "GPU leases")
    os.close(held.lock)
    assert "none is held" in row(bakeoff(tmp_path, "doctor", TINY).stdout, "GPU leases")


def test_where_data_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shoes").mkdir()
    datasets = {
        "shoes": {"source": "folder", "root": "shoes"},
        "hats": {"source": "folder", "root": "hats"},
        "digits": {"source": "digits"},
        "tags": {"source": "csv", "root": "shoes", "table": "tags.csv", "label": "tag"},
    }
    found = {finding.what: finding for finding in examine(load_study(TINY, {"datasets": datasets}))}
    assert [found[f"Dataset {name}"].level for name in datasets] == ["ok", "problem", "ok", "problem"]
    assert f"datasets.hats: there is no folder hats in {tmp_path}; set root" in found["Dataset hats"].found


def test_energy_that_cannot_be_measured(tmp_path: Path) -> None:
    found = bakeoff(tmp_path, "doctor", TINY, "--set", "measure_energy=true", "--set", "threads=1000")
    assert "threads:" in row(found.stdout, "Processor")
    assert "codecarbon" in row(found.stdout, "Energy")


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can give a folder away")
def test_results_of_someone_else(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    os.chown(tmp_path / "results", 65534, 65534)
    found = subprocess.run(
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", BIN / "bakeoff", "doctor", TINY],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (1, "error: runs cannot work here: results\n")
    assert "belongs to nobody" in row(found.stdout, "results")


def test_a_gpu_of_another_make_is_a_problem_where_the_study_would_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Radeon Instinct")
    study = load_study(TINY)
    (found,) = (finding for finding in examine(study) if finding.what == "GPU")
    assert (found.level, found.remedy) == ("problem", "say device: cpu")
    assert found.found.startswith("Radeon Instinct, through ROCm")
    assert not [finding for finding in examine(study.model_copy(update={"device": "cpu"})) if finding.what == "GPU"]
