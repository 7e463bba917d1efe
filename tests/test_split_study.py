"""A whole study with repeated splits, by the real Snakemake: one more split trains its own runs and no others."""

import re
from pathlib import Path

import pandas as pd
import yaml

from terminal import snakemake

STUDY = {
    "study": "cuts",
    "datasets": {"digits": {"source": "digits", "splits": 2}},
    "architectures": {"logistic": {"model": "mlp"}, "perceptron": {"model": "mlp", "hidden": [8]}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}},
    "recipes": {"plain": {"epochs": 1}},
    "seeds": 1,
}


def test_one_more_split_trains_its_own_runs_alone(tmp_path: Path) -> None:
    study = tmp_path / "cuts.yaml"
    study.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    ended = snakemake(tmp_path, study)
    assert ended.returncode == 0, ended.stderr
    experiments = pd.read_csv(tmp_path / "results/cuts/summary/experiments.csv")
    assert list(experiments["dataset"]) == ["digits"] * 2 and list(experiments["completed"]) == [2] * 2
    report = (tmp_path / "report/cuts/report.md").read_text(encoding="utf-8")
    assert "2 of 2 (2 splits × 1 seed)" in report
    assert not list((tmp_path / "results/data").glob("*.decoded"))
    study.write_text(yaml.safe_dump({**STUDY, "datasets": {"digits": {"source": "digits", "splits": 3}}}))
    planned = snakemake(tmp_path, study, "-n")
    trained = set(re.findall(r"training (\S+)", planned.stdout + planned.stderr))
    assert trained == {f"digits-split3/{name}/sgd/plain/seed0" for name in STUDY["architectures"]}
