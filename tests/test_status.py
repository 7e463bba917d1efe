"""What `bakeoff plan` and `bakeoff status` print."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console, RenderableType

from bakeoff.check import check_study
from bakeoff.data.prepare import prepare_if_needed
from bakeoff.layout import Layout, data_folder, features_folder
from bakeoff.status import plan_table, status_table
from bakeoff.study import Study
from bakeoff.study_file import load_study, parse_study

STUDY: dict[str, Any] = {
    "study": "shown",
    "title": "Shown",
    "datasets": {"digits": {"source": "digits"}},
    "architectures": {"logistic": {"model": "mlp"}, "a_perceptron_with_a_long_name": {"model": "mlp", "hidden": [8]}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}, "adam_with_decay": {"name": "Adam"}},
    "recipes": {
        "plain": {"epochs": 2},
        "augmented": {
            "epochs": 2,
            "augment": [
                {"RandomCrop": {"size": 8, "padding": 1}},
                {"RandomApply": {"transforms": [{"RandomRotation": {"degrees": 9}}, "TrivialAugmentWide"]}},
                "MixUp",
            ],
        },
    },
    "seeds": 2,
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return load_study(Path("study.yaml"))


def printed(shown: RenderableType, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_the_plan_says_how_transforms_run_once_the_plan_step_knows(study: Study) -> None:
    layout = Layout(study.study)
    assert "augment: augmented – known after `bakeoff check`" in printed(plan_table(study, layout))
    prepare_if_needed(study, "digits", data_folder(study, "digits"))
    check_study(study, layout)
    text = printed(plan_table(study, layout), width=200)
    assert "augment: augmented – RandomCrop, RandomRotation, MixUp batched; TrivialAugmentWide image by image" in text
    assert "plain:" not in text and "known after" not in text


def test_tables_fit_80_columns_and_name_what_is_the_same_everywhere_once(study: Study) -> None:
    for shown in (plan_table(study, Layout(study.study)), status_table(study, Layout(study.study))):
        title, *lines = printed(shown).splitlines()
        assert title == "Shown: 16 runs, dataset digits"
        assert max(map(len, lines)) <= 80
        assert not any("digits" in line for line in lines if "prepared" not in line)
    rows = printed(status_table(study, Layout(study.study))).splitlines()
    assert any(
        row.split() == ["a_perceptron_with_a_long_name/adam_with_decay/augmented/seed1", "waiting"] for row in rows
    )
    assert rows[-1] == "16 waiting"


def test_a_step_that_failed_before_training_is_named_with_its_log(study: Study) -> None:
    layout = Layout(study.study)
    log = layout.folder / "logs" / "check.log"
    log.parent.mkdir(parents=True)
    log.write_text("a warning\nerror: study.yaml:7: optimizers.sgd: there is no optimizer 'SDG'\n")
    for table in (status_table(study, layout), plan_table(study, layout)):
        text = printed(table, width=200)
        assert "checking the study failed: study.yaml:7: optimizers.sgd: there is no optimizer 'SDG'" in text
        assert str(log) in text


def test_features_that_cannot_be_computed_are_named_with_their_log(study: Study) -> None:
    config = study.model_dump(exclude_unset=True)
    config["architectures"] = {"net": {"model": "timm/resnet18", "pretrained": "random"}}
    config["recipes"] = {"frozen": {"epochs": 1, "freeze": "backbone"}}
    frozen = parse_study(config)
    folder = features_folder(frozen, next(iter(frozen.cells)))
    assert folder is not None
    folder.parent.mkdir(parents=True)
    log = folder.with_name(f"{folder.name}.log")
    log.write_text("error: no space is left\n")
    text = printed(status_table(frozen, Layout(frozen.study)), width=200)
    assert f"computing features {folder.name} failed: no space is left ({log})" in text
