"""Asking the SLURM that slurm.sh starts, and doing to its jobs what clusters do."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from terminal import BIN, ENVIRONMENT, ROOT

SCRIPT = Path(__file__).with_name("slurm.sh")
PROFILE = ROOT / "profiles/slurm/config.yaml"
PATIENCE = 300.0  # seconds until something that must happen counts as not happening


@dataclass(frozen=True)
class Job:
    """One job as the job database has it: its last attempt, where it was requeued."""

    number: str
    state: str
    node: str
    minutes: int
    allocated: dict[str, str]


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its files, and a profile in which account and partition are filled in."""

    folder: Path
    profile: Path

    def submit(self, folder: Path, study: Path, *options: object, nap: float = 0) -> subprocess.Popen[str]:
        """Start Snakemake on a study; its words go to `folder`/said. Epochs last `nap` seconds more than they need."""
        command = [
            BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", study,
            "--workflow-profile", self.profile, "--slurm-init-seconds-before-status-checks", 3, *options,
        ]  # fmt: skip
        with (folder / "said").open("a") as said:
            return subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**ENVIRONMENT, "BAKEOFF_TEST_NAP": str(nap)},
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )


def run(*command: object) -> str:
    """What a command says. Raises CalledProcessError."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def jobs_of(folder: Path) -> list[Job]:
    """The jobs that Snakemake submitted from a folder, in order."""
    found = []
    columns = "JobIDRaw,State,NodeList,TimelimitRaw,AllocTRES,WorkDir"
    for line in run("sacct", "--allocations", "--noheader", "--parsable2", f"--format={columns}").splitlines():
        number, state, node, minutes, allocated, where = line.split("|")
        if Path(where) == folder:
            trackable = dict(item.split("=") for item in allocated.split(",") if item)
            found.append(Job(number, state.split()[0], node, int(minutes), trackable))
    return found


@dataclass(frozen=True)
class Waiting:
    """A job that waits or runs: Snakemake's comment names its run."""

    number: str
    seed: int
    state: str
    node: str


def queue(partition: str = "gpu") -> list[Waiting]:
    """The jobs of a partition that wait or run."""
    lines = run("squeue", f"--partition={partition}", "--noheader", "--format=%A|%k|%T|%N").splitlines()
    found = [line.split("|") for line in lines]
    return [Waiting(number, _seed(comment), state, node) for number, comment, state, node in found]


def _seed(comment: str) -> int:
    """`rule_train_wildcards_digits_cnn_sgd_long_seed3` → 3; -1 for a job that is not Snakemake's."""
    seed = comment.rpartition("seed")[2]
    return int(seed) if seed.isdecimal() else -1


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Raises AssertionError when it does not come to be."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < PATIENCE, f"in vain: {what}\n{run('squeue')}"
        time.sleep(0.2)


def preempt(node: str) -> None:
    """Take a node for an urgent job; its other jobs are requeued."""
    run("sbatch", "--partition=gpu-urgent", f"--nodelist={node}", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")


def lose_power(cluster: Cluster, node: str) -> None:
    """Kill everything on a node at once, and let the controller notice."""
    slurmd = cluster.folder / f"run/slurmd-{node}.pid"
    numbers = [job.number for job in queue() if job.node == node]
    keepers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if re.match(rf"slurmstepd: \[({'|'.join(numbers)})\.", " ".join(process.info["cmdline"] or []))
    ]
    on_node = [process for keeper in keepers for process in (keeper, *keeper.children(recursive=True))]
    for process_id in (int(slurmd.read_text()), *(process.pid for process in on_node)):
        os.kill(process_id, signal.SIGKILL)
    run("scontrol", "update", f"nodename={node}", "state=down", "reason=power")


def come_back(node: str) -> None:
    """Start a node again."""
    run("slurmd", "-N", node)
    wait_until(f"{node} is back", lambda: "down" not in run("sinfo", "--noheader", "--nodes", node, "--format=%t"))


def release_requeued() -> None:
    """SLURM holds requeued jobs for two minutes: not here."""
    for job in queue():
        if job.state == "PENDING":
            run("scontrol", "update", f"jobid={job.number}", "starttime=now")
