"""Studies whose later runs follow from earlier results, on a real SLURM: the decisions are those of one machine."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml
from slurm import PATIENCE, Cluster

from terminal import STUDIES, snakemake

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

RACE = STUDIES / "race.yaml"
ROUNDS = Path("results/race/rounds.json")
TUNED = {
    "study": "tuned",
    "datasets": {"digits": {"source": "digits", "limit": 300}},
    "architectures": {"linear": {"model": "mlp"}},
    "optimizers": {
        "sgd": {"name": "SGD", "lr": {"log_uniform": [1e-3, 1]}},
        "adam": {"name": "AdamW", "lr": {"log_uniform": [1e-4, 1e-1]}},
    },
    "recipes": {"plain": {"epochs": 2}},
    "seeds": 2,
    "tuning": {"trials": 4, "seeds": [1000]},
}


def test_a_race_on_slurm_killed_at_random_decides_what_it_decides_at_home(cluster: Cluster, tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    for folder in (home, away):
        folder.mkdir()
    while "the race is over" not in (said := snakemake(home, RACE)).stdout + said.stderr:
        assert said.returncode == 0, said.stderr
    draw = random.Random()
    for _ in range(2):
        killed = cluster.submit(away, RACE)
        time.sleep(draw.uniform(10, 60))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        shutil.rmtree(away / ".snakemake/locks", ignore_errors=True)
    for _ in range(4):
        assert cluster.submit(away, RACE, "--rerun-incomplete").wait(PATIENCE) == 0, (away / "said").read_text()
        if "the race is over" in (away / "said").read_text():
            break
    assert (away / ROUNDS).read_bytes() == (home / ROUNDS).read_bytes()


def test_a_tuned_study_chooses_on_slurm_what_it_chooses_at_home(cluster: Cluster, tmp_path: Path) -> None:
    home, away, study = tmp_path / "home", tmp_path / "away", tmp_path / "tuned.yaml"
    study.write_text(yaml.safe_dump(TUNED, sort_keys=False))
    for folder in (home, away):
        folder.mkdir()
    ended = snakemake(home, study)
    assert ended.returncode == 0, ended.stderr
    assert cluster.submit(away, study).wait(PATIENCE) == 0, (away / "said").read_text()
    chosen = {path.relative_to(home): path for path in home.glob("results/tuned/trials/**/selection.json")}
    assert len(chosen) == 2
    for name, path in chosen.items():
        assert json.loads((away / name).read_text())["values"] == json.loads(path.read_text())["values"]
    results = list(home.glob("results/tuned/runs/**/result.json"))
    assert len(results) == 4
    for path in results:
        ours, theirs = (json.loads(file.read_text()) for file in (away / path.relative_to(home), path))
        assert (ours["spec"], ours["metrics"]) == (theirs["spec"], theirs["metrics"])
