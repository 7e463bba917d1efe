"""Whole tiny studies, run by the real Snakemake."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, f1_score

from bakeoff.analysis.tables import TABLES
from terminal import STUDIES, bakeoff, snakemake

TINY = STUDIES / "tiny.yaml"
RUNS = [
    f"digits/{architecture}/{optimizer}/plain/seed{seed}"
    for architecture, optimizer in (("logistic", "sgd"), ("perceptron", "sgd"), ("perceptron", "adam"))
    for seed in (0, 1)
]


def changed(folder: Path, **changes: object) -> Path:
    """The tiny study with other top-level keys."""
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(TINY.read_text()), **changes}, sort_keys=False))
    return path


def trained_by(output: str) -> set[str]:
    """The runs whose training a dry run announces."""
    return set(re.findall(r"training (\S+)", output))


@pytest.fixture
def study_folder(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, times of files kept, to be changed."""
    return Path(shutil.copytree(finished_study, tmp_path / "study", symlinks=True))


def test_a_dry_run_names_every_job(tmp_path: Path) -> None:
    planned = snakemake(tmp_path, TINY, "-n")
    assert planned.returncode == 0, planned.stderr
    assert trained_by(planned.stdout + planned.stderr) == set(RUNS)
    assert not (tmp_path / "results").exists()


def test_every_run_has_its_four_files_and_the_report_is_there(finished_study: Path) -> None:
    for run in RUNS:
        folder = finished_study / "results/tiny/runs" / run
        result = json.loads((folder / "result.json").read_text())
        assert result["status"] == "completed"
        assert "/".join(str(value) for value in result["run"].values()) == run.replace("seed", "")
        saved = np.load(folder / "predictions.npz")
        predicted = saved["logits"].argmax(1)
        assert result["metrics"]["test"]["accuracy"] == pytest.approx(accuracy_score(saved["labels"], predicted))
        f1 = f1_score(saved["labels"], predicted, average="macro", zero_division=0)
        assert result["metrics"]["test"]["macro_f1"] == pytest.approx(f1)
        assert (folder / "history.csv").read_text().count("\n") == 3
        parameters = sum(
            value.size
            for name, value in load_file(folder / "model.safetensors").items()
            if "running" not in name and "num_batches" not in name
        )
        assert parameters == result["cost"]["parameters"]
    tables = {name: (finished_study / f"results/tiny/summary/{name}.csv").read_text() for name in TABLES}
    assert "digits/perceptron/sgd/plain" in tables["comparisons"] and "too_few_seeds" in tables["comparisons"]
    assert tables["classes"].count("\n") == 1 + 3 * 10
    for name in ("report.md", "report.html"):
        assert "logistic" in (finished_study / "report/tiny" / name).read_text()
    assert not (finished_study / "results/tiny/first_figures").exists()


def test_figures_left_from_before_are_not_taken_by_hand(study_folder: Path) -> None:
    """Only Snakemake knows whether they are of these results."""
    (curve, *_) = (study_folder / "results/tiny/figures/curves").glob("*.svg")
    drawn, left = curve.read_bytes(), study_folder / "results/tiny/first_figures/curves" / curve.name
    left.parent.mkdir(parents=True)
    left.write_text("<svg/>")
    assert bakeoff(study_folder, "figures", TINY).returncode == 0
    assert curve.read_bytes() == drawn


def test_nothing_changed_trains_nothing(study_folder: Path) -> None:
    again = snakemake(study_folder, TINY)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_another_seed_trains_only_its_runs(study_folder: Path) -> None:
    planned = snakemake(study_folder, changed(study_folder, seeds=3), "-n")
    assert trained_by(planned.stdout + planned.stderr) == {run[:-1] + "2" for run in RUNS}


def test_another_rate_trains_only_its_runs(study_folder: Path) -> None:
    optimizers = {"sgd": {"name": "SGD", "lr": 0.05, "momentum": 0.9}, "adam": {"name": "Adam", "lr": 0.001}}
    planned = snakemake(study_folder, changed(study_folder, optimizers=optimizers), "-n")
    assert trained_by(planned.stdout + planned.stderr) == {run for run in RUNS if "/adam/" in run}


def test_another_title_trains_nothing_and_renders_the_report(study_folder: Path) -> None:
    planned = snakemake(study_folder, changed(study_folder, title="Another title"), "-n")
    assert trained_by(planned.stdout + planned.stderr) == set()
    assert "rule report:" in planned.stdout + planned.stderr


def test_config_on_the_command_line_overrides_the_study(study_folder: Path) -> None:
    ended = snakemake(study_folder, TINY, "--config", "seeds=[7]", "study=other", "--until", "train")
    assert ended.returncode == 0, ended.stderr
    assert {path.parent.name for path in study_folder.glob("results/other/runs/**/result.json")} == {"seed7"}


def test_one_job_and_four_jobs_at_a_time_give_the_same(finished_study: Path, tmp_path: Path) -> None:
    ended = snakemake(tmp_path, TINY, "--until", "train", cores=4)
    assert ended.returncode == 0, ended.stderr
    for run in RUNS:
        first, second = (folder / "results/tiny/runs" / run for folder in (finished_study, tmp_path))
        assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
        assert (first / "predictions.npz").read_bytes() == (second / "predictions.npz").read_bytes()


