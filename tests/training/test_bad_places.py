"""Disks that are full and folders that are another's: one line, an exit code, and nothing lost."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_resume import RUN, STUDY, assert_same_run, uninterrupted

from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff

__all__ = ["uninterrupted"]  # the fixture
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk and give a folder away")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """A file that takes all of the disk but `leave` bytes."""
    path = folder / "filler"
    path.write_bytes(bytes(shutil.disk_usage(folder).free - leave))
    return path


@AS_ROOT
def test_a_disk_that_fills_up_in_a_checkpoint_loses_nothing(
    uninterrupted: Path, small_disk: Path, tmp_path: Path
) -> None:
    state = tmp_path / "results/stages/state" / RUN
    state.parent.mkdir(parents=True)
    state.symlink_to(small_disk)
    command = [str(BIN / "bakeoff"), "train", str(STUDY), RUN, "--checkpoint-seconds", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    log = ""
    for line in process.stdout:
        log += line
        if " epoch 3/" in line:
            filler = fill(small_disk, leave=20_000)  # less than a checkpoint
            break
    rest, said = process.communicate()
    log += rest
    assert process.returncode == 1
    assert re.fullmatch(r"error: \S+/checkpoint.pt: No space left on device; make room and start again: .*\n", said)
    assert "Traceback" not in log
    (checkpoint,) = small_disk.glob("*/*")  # whole, and no temporary file beside it
    assert checkpoint.name == "checkpoint.pt"
    filler.unlink()
    ended = bakeoff(tmp_path, "train", STUDY, RUN)
    assert ended.returncode == 0, ended.stderr
    epochs = re.findall(r"epoch (\d+)/12", log)
    assert f"resuming after epoch {epochs[-1]}" in ended.stdout
    assert_same_run(tmp_path / "results/stages/runs" / RUN, uninterrupted)


@AS_ROOT
def test_a_disk_that_is_full_at_the_end_leaves_no_result(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "results/tiny").mkdir(parents=True)
    (tmp_path / "results/tiny/runs").symlink_to(small_disk)
    filler = fill(small_disk, leave=0)
    run = "digits/logistic/sgd/plain/seed0"
    ended = bakeoff(tmp_path, "train", STUDIES / "tiny.yaml", run)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: results/tiny/runs/\S+: No space left on device; make room .*\n", ended.stderr)
    filler.unlink()
    ended = bakeoff(tmp_path, "train", STUDIES / "tiny.yaml", run)
    assert ended.returncode == 0, ended.stderr
    assert "was finished by an earlier attempt" in ended.stdout
    assert {path.name for path in (tmp_path / "results/tiny/state" / run).iterdir()} == {"lock"}


def without_power(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command by a root that may not write where the file system does not let it."""
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", BIN / "bakeoff", *arguments]
    return subprocess.run(
        [str(part) for part in command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@AS_ROOT
@pytest.mark.parametrize(("mode", "shown"), [(0o755, "drwxr-xr-x"), (0o700, "drwx------")])
@pytest.mark.parametrize("others", ["results", "results/tiny/state/digits/logistic/sgd/plain/seed0"])
def test_a_folder_of_someone_else_is_named_with_its_owner(tmp_path: Path, others: str, mode: int, shown: str) -> None:
    """The folder of all results, and the folder of the run's lock; one that can be looked into, and one that cannot."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    folder = tmp_path / others
    folder.mkdir(parents=True)
    folder.chmod(mode)
    os.chown(folder, 65534, 65534)
    ended = without_power(tmp_path, "train", STUDIES / "tiny.yaml", "digits/logistic/sgd/plain/seed0")
    assert ended.returncode == 1
    whose = rf"\({shown}\) belongs to nobody, and this is root"
    assert re.fullmatch(rf"error: \S*{others}\S+: Permission denied: \S*{others} {whose}; .*\n", ended.stderr)
    assert "Traceback" not in ended.stdout
