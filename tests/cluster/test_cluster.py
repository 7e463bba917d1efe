"""A real study on a real SLURM: what clusters do to jobs changes nothing in the results."""

import csv
import json
import re
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import slurm
import yaml
from slurm import PATIENCE, Cluster, Waiting, jobs_of, queue, wait_until

from terminal import BIN, ENVIRONMENT, ROOT, STUDIES, snakemake

pytestmark = pytest.mark.cluster

STUDY = STUDIES / "cluster.yaml"
EPOCHS = 12
RUN = "digits/cnn/sgd/long"


BadDay = tuple["Started", dict[str, list[Waiting]]]


def run_of(folder: Path, seed: object) -> Path:
    return folder / f"results/cluster/runs/{RUN}/seed{seed}"


def result_of(folder: Path, seed: object) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run_of(folder, seed) / "result.json").read_text())
    return content


def history_of(folder: Path, seed: object) -> list[dict[str, str]]:
    with (run_of(folder, seed) / "history.csv").open() as file:
        return [{key: row[key] for key in row if key not in ("seconds", "ended")} for row in csv.DictReader(file)]


def log_of(folder: Path, seed: object) -> Path:
    return folder / f"results/cluster/logs/{RUN}/seed{seed}.log"


def has_checkpoint(folder: Path, seed: object) -> bool:
    return any((folder / f"results/cluster/state/{RUN}/seed{seed}").glob("*/checkpoint.pt"))


