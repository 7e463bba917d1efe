"""Warm starts: forked jobs do what cold ones do, and nothing is left when one of the processes dies."""

import fcntl
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bakeoff.jobs.warm import start_server
from terminal import BIN, ENVIRONMENT, ROOT, STUDIES, bakeoff, snakemake
from training.test_resume import assert_same_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are for Linux")
STAGES = STUDIES / "stages.yaml"
RUN = "digits/cnn/sgd/first/seed3"
KILLS = int(os.environ.get("BAKEOFF_KILLS", "6"))


@dataclass
class Served:
    """A server of this process's, and the environment in which `bakeoff` asks it."""

    environment: dict[str, str]
    server: psutil.Process
    life: int

    @property
    def folder(self) -> Path:
        return Path(self.environment["PATH"].split(os.pathsep)[0])

    def start(self, folder: Path, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        options = {
            "env": self.environment,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        } | options
        command = [str(self.folder / "bakeoff"), *map(str, arguments)]
        return subprocess.Popen(command, cwd=folder, **options)

    def run(self, folder: Path, *arguments: object, **options: Any) -> tuple[int, str]:
        """Exit status, and all that a forked job said."""
        process = self.start(folder, *arguments, **options)
        wait_until(lambda: self.forked() or process.poll() is not None)
        assert self.forked(), "a cold start"
        said = "".join(text for text in process.communicate(timeout=120) if text)
        return process.returncode, said

    def forked(self) -> list[psutil.Process]:
        """The jobs, each in a session of its own; an import may start other processes for a moment."""
        return [child for child in self.server.children() if "serve" in words(child) and leads_a_session(child)]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PATH", ENVIRONMENT["PATH"])
    life = start_server([str(STAGES)])
    assert life is not None
    (server,) = (child for child in psutil.Process().children() if "serve" in words(child))
    yield Served(dict(os.environ), server, life)
    os.close(life)
    server.wait(10)


def words(process: psutil.Process) -> list[str]:
    """The command line of a process; empty for one that has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def leads_a_session(process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_its_folder_is_its_users_alone_and_goes_with_it(served: Served) -> None:
    assert served.run(Path.cwd(), "plan", STAGES)[0] == 0
    assert stat.S_IMODE((served.folder / "socket").stat().st_mode) == 0o600
    assert stat.S_IMODE(served.folder.stat().st_mode) == 0o700
    served.server.terminate()
    served.server.wait(10)
    assert not served.folder.exists()


@pytest.mark.parametrize(
    "threads", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(4, marks=pytest.mark.slow)]
)
def test_a_warm_run_is_bit_for_bit_a_cold_one(served: Served, tmp_path: Path, threads: int) -> None:
    """With dropout, augmentation and a learning-rate schedule, in 32 bits."""
    cold, warm = tmp_path / "cold", tmp_path / "warm"
    for folder in (cold, warm):
        folder.mkdir()
    command = ("train", STAGES, RUN, "--threads", threads)
    assert bakeoff(cold, *command).returncode == 0
    status, said = served.run(warm, *command)
    assert status == 0, said
    assert_same_run(warm / f"results/stages/runs/{RUN}", cold / f"results/stages/runs/{RUN}")


def test_so_is_one_in_bfloat16_that_was_stopped_and_resumed(served: Served, tmp_path: Path) -> None:
    content = yaml.safe_load(STAGES.read_text())
    content["recipes"]["first"] |= {"precision": "bfloat16", "epochs": 30}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(content))
    cold, warm = tmp_path / "cold", tmp_path / "warm"
    for folder in (cold, warm):
        folder.mkdir()
    assert bakeoff(cold, "train", study, RUN).returncode == 0
    process = served.start(warm, "train", study, RUN, "--checkpoint-seconds", 0)
    assert process.stdout is not None
    for line in process.stdout:
        if " epoch 3/" in line:
            break
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)
    assert process.returncode == 1 and "stopped after" in "".join(said)
    status, text = served.run(warm, "train", study, RUN)
    assert status == 0 and "resuming after" in text
    assert_same_run(warm / f"results/stages/runs/{RUN}", cold / f"results/stages/runs/{RUN}")


def test_a_forked_job_is_as_the_client_was_started(served: Served, tmp_path: Path) -> None:
    """Its folder, its umask, its environment, its files, its exit status, and its last words."""
    (tmp_path / "elsewhere").mkdir()
    secret = "x" * 100_000  # more than goes into one message
    environment = served.environment | {"BAKEOFF_CHECKPOINT_SECONDS": "soon", "BALLAST": secret}
    status, said = served.run(tmp_path / "elsewhere", "train", STAGES, RUN, env=environment)
    assert status == 2 and "BAKEOFF_CHECKPOINT_SECONDS" in said
    old = os.umask(0o077)
    try:
        with (tmp_path / "out").open("w") as out:
            status, _ = served.run(tmp_path / "elsewhere", "plan", STAGES, stdout=out)
    finally:
        os.umask(old)
    assert status == 0 and "digits" in (tmp_path / "out").read_text()
    status, said = served.run(tmp_path, "train", STAGES, "no/such/run")
    assert status == 1 and "there is no run 'no/such/run'" in said
    assert served.run(tmp_path, "--no-such-option")[0] == 2
    assert served.run(tmp_path, "--help")[0] == 0


IMPORTED_BY_A_RUN = """
import sys
from pathlib import Path
from bakeoff.cli import main
from bakeoff.cli.application import all_commands
from bakeoff.commands.serve import import_for_training
from bakeoff.study.reading import load_study

all_commands()
import_for_training(load_study(Path(sys.argv[2])))
before = set(sys.modules)
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print("imported:", *sorted(set(sys.modules) - before))
"""


def test_a_forked_run_imports_nothing(tmp_path: Path) -> None:
    """But what Typer needs to read a command line for the first time, which the server does before."""
    assert bakeoff(tmp_path, "prepare", STAGES, "digits").returncode == 0
    assert bakeoff(tmp_path, "check", STAGES).returncode == 0
    (tmp_path / "imports.py").write_text(IMPORTED_BY_A_RUN, encoding="utf-8")
    command = [BIN / "python", "imports.py", "train", STAGES, RUN]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    title, *imported = done.stdout.splitlines()[-1].split()
    assert title == "imported:"
    assert [name for name in imported if not name.startswith("typer.")] == []


@pytest.mark.parametrize("different", [{"PYTHONHASHSEED": "1"}, {"OMP_DYNAMIC": "true"}, {"LC_ALL": "C"}])
def test_with_another_environment_at_load_it_starts_cold(
    served: Served, tmp_path: Path, different: dict[str, str]
) -> None:
    process = served.start(tmp_path, "train", STAGES, RUN, env=served.environment | different)
    wait_until(lambda: "warm_client" not in " ".join(words(psutil.Process(process.pid))))
    assert served.forked() == []
    process.terminate()
    process.communicate(timeout=60)


def test_a_client_ends_as_its_job_does(served: Served, tmp_path: Path) -> None:
    process = served.start(tmp_path, "train", STAGES, RUN, "--checkpoint-seconds", 0)
    wait_until(served.forked)
    (job,) = served.forked()
    job.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_a_client_waits_for_what_still_holds_a_file(served: Served, tmp_path: Path) -> None:
    """As the lease of a GPU, which the kernel takes back only when the process has ended."""
    plugin = """
        import fcntl
        from bakeoff.plugins import metric

        held = open("held", "w")
        fcntl.flock(held, fcntl.LOCK_EX)

        @metric("nothing")
        def nothing(logits, labels):
            return 0.0
    """
    (tmp_path / "holds.py").write_text(textwrap.dedent(plugin), encoding="utf-8")
    study = yaml.safe_load(STAGES.read_text()) | {"plugins": ["holds.py"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    for _ in range(3):
        served.run(tmp_path, "check", "study.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with (tmp_path / "held").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_job_stops_with_a_checkpoint_when_its_client_dies(served: Served, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as out:
        process = served.start(tmp_path, "train", STAGES, RUN, stdout=out, stderr=out)
    wait_until(lambda: " epoch 2/" in log.read_text())
    process.kill()
    wait_until(lambda: served.forked() == [])
    assert "stopped after" in log.read_text()
    assert list(tmp_path.glob("results/stages/state/**/checkpoint.pt"))


def test_data_are_prepared_without_the_server(served: Served, tmp_path: Path) -> None:
    """It comes first, and would wait until the server has imported everything."""
    served.server.send_signal(signal.SIGSTOP)  # as long as it imports, it does not answer either
    try:
        process = served.start(tmp_path, "prepare", STAGES, "digits")
        process.communicate(timeout=120)
    finally:
        served.server.send_signal(signal.SIGCONT)
    assert process.returncode == 0 and list(tmp_path.glob("results/data/*/card.json"))


def test_without_a_server_it_starts_cold(served: Served, tmp_path: Path) -> None:
    served.server.kill()
    served.server.wait(10)
    process = served.start(tmp_path, "plan", STAGES)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "first" in said


def test_an_import_that_starts_a_thread_turns_it_off(tmp_path: Path) -> None:
    """Said in a line; jobs start cold."""
    script = tmp_path / "threads.py"
    script.write_text(
        "import socket, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "from bakeoff.jobs.warm import serve\n"
        "serve(socket.socket(), 0, print, [])\n"
    )
    ended = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "warm start is off: an import has started a thread\n")


@pytest.mark.parametrize("off", [pytest.param({"BAKEOFF_WARM": "0"}, marks=pytest.mark.slow), {}])
def test_a_study_or_the_environment_turns_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: dict[str, str]
) -> None:
    for name, value in off.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    options = () if off else ("--config", "warm_start=false")
    process = subprocess.Popen(
        [BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2", "--configfile", STUDIES / "tiny.yaml",
         "--until", "train", *options],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    servers = set()
    while process.poll() is None:
        servers |= {child.pid for child in below(process.pid) if "serve" in words(child)}
        time.sleep(0.1)
    assert process.returncode == 0
    assert servers == set()


def below(process: int) -> list[psutil.Process]:
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_kills_at_random_moments_lose_nothing_and_leave_no_process(tmp_path: Path) -> None:
    """Of the server, a client, a job, or Snakemake; BAKEOFF_KILLS says how many."""
    content = yaml.safe_load(STAGES.read_text())
    content["recipes"] = {"first": content["recipes"]["first"] | {"epochs": 40}}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(content | {"seeds": 2}))
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    for folder in (undisturbed, disturbed):
        folder.mkdir()
    assert snakemake(undisturbed, study, "--until", "train").returncode == 0
    dice = random.Random(int(os.environ.get("BAKEOFF_KILLS_SEED", "0")))
    for _ in range(KILLS):
        _killed_once(disturbed, study, dice)
        assert snakemake(disturbed, study, "--unlock").returncode == 0
        if dice.random() < 0.3:  # else it goes on from where it was
            for result in disturbed.glob("results/stages/runs/**/result.json"):
                result.unlink()
    ended = snakemake(disturbed, study, "--until", "train")
    assert ended.returncode == 0, ended.stderr
    for seed in range(2):
        run = f"results/stages/runs/digits/cnn/sgd/first/seed{seed}"
        assert_same_run(disturbed / run, undisturbed / run)


def _killed_once(folder: Path, study: Path, dice: random.Random) -> None:
    process = subprocess.Popen(
        [BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2", "--configfile",
         study, "--until", "train"],
        env=ENVIRONMENT | {"BAKEOFF_CHECKPOINT_SECONDS": "0"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seen: set[psutil.Process] = set()
    end = time.monotonic() + dice.uniform(2, 14)
    while time.monotonic() < end and process.poll() is None:
        seen |= set(below(process.pid))
        time.sleep(0.05)
    servers = [found for found in seen if "serve" in words(found) and found.ppid() == process.pid]
    clients = [found for found in seen if "warm_client" in " ".join(words(found))]
    jobs = [job for server in servers for job in below(server.pid)]
    victims = [group[0].kill for group in (servers, clients, jobs) if group] + [process.kill]
    with suppress(psutil.NoSuchProcess):  # it has just ended
        dice.choice(victims)()
    process.wait(300)
    wait_until(lambda: not [found for found in seen if found.is_running() and found.status() != "zombie"], 120)
