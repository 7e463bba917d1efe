"""What is said of a profile that asks for what the cluster does not have."""

from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.jobs.slurm_profile import mistakes, partitions
from bakeoff.study.reading import load_study
from terminal import ENVIRONMENT, ROOT, STUDIES, bakeoff

PROFILE = ROOT / "profiles/slurm/config.yaml"
SINFO = """\
echo 'gpu|1-00:00:00|gpu:a100:4'
echo 'gpu|1-00:00:00|(null)'
echo 'short|2:30:00|gpu:2'
echo 'minutes|30:00|gpu:2'
echo 'cpu*|infinite|(null)'
"""


@pytest.fixture
def sinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of four partitions."""
    command = tmp_path / "sinfo"
    command.write_text(f"#!/bin/sh\n{SINFO}")
    command.chmod(0o755)
    for name in ("sbatch", "scontrol", "sacctmgr"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for where in (monkeypatch.setenv, lambda key, value: monkeypatch.setitem(ENVIRONMENT, key, value)):
        where("PATH", f"{tmp_path}:{ENVIRONMENT['PATH']}")


def said(tmp_path: Path, device: str = "auto", **changes: object) -> list[str]:
    """The mistakes in our profile with other defaults."""
    text = PROFILE.read_text()
    for key, value in changes.items():
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{key}:")]
        assert len(lines) == 1
        text = text.replace(lines[0], f"  {key}: {value}")
    profile = tmp_path / "profile.yaml"
    profile.write_text(text)
    return list(mistakes(load_study(STUDIES / "tiny.yaml", {"device": device}), profile))


def test_partitions_as_the_cluster_lists_them(sinfo: None) -> None:
    found = {name: (partition.minutes, partition.has_gpus) for name, partition in partitions().items()}
    assert found == {
        "gpu": (1440, True),
        "short": (150, True),
        "minutes": (30, True),
        "cpu": (float("inf"), False),
    }


def test_our_profile_is_well_where_there_is_its_partition(sinfo: None, tmp_path: Path) -> None:
    assert said(tmp_path) == []


def test_a_partition_that_is_not_there(sinfo: None, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, slurm_partition="gpus")
    line = 1 + PROFILE.read_text().splitlines().index("default-resources:") + 2
    assert mistake.startswith(f"{tmp_path}/profile.yaml:{line}: default-resources.slurm_partition: ")
    assert "no partition 'gpus'; did you mean 'gpu'? allowed: cpu, gpu, minutes, short" in mistake


def test_a_partition_without_gpus(sinfo: None, tmp_path: Path) -> None:
    (mistake,) = said(tmp_path, slurm_partition="cpu")
    assert "cpu has no GPUs" in mistake
    assert said(tmp_path, slurm_partition="cpu", device="cpu") == []


def test_jobs_that_would_wait_for_ever(sinfo: None, tmp_path: Path) -> None:
    (first,) = said(tmp_path, slurm_partition="minutes")
    assert "attempt 1 asks for 120 minutes, minutes gives 30 at most" in first
    (later,) = said(tmp_path, slurm_partition="short")
    assert "attempt 2 asks for 240 minutes, short gives 150 at most" in later
    assert said(tmp_path, slurm_partition="short", max_runtime=150) == []


def test_more_memory_than_any_node_has(sinfo: None, tmp_path: Path) -> None:
    (tmp_path / "sinfo").write_text("#!/bin/sh\necho 'gpu|infinite|gpu:1|16000'\necho 'gpu|infinite|(null)|30000'\n")
    assert said(tmp_path, mem_mb=10000, max_mem_mb=30000) == []
    (first,) = said(tmp_path, mem_mb=64000)
    assert "default-resources.mem_mb: attempt 1 asks for 64000 MB, gpu gives 30000 at most" in first
    (later,) = said(tmp_path, mem_mb=20000)
    assert "attempt 2 asks for 40000 MB" in later and "max_mem_mb" in later


def test_an_account_that_the_user_does_not_have(sinfo: None, tmp_path: Path) -> None:
    (tmp_path / "sacctmgr").write_text("#!/bin/sh\necho vision\necho speech\n")
    assert said(tmp_path, slurm_account="vison") == []  # this cluster takes any account
    enforced = "AccountingStorageEnforce = associations,limits"
    (tmp_path / "scontrol").write_text(f"#!/bin/sh\necho 'AccountingStorageHost = here'\necho '{enforced}'\n")
    (mistake,) = said(tmp_path, slurm_account="vison")
    assert "default-resources.slurm_account: " in mistake
    assert "no account 'vison'; did you mean 'vision'? allowed: speech, vision" in mistake
    assert said(tmp_path, slurm_account="speech") == []
    (tmp_path / "sacctmgr").write_text("#!/bin/sh\nexit 1\n")  # a cluster that keeps no accounts
    assert said(tmp_path, slurm_account="vison") == []


def test_the_default_partition_is_meant_where_none_is_named(sinfo: None, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("executor: slurm\ndefault-resources:\n")
    (mistake,) = mistakes(load_study(STUDIES / "tiny.yaml", {"device": "cuda"}), profile)
    assert "cpu has no GPUs" in mistake
    assert list(mistakes(load_study(STUDIES / "tiny.yaml", {"device": "cpu"}), profile)) == []


def test_resources_as_a_list_of_one_rule_and_several_partitions(sinfo: None, tmp_path: Path) -> None:
    profile, study = tmp_path / "profile.yaml", load_study(STUDIES / "tiny.yaml", {"device": "cuda"})
    profile.write_text("default-resources:\n- slurm_partition=minutes,short\n- runtime=20\nretries: 3\n")
    assert list(mistakes(study, profile)) == []
    with profile.open("a") as file:
        file.write("set-resources:\n  train:\n    runtime: 200\n")
    (mistake,) = mistakes(study, profile)
    assert mistake.startswith(f"{profile}:7: set-resources.train.runtime: attempt 1 asks for 200 minutes")


def test_a_cluster_that_does_not_answer(sinfo: None, tmp_path: Path) -> None:
    (tmp_path / "sinfo").write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
    with pytest.raises(BakeoffError, match="sinfo: Unable to contact slurm controller"):
        said(tmp_path)


def test_a_default_that_is_no_number(sinfo: None, tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="runtime: must be a number"):
        said(tmp_path, runtime="60 * attempt")


def test_the_doctor_says_it_too(sinfo: None, tmp_path: Path) -> None:
    folder = tmp_path / "profiles/slurm"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(PROFILE.read_text().replace("slurm_partition: gpu ", "slurm_partition: gpus "))
    found = bakeoff(tmp_path, "doctor", STUDIES / "tiny.yaml")
    assert found.returncode == 0, found.stderr
    assert "no partition 'gpus'; did you mean 'gpu'?" in found.stdout.replace("\n", " ")
