"""`bakeoff run`: a study from the first job to the report."""

import json
import shutil
from pathlib import Path

import yaml

from terminal import STUDIES, bakeoff


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
    runs = {line.partition(":")[0] for line in lines}
    assert len(lines) == 2 and runs == {f"digits/logistic/sgd/plain/seed{seed}" for seed in (0, 1)}
    assert all(": completed, validation accuracy 0." in line for line in lines)
    assert best.startswith("On digits, the highest mean test accuracy")
    assert took.startswith("2 runs finished, 0:")
    assert report == "report: report/tiny/report.html" and (tmp_path / "report/tiny/report.html").exists()


def test_a_finished_study_says_its_end_and_takes_options_of_snakemake(finished_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished_study, folder, symlinks=True)
    ended = bakeoff(folder, "run", STUDIES / "tiny.yaml", "--rerun-triggers", "mtime")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 3
    assert "Nothing to be done" in (folder / "results/tiny/logs/snakemake.log").read_text()


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