def test_stages_start_from_each_others_weights(tmp_path: Path) -> None:
    ended = snakemake(tmp_path, STUDIES / "stages.yaml")
    assert ended.returncode == 0, ended.stderr
    results = {
        recipe: json.loads((tmp_path / f"results/stages/runs/digits/cnn/sgd/{recipe}/seed3/result.json").read_text())
        for recipe in ("first", "second")
    }
    assert results["first"]["metrics"]["test_max"]["accuracy"] >= results["first"]["metrics"]["test"]["accuracy"]
    first_epoch = (tmp_path / "results/stages/runs/digits/cnn/sgd/second/seed3/history.csv").read_text().splitlines()
    row = dict(zip(first_epoch[0].split(","), map(float, first_epoch[1].split(",")), strict=True))
    assert row["train_accuracy"] > 0.5  # weights drawn anew are at chance, 0.1


def test_braces_and_a_second_file_are_the_same_in_jobs(tmp_path: Path) -> None:
    """Snakemake formats what stands before each command, and merges what --configfile and --config say."""
    study = Path(shutil.copy(TINY, tmp_path / "a {b} 'c' $d.yaml"))
    longer = tmp_path / "longer.yaml"
    longer.write_text("recipes: {plain: {epochs: 3}}\noptimizers: {adam: {name: Adam, lr: 10}}\n")
    ended = snakemake(
        tmp_path, study, longer, "--config", "title={braces} 😀", "seeds=[0]",
        "architectures={perceptron: {hidden: [5]}}", "--until", "summarize",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("optimizers.adam.lr: found 10") == 1
    result = json.loads((tmp_path / "results/tiny/runs/digits/perceptron/sgd/plain/seed0/result.json").read_text())
    assert result["spec"]["recipe"]["epochs"] == 3
    assert result["spec"]["architecture"]["hidden"] == [5]
    assert result["spec"]["architecture"]["batch_norm"] is True  # as the file says: the rest of an entry stays


def test_what_cannot_work_ends_before_training(tmp_path: Path) -> None:
    study = changed(tmp_path, architectures={"logistic": {"model": "mlp"}, "perceptron": {"model": "timm/resnet19"}})
    ended = snakemake(tmp_path, study)
    output = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "did you mean 'resnet18'" in output
    assert "architectures.perceptron" in output
    assert re.search(r"changed\.yaml:\d+: ", output)
    assert "Traceback" not in output
    assert not list(tmp_path.glob("results/*/runs/**/result.json"))


def test_a_wrong_key_ends_when_the_snakefile_is_read(tmp_path: Path) -> None:
    ended = snakemake(tmp_path, changed(tmp_path, recipes={"plain": {"epoch": 1}}), "-n")
    output = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "recipes.plain.epoch" in output
    assert "did you mean 'epochs'" in output
    assert "Traceback" not in output


def test_a_run_that_diverges_is_a_result(tmp_path: Path) -> None:
    optimizers = {"sgd": {"name": "SGD", "lr": 1e30}, "adam": {"name": "Adam"}}
    ended = snakemake(tmp_path, changed(tmp_path, optimizers=optimizers, seeds=[0]))
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / "results/tiny/runs/digits/perceptron/sgd/plain/seed0/result.json").read_text())
    assert result["status"] == "diverged"
    assert "diverged" in (tmp_path / "report/tiny/report.md").read_text()
    assert "diverged" in bakeoff(tmp_path, "status", "changed.yaml").stdout


def test_plan_and_status_and_a_report_of_what_there_is(study_folder: Path) -> None:
    shutil.rmtree(study_folder / "results/tiny/runs/digits/logistic")
    plan = bakeoff(study_folder, "plan", TINY)
    assert "6" in plan.stdout and "logistic" in plan.stdout
    status = bakeoff(study_folder, "status", TINY)
    assert "2 waiting" in status.stdout and "4 completed" in status.stdout
    report = bakeoff(study_folder, "report", TINY)
    assert report.returncode == 0, report.stderr
    assert "digits/logistic/sgd/plain/seed0" in (study_folder / "report/tiny/report.md").read_text().replace("\\", "")


def test_when_a_run_fails_the_report_is_made_from_the_others(tmp_path: Path) -> None:
    in_the_way = tmp_path / "results/tiny/state" / RUNS[0] / "finished"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("where the run wants a folder")
    ended = snakemake(tmp_path, TINY)
    assert ended.returncode != 0
    assert re.search(rf"^{RUNS[0]}: NotADirectoryError: .*finished", ended.stdout + ended.stderr, re.MULTILINE)
    report = (tmp_path / "report/tiny/report.md").read_text().replace("\\", "")
    assert "5 of 6 planned runs are complete" in report
    assert RUNS[0] in report
    in_the_way.unlink()
    again = snakemake(tmp_path, TINY)
    assert again.returncode == 0, again.stderr
    assert trained_by(again.stdout + again.stderr) == {RUNS[0]}
    assert "6 of 6 planned runs are complete" in (tmp_path / "report/tiny/report.md").read_text()


def test_snakemakes_own_report_has_figures_tables_and_the_study(study_folder: Path) -> None:
    page = study_folder / "page.html"
    made = snakemake(study_folder, TINY, "--report", page)
    assert made.returncode == 0, made.stderr
    text = page.read_text()
    for wanted in ("Test scores, ranked: digits", "experiments.csv", "report.html", "Drawn from the summary tables"):
        assert wanted in text


def test_a_report_of_an_unfinished_study_does_not_end_it(study_folder: Path) -> None:
    shutil.rmtree(study_folder / "results/tiny/runs" / RUNS[0])
    assert bakeoff(study_folder, "report", TINY).returncode == 0
    again = snakemake(study_folder, TINY)
    assert again.returncode == 0, again.stderr
    assert trained_by(again.stdout + again.stderr) == {RUNS[0]}
    assert "6 of 6 planned runs are complete" in (study_folder / "report/tiny/report.md").read_text()
