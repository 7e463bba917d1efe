"""A study that is killed, and started again as the README says, ends as if it had not been."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from terminal import BIN, ENVIRONMENT, ROOT, STUDIES, snakemake
from training.test_resume import assert_same_run

EPOCHS = 24
RUNS = [f"digits/cnn/sgd/first/seed{seed}" for seed in (0, 1)]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of some seconds, with all that carries state from epoch to epoch."""
    content = yaml.safe_load((STUDIES / "stages.yaml").read_text())
    first = content["recipes"]["first"] | {"epochs": EPOCHS}
    path = tmp_path_factory.mktemp("study") / "kills.yaml"
    path.write_text(
        yaml.safe_dump(content | {"study": "kills", "recipes": {"first": first}, "seeds": 2, "gpu_wait_seconds": 0})
    )
    return path


@pytest.fixture(scope="module")
def undisturbed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = snakemake(folder, study, "--until", "train")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(autouse=True)
def _checkpoints_at_every_epoch_and_a_gpu_for_each_run(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "BAKEOFF_CHECKPOINT_SECONDS", "0")


class Watched:
    """Snakemake at work in a session of its own."""

    def __init__(self, folder: Path, study: Path) -> None:
        self.folder = folder
        self.study = study
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [
            BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", self.folder, "--cores", "2",
            "--resources", "gpu=2", "--configfile", self.study, "--until", "train",
        ]  # fmt: skip
        return subprocess.Popen(
            [str(part) for part in command], cwd=self.folder, env=ENVIRONMENT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def log(self, run: str) -> str:
        path = self.folder / f"results/kills/logs/{run}.log"
        return path.read_text() if path.exists() else ""

    def wait_for_epoch(self, epoch: int) -> None:
        """Until each of the two runs has trained so many."""
        while not all(f" epoch {epoch}/{EPOCHS}" in self.log(run) for run in RUNS):
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.02)

    def trainings(self) -> list[int]:
        """The processes that train."""
        states = [self.folder / f"results/kills/state/{run}/progress.json" for run in RUNS]
        return [json.loads(path.read_text())["process"] for path in states]

    def ended(self) -> tuple[int, str]:
        """Exit code and output."""
        output = self.process.communicate(timeout=300)[0]
        return self.process.returncode, output

    def again(self, meanwhile: Callable[[], None] = lambda: None) -> tuple[int, str]:
        """The same command once more."""
        self.process = self._start()
        meanwhile()
        return self.ended()

    def assert_as(self, undisturbed: Path) -> None:
        """The results of an undisturbed study; the logs, of all attempts, have each epoch once."""
        for run in RUNS:
            assert_same_run(self.folder / "results/kills/runs" / run, undisturbed / "results/kills/runs" / run)
            epochs = [int(epoch) for epoch in re.findall(rf" epoch (\d+)/{EPOCHS}", self.log(run))]
            assert epochs == sorted(set(epochs)) and epochs[-1] == EPOCHS


@pytest.fixture
def watched(tmp_path: Path, study: Path) -> Iterator[Watched]:
    work = Watched(tmp_path, study)
    yield work
    if work.process.poll() is None:
        os.killpg(work.process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "meanwhile", [pytest.param("another target", marks=pytest.mark.slow), "a failure before its turn"]
)
def test_what_an_orphan_finished_outlives_a_snakemake_that_does_not_come_to_it(
    watched: Watched, undisturbed: Path, tmp_path: Path, meanwhile: str
) -> None:
    watched.wait_for_epoch(5)
    trainings = watched.trainings()
    watched.process.kill()
    watched.process.wait()
    wait_until(lambda: gone(trainings))
    assert snakemake(watched.folder, watched.study, "--unlock").returncode == 0
    if meanwhile == "another target":
        ended = snakemake(watched.folder, watched.study, "--", f"results/kills/runs/{RUNS[0]}/result.json")
        assert ended.returncode == 0, ended.stderr
    else:  # while the study's models are to be checked again, and the data are elsewhere
        (plan,), (card,) = watched.folder.glob("results/kills/plan/*"), watched.folder.glob("results/data/*/card.json")
        plan.rename(tmp_path / "plan")
        card.rename(tmp_path / "card")
        card.mkdir()
        ended = snakemake(watched.folder, watched.study, "--until", "train")
        assert "Error in rule" in ended.stderr
        card.rmdir()
        plan.parent.mkdir(exist_ok=True)
        (tmp_path / "plan").rename(plan)
        (tmp_path / "card").rename(card)
    code, output = watched.again()
    assert code == 0, output
    for run in RUNS:
        finished = f"results/kills/state/{run}/finished"
        assert f"was finished by an earlier attempt; to train it again, delete {finished}" in watched.log(run)
        assert_same_run(watched.folder / "results/kills/runs" / run, undisturbed / "results/kills/runs" / run)


def gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


@pytest.mark.parametrize(
    "interrupt",
    [pytest.param(os.killpg, marks=pytest.mark.slow, id="all"), pytest.param(os.kill, id="Snakemake alone")],
)
def test_ctrl_c(watched: Watched, undisturbed: Path, interrupt: Callable[[int, int], None]) -> None:
    """A terminal sends SIGINT to Snakemake and its jobs, `kill -INT` to Snakemake alone."""
    watched.wait_for_epoch(5)
    interrupt(watched.process.pid, signal.SIGINT)
    code, output = watched.ended()
    assert code != 0
    assert output.splitlines()[-1] == "stopped; type the same command to go on"
    assert "RuleException" not in output and "Error" not in output
    assert all("stopped after" in watched.log(run) for run in RUNS), output
    code, output = watched.again()
    assert code == 0, output
    assert all("resuming after" in watched.log(run) for run in RUNS)
    watched.assert_as(undisturbed)


def test_kill_9_of_a_job(watched: Watched, undisturbed: Path) -> None:
    """The other job goes on; the next attempt needs the killed one alone."""
    watched.wait_for_epoch(5)
    os.kill(watched.trainings()[0], signal.SIGKILL)
    code, output = watched.ended()
    assert code != 0
    assert not (watched.folder / f"results/kills/runs/{RUNS[0]}/result.json").exists()
    assert (watched.folder / f"results/kills/runs/{RUNS[1]}/result.json").exists()
    finished = watched.log(RUNS[1])
    code, output = watched.again()
    assert code == 0, output
    assert watched.log(RUNS[1]) == finished
    watched.assert_as(undisturbed)


@pytest.mark.parametrize(
    "orphans",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ("killed too", "done before")), "at work"],
)
def test_kill_9_of_snakemake(watched: Watched, undisturbed: Path, orphans: str) -> None:
    """It leaves its folder locked, and its jobs at work: what they finish is taken."""
    watched.wait_for_epoch(5)
    trainings = watched.trainings()
    if orphans == "killed too":
        os.killpg(watched.process.pid, signal.SIGKILL)
    else:
        watched.process.kill()
    if orphans == "at work":  # slowly: their successors come before they are done
        for training in trainings:
            os.kill(training, signal.SIGSTOP)
    watched.process.wait()
    if orphans == "done before":
        wait_until(lambda: gone(trainings))

    def go_on() -> None:
        if orphans == "at work":
            wait_until(lambda: all("waiting for process" in watched.log(run) for run in RUNS))
            for training in trainings:
                os.kill(training, signal.SIGCONT)

    code, output = watched.again()
    assert code != 0 and "--unlock" in output
    unlocked = snakemake(watched.folder, watched.study, "--unlock")
    assert unlocked.returncode == 0, unlocked.stderr
    code, output = watched.again(go_on)
    assert code == 0, output
    how = {"killed too": "resuming after", "at work": "is finished already", "done before": "by an earlier attempt"}
    assert all(how[orphans] in watched.log(run) for run in RUNS)
    watched.assert_as(undisturbed)
    for run in RUNS:
        assert [path.name for path in (watched.folder / "results/kills/state" / run).iterdir()] == ["lock"]
