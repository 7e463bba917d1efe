"""`bakeoff run`: a study from the first job to the report."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import yaml

from terminal import BIN, ENVIRONMENT, STUDIES, bakeoff


def written(folder: Path, **changes: object) -> Path:
    """The tiny study with one experiment."""
    content = yaml.safe_load((STUDIES / "tiny.yaml").read_text())
    content["experiments"] = [{"architectures": "logistic", "optimizers": "sgd"}]
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def test_a_line_for_each_run_and_three_at_the_end(tmp_path: Path) -> None:
    ended = bakeoff(tmp_path, "run", written(tmp_path), "--cores", 2)
    assert ended.returncode == 0, ended.stderr
    *lines, best, took, report = ended.stdout.splitlines()
    counts, runs, *_ = zip(*(line.split(": ") for line in lines), strict=True)
    assert counts == ("1 of 2", "2 of 2")
    assert {*runs} == {f"digits/logistic/sgd/plain/seed{seed}" for seed in (0, 1)}
    assert all(": completed, validation accuracy 0." in line for line in lines)
    assert ": test accuracy " in best
    assert took.startswith("2 runs finished, 0:")
    assert report == "report: report/tiny/report.html" and (tmp_path / "report/tiny/report.html").exists()


def test_a_finished_study_says_its_end(finished_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished_study, folder, symlinks=True)
    ended = bakeoff(folder, "run", STUDIES / "tiny.yaml")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 3
    assert "Nothing to be done" in (folder / "results/tiny/logs/snakemake.log").read_text()
    (folder / ".snakemake/locks").mkdir(exist_ok=True)
    inputs = "\n".join(map(str, finished_study.glob("results/data/*/card.json")))
    for number in (0, 1):
        (folder / f".snakemake/locks/{number}.input.lock").write_text(inputs)
        (folder / f".snakemake/locks/{number}.output.lock").write_text("report/tiny/report.html\n")
    said = bakeoff(folder, "run", STUDIES / "tiny.yaml", "--set", "title=1e5")
    assert said.returncode == 1 and "--set=title=1e5 --unlock" in said.stdout
    freed = bakeoff(folder, "run", STUDIES / "tiny.yaml", "--set", "title=1e5", "--unlock")
    assert freed.returncode == 0, freed.stdout
    assert "100000" not in (folder / "report/tiny/report.md").read_text().splitlines()[0]


def test_a_signal_stops_all_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """Also in the background, where shells have what they start ignore SIGINT."""
    study = written(tmp_path, recipes={"plain": {"epochs": 400}})
    process = subprocess.Popen(
        [BIN / "bakeoff", "run", study, "--cores", "2"], cwd=tmp_path, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    log = tmp_path / "results/tiny/logs/digits/logistic/sgd/plain/seed0.log"
    while not (log.exists() and " epoch 3/" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and said.splitlines()[-1] == "stopped; type the same command to go on"
    assert "stopped after" in log.read_text()
    ended = bakeoff(tmp_path, "run", study, "--cores", 2)
    assert ended.returncode == 0, ended.stdout
    assert "resuming after" in log.read_text()


def test_what_failed_is_said_with_the_way_on(tmp_path: Path) -> None:
    study = written(tmp_path, optimizers={"sgd": {"name": "Adm"}})
    ended = bakeoff(tmp_path, "run", study, "--cores", 2)
    assert ended.returncode == 1
    failed, way_on = ended.stdout.splitlines()
    assert failed.startswith("checking the study failed: ") and "did you mean 'Adam'?" in failed
    assert way_on.startswith("not finished: bakeoff status ") and "results/tiny/logs/snakemake.log" in way_on


def test_status_for_programs(finished_study: Path) -> None:
    ended = bakeoff(finished_study, "status", STUDIES / "tiny.yaml", "--json")
    runs = json.loads(ended.stdout)
    assert len(runs) == 6 and {run["state"] for run in runs} == {"completed"}
    assert all(run["epoch"] == run["epochs"] == 2 and run["seconds_left"] == 0 for run in runs)
    assert all(0 < run["validation_accuracy"] <= 1 for run in runs)
