"""Finished runs that a changed study would replace are named, with what changed."""

import json
from pathlib import Path

import yaml

from bakeoff.jobs.replaced import runs_to_replace
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from terminal import STUDIES, bakeoff

TINY = yaml.safe_load((STUDIES / "tiny.yaml").read_text())


def lines(folder: Path, content: dict[str, object]) -> list[str]:
    path = folder.parent / "changed.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    study = load_study(path)
    return runs_to_replace(study, Layout(study.study, results=folder / "results"))


def test_an_unchanged_study_and_new_entries_replace_nothing(finished_study: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(finished_study)
    assert lines(tmp_path / "here", TINY) == []
    more = TINY["optimizers"] | {"adamw": {"name": "AdamW"}}
    assert lines(tmp_path / "here", TINY | {"optimizers": more, "seeds": 3, "title": "Another"}) == []


def test_a_value_that_was_edited_is_named_with_its_runs(finished_study: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(finished_study)
    edited = TINY["optimizers"] | {"sgd": TINY["optimizers"]["sgd"] | {"lr": 0.123}}
    (line,) = lines(tmp_path / "here", TINY | {"optimizers": edited})
    cells = [cell for cell in (finished_study / "results/tiny/runs").glob("*/*/sgd/*")]
    assert line.startswith(f"{2 * len(cells)} finished runs, digits/")
    assert f"optimizer.lr was {TINY['optimizers']['sgd']['lr']} and is 0.123" in line
    assert "add an entry with a name of its own" in line


def test_another_study_of_the_same_name_is_told_to_change_it(finished_study: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(finished_study)
    recipes = {"plain": {"epochs": 7, "batch_size": 5, "precision": "bf16", "track_test": True}}
    data = {"digits": {"source": "digits", "limit": 100}}
    found = lines(tmp_path / "here", TINY | {"recipes": recipes, "datasets": data, "metric": "macro_f1"})
    assert found and all("change its name, 'tiny'" in line for line in found)


def test_results_that_were_never_seen_are_read_themselves(finished_study: Path, tmp_path: Path) -> None:
    """As where results were copied from another machine, or Snakemake was killed."""
    results = tmp_path / "results/tiny/runs/digits/logistic/sgd/plain/seed0"
    results.mkdir(parents=True)
    there = finished_study / "results/tiny/runs/digits/logistic/sgd/plain/seed0/result.json"
    (results / "result.json").write_bytes(there.read_bytes())
    assert json.loads(there.read_text())["spec"]
    (tmp_path / "studies").mkdir()
    assert lines(tmp_path, TINY) == []


def test_plan_says_so(finished_study: Path, tmp_path: Path) -> None:
    edited = TINY["optimizers"] | {"sgd": TINY["optimizers"]["sgd"] | {"lr": 0.123}}
    study = tmp_path / "changed.yaml"
    study.write_text(yaml.safe_dump(TINY | {"optimizers": edited}, sort_keys=False))
    said = bakeoff(finished_study, "plan", study)
    assert "will be trained again and replaced" in " ".join(said.stdout.split()), said.stderr