@dataclass
class Started:
    """A Snakemake that drives a study in a folder."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    def wait_for_epoch(self, seed: int) -> None:
        log = log_of(self.folder, seed)
        wait_until(f"{log} says that an epoch is over", lambda: log.exists() and " epoch 1/" in log.read_text())

    def log(self, seed: int) -> str:
        """What all attempts of a run said."""
        return log_of(self.folder, seed).read_text()


def prepared(folder: Path, other: Path) -> Path:
    """The folder, with what comes before training taken from another."""
    for part in ("results/data", "results/cluster/plan"):
        shutil.copytree(other / part, folder / part)
    return folder


@contextmanager
def running(cluster: Cluster, folder: Path, study: Path, *options: str, nap: float = 0) -> Iterator[Started]:
    """A study that is driven until the block ends; what is left of it then is interrupted."""
    process = cluster.submit(folder, study, *options, nap=nap)
    try:
        yield Started(folder, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def assert_same(found: Path, expected: Path, seed: object) -> None:
    """Everything but the clock."""
    for name in ("model.safetensors", "predictions.npz"):
        assert (run_of(found, seed) / name).read_bytes() == (run_of(expected, seed) / name).read_bytes()
    assert history_of(found, seed) == history_of(expected, seed)
    for key in ("run", "spec", "status", "metrics"):
        assert result_of(found, seed)[key] == result_of(expected, seed)[key]


def epochs_trained(log: str, interruptions: int) -> int:
    """How many epochs all attempts trained; none of them one that the checkpoint had which it started from."""
    done = trained = resumed = 0
    for line in log.splitlines():
        if found := re.search(r"resuming after (step \d+ of )?epoch (\d+)", line):
            kept = int(found[2]) - bool(found[1])
            assert 0 < kept <= done, log
            done, resumed = kept, resumed + 1
        elif found := re.search(rf" epoch (\d+)/{EPOCHS} ", line):
            assert int(found[1]) == done + 1, log
            done, trained = done + 1, trained + 1
    assert (done, resumed) == (EPOCHS, interruptions), log
    return trained


def assert_stopped_in_time(log: str) -> None:
    """The run was asked to stop, and went on where it had stopped: no epoch was trained twice."""
    assert "stopped after " in log
    assert epochs_trained(log, interruptions=1) == EPOCHS


def assert_each_had_a_gpu_of_its_own(folder: Path, seeds: range) -> set[tuple[str, str]]:
    """No two runs had the same GPU on the same node at a time; the places that they had."""
    spans = defaultdict(list)
    for seed in seeds:
        where = result_of(folder, seed)["provenance"]
        spans[where["node"], where["gpu"]].append((where["started"], where["finished"]))
    for at_one_place in spans.values():
        at_one_place.sort()
        assert all(first[1] <= second[0] for first, second in pairwise(at_one_place))
    return set(spans)


@pytest.fixture(scope="module")
def over_time(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A job that asks for one minute, and for no GPU, and needs two. Started first, as it takes longest."""
    folder = tmp_path_factory.mktemp("over_time")
    content = yaml.safe_load(STUDY.read_text())
    content |= {"plugins": [str(STUDIES / "nap.py")], "device": "cpu", "seeds": [0]}
    content["recipes"]["long"]["resources"] = {"runtime": 1}
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(content))
    options = ("--until", "train", "--set-resources", "train:slurm_partition=cpu", "--slurm-status-command", "sacct")
    with running(cluster, folder, study, *options, nap=8.5) as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def undisturbed(over_time: Started, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same runs, trained by a local Snakemake that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = snakemake(folder, STUDY, "--until", "train")
    assert ended.returncode == 0, ended.stderr
    over_time.wait_for_epoch(0)
    return folder


@pytest.fixture(scope="module")
def bad_day(cluster: Cluster, undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> BadDay:
    """A study all of whose jobs were struck and all ended well; the jobs by what struck them."""
    folder = prepared(tmp_path_factory.mktemp("bad_day"), undisturbed)
    with running(cluster, folder, STUDY, "--until", "train", nap=2) as started:
        for seed in range(4):
            started.wait_for_epoch(seed)
        wait_until("four checkpoints", lambda: all(has_checkpoint(folder, seed) for seed in range(4)))
        jobs = queue()
        cancelled, preempted = (job for job in jobs if job.node == "gpu1")
        unpowered = [job for job in jobs if job.node == "gpu2"]
        slurm.run("scancel", cancelled.number)
        slurm.preempt("gpu1")
        slurm.lose_power(cluster, "gpu2")
        struck = {job.number for job in (preempted, *unpowered)}
        wait_until("all are requeued", lambda: struck <= {job.number for job in queue() if job.state == "PENDING"})
        slurm.release_requeued()
        assert started.process.wait(PATIENCE) == 0, started.said
    slurm.come_back("gpu2")
    return started, {"cancelled": [cancelled], "preempted": [preempted], "unpowered": unpowered}


def test_a_study_gives_on_the_cluster_what_it_gives_here(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    with running(cluster, tmp_path, STUDY, nap=0.5) as started:
        assert started.process.wait(PATIENCE) == 0, started.said
    for seed in range(4):
        assert_same(tmp_path, undisturbed, seed)
    assert (tmp_path / "report/cluster/report.html").exists()
    places = assert_each_had_a_gpu_of_its_own(tmp_path, range(4))
    assert {gpu for _, gpu in places} == {"GPU-0", "GPU-1"}
    jobs = jobs_of(tmp_path)
    assert len(jobs) == 4  # all other steps ran here
    for job in jobs:
        assert (job.state, job.minutes) == ("COMPLETED", 120)
        assert (job.allocated["gres/gpu"], job.allocated["mem"]) == ("1", "8000M")
        assert len(list(tmp_path.glob(f"results/slurm/rule_train/*/{job.number}.log"))) == 1


def test_a_local_run_inside_an_allocation_leases_its_gpus(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    prepared(tmp_path, undisturbed)
    allocation = ["srun", "--partition=gpu", "--nodes=1", "--ntasks=1", "--gpus=2", "--cpus-per-task=4", "--mem=9000"]
    options = ["--cores", "4", "--resources", "gpu=2", "--until", "train", "--config", "seeds=3"]
    subprocess.run(
        [*allocation, BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path,
         "--configfile", STUDY, *options],
        env={**ENVIRONMENT, "BAKEOFF_TEST_NAP": "0.5"}, capture_output=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    places = assert_each_had_a_gpu_of_its_own(tmp_path, range(3))
    assert len({node for node, _ in places}) == 1
    assert {gpu for _, gpu in places} == {"GPU-0", "GPU-1"}
    for seed in range(3):
        assert_same(tmp_path, undisturbed, seed)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("slurm_partition=nowhere", "invalid partition specified: nowhere"),
        ("gpu=9", "Requested node configuration is not available"),
        ("slurm_account=nobody", "The given account nobody appears to be invalid. Available accounts:"),
    ],
)
def test_what_the_cluster_does_not_have_is_said(
    cluster: Cluster, undisturbed: Path, tmp_path: Path, wrong: str, message: str
) -> None:
    prepared(tmp_path, undisturbed)
    options = ("--until", "train", "--config", "seeds=1", "--set-resources", f"train:{wrong}")
    with running(cluster, tmp_path, STUDY, *options) as started:
        assert started.process.wait(PATIENCE) != 0
        assert message in started.said
    assert not run_of(tmp_path, 0).exists()


def test_a_cancelled_job_is_tried_again_and_goes_on(bad_day: BadDay, undisturbed: Path) -> None:
    study, jobs = bad_day
    (job,) = jobs["cancelled"]
    assert_stopped_in_time(study.log(job.seed))
    assert_same(study.folder, undisturbed, job.seed)


def test_a_preempted_job_is_requeued_and_goes_on(bad_day: BadDay, undisturbed: Path) -> None:
    study, jobs = bad_day
    (job,) = jobs["preempted"]
    assert job.number in {found.number for found in jobs_of(study.folder) if found.state == "COMPLETED"}
    assert_stopped_in_time(study.log(job.seed))
    assert_same(study.folder, undisturbed, job.seed)


def test_jobs_on_a_node_that_lost_its_power_go_on_from_their_checkpoints(bad_day: BadDay, undisturbed: Path) -> None:
    study, jobs = bad_day
    assert len(jobs["unpowered"]) == 2
    for job in jobs["unpowered"]:
        epochs_trained(study.log(job.seed), interruptions=1)
        assert_same(study.folder, undisturbed, job.seed)


def test_a_job_that_reaches_its_time_limit_goes_on_with_more_time(over_time: Started, undisturbed: Path) -> None:
    assert over_time.process.wait(PATIENCE) == 0, over_time.said
    first, second = jobs_of(over_time.folder)
    assert (first.state, second.state) == ("TIMEOUT", "COMPLETED")
    assert (first.minutes, second.minutes) == (1, 2)
    assert (first.allocated["mem"], second.allocated["mem"]) == ("8000M", "16000M")
    assert (first.node, "gres/gpu" in first.allocated) == ("cpu1", False)
    assert_stopped_in_time(over_time.log(0))
    assert_same(over_time.folder, undisturbed, 0)


@pytest.mark.slow
def test_after_control_c_the_same_command_goes_on(cluster: Cluster, undisturbed: Path, tmp_path: Path) -> None:
    options = ("--until", "train", "--config", "seeds=2")
    with running(cluster, tmp_path, STUDY, *options, nap=2) as started:
        for seed in range(2):
            started.wait_for_epoch(seed)
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(PATIENCE) != 0
    wait_until("its jobs are gone", lambda: queue() == [])
    with running(cluster, tmp_path, STUDY, *options) as again:
        assert again.process.wait(PATIENCE) == 0, again.said
    for seed in range(2):
        assert_stopped_in_time(started.log(seed))
        assert_same(tmp_path, undisturbed, seed)


def test_when_snakemake_was_killed_its_jobs_end_and_the_next_goes_on(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    options = ("--until", "train", "--config", "seeds=2")
    with running(cluster, tmp_path, STUDY, *options, nap=2) as started:
        for seed in range(2):
            started.wait_for_epoch(seed)
        started.process.kill()
    slurm.run("scancel", queue()[0].number)  # the other is forgotten, and holds its run
    with running(cluster, tmp_path, STUDY, *options, "--unlock") as unlocking:
        assert unlocking.process.wait(PATIENCE) == 0, unlocking.said
    with running(cluster, tmp_path, STUDY, *options) as started:
        assert started.process.wait(PATIENCE) == 0, started.said
    for seed in range(2):
        assert_same(tmp_path, undisturbed, seed)
    taken = ("is finished already", "was finished by an earlier attempt")  # before or after its successor began
    assert sum(any(words in log_of(tmp_path, seed).read_text() for words in taken) for seed in range(2)) == 1


@pytest.mark.slow
def test_a_waiting_job_of_a_killed_snakemake_takes_what_the_next_finished(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    slurm.run("scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        options = ("--until", "train", "--config", "seeds=1")
        with running(cluster, prepared(tmp_path, undisturbed), STUDY, *options) as started:
            wait_until("its job waits", lambda: queue() != [])
            started.process.kill()
        assert snakemake(tmp_path, STUDY, "--unlock").returncode == 0
        ended = snakemake(tmp_path, STUDY, *options)
        assert ended.returncode == 0, ended.stderr
    finally:
        slurm.run("scontrol", "update", "PartitionName=gpu", "State=UP")
    wait_until("its job is gone", lambda: queue() == [])
    assert_same(tmp_path, undisturbed, 0)
    assert "seed0 was finished by an earlier attempt" in log_of(tmp_path, 0).read_text()
