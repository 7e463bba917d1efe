"""Seeds until decided, by the real Snakemake: round after round, killed and begun again, the decisions are the same."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff, snakemake

RACE = STUDIES / "race.yaml"
ROUNDS = Path("results/race/rounds.json")
KILLS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a race that nobody disturbed, one plain Snakemake a round."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for number in range(1, 4):
        ended = snakemake(folder, RACE)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0, said
        if "the race is over" in said:
            return folder
        assert f"round {number + 1} of at most 3" in said and "type the same command again for this round" in said
    raise AssertionError("the race does not end")


@pytest.mark.slow
def test_a_race_ends_and_stays_ended(undisturbed: Path) -> None:
    assert "Nothing to be done" in snakemake(undisturbed, RACE, "-n").stdout
    seeds = {
        path.parent.name: len(list(path.glob("seed*")))
        for path in (undisturbed / "results/race/runs/digits").glob("*/slow/plain")
    }
    assert set(seeds.values()) == {3}, "who is far behind trains no more"
    shown = bakeoff(undisturbed, "plan", RACE).stdout
    assert "the race is over" in shown and "the race is over" in bakeoff(undisturbed, "status", RACE).stdout


@pytest.mark.slow
def test_a_race_that_is_killed_and_begun_again_decides_the_same(undisturbed: Path, tmp_path: Path) -> None:
    draw = random.Random(os.urandom(8).hex())
    command = [BIN / "bakeoff", "run", RACE, "--cores", "2", "--unlock"]
    for _ in range(KILLS):
        running = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        try:
            running.wait(timeout=draw.uniform(1, 60))
        except subprocess.TimeoutExpired:
            kill_with_children(running.pid)
        running.wait()
    ended = bakeoff(tmp_path, *command[1:])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "the race is over" in ended.stdout and "report: " in ended.stdout
    assert (tmp_path / ROUNDS).read_bytes() == (undisturbed / ROUNDS).read_bytes()


@pytest.mark.slow
def test_a_changed_rule_is_refused_and_a_race_begun_anew_retrains_nothing(undisturbed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(undisturbed, tmp_path / "race", symlinks=True))
    study = tmp_path / "changed.yaml"
    study.write_text(RACE.read_text().replace("indifference: 0.002", "indifference: 0.001"))
    refused = bakeoff(folder, "plan", study)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert "the race has begun, and indifference is 0.001 (it was: indifference 0.002)" in refused.stderr
    again = bakeoff(folder, "run", study, "--cores", "2", "--restart-rounds")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "errs in more than the promised 5 %" in again.stderr
    assert "begun anew 1 time" in (folder / "report/race/report.md").read_text().replace("\N{NO-BREAK SPACE}", " ")
    results = list((folder / "results/race/runs").rglob("result.json"))
    times = {path.relative_to(folder): path.stat().st_mtime_ns for path in results}
    assert times == {path: (undisturbed / path).stat().st_mtime_ns for path in times}, "nothing was trained again"


def kill_with_children(pid: int) -> None:
    """SIGKILL for a process and all that it has started, as a machine that loses power would."""
    process = psutil.Process(pid)
    for each in [process, *process.children(recursive=True)]:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    time.sleep(0.5)
