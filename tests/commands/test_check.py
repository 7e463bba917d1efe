"""The plan step: what cannot work is found before training, each with its place."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from bakeoff.commands.check import check_study
from bakeoff.data.prepare import prepare_if_needed
from bakeoff.errors import BakeoffError
from bakeoff.models.description import describe
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
from bakeoff.study.specification import examples_file, specify_dataset
from terminal import bakeoff

STUDY: dict[str, Any] = {
    "study": "checked",
    "datasets": {"digits": {"source": "digits"}},
    "architectures": {"small": {"model": "mlp", "hidden": [8], "batch_norm": True}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
    "recipes": {"plain": {"epochs": 2}},
    "seeds": 1,
}


def check(folder: Path, **changes: Any) -> Layout:
    """Check the study with other top-level keys, in a folder of its own."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    study = load_study(path)
    for name in study.datasets:
        prepare_if_needed(specify_dataset(study, name))
    layout = Layout(study.study)
    check_study(study, layout, path)
    return layout


def test_checking_takes_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs where Snakemake does, and jobs may run elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    layout = check(tmp_path, device="cuda")
    assert len(list((layout.folder / "plan").iterdir())) == 1


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_frozen_batch_norm_takes_single_images(tmp_path: Path) -> None:
    check(tmp_path, recipes={"plain": {"epochs": 1, "batch_size": 1, "freeze": "batch_norm"}})


def test_a_study_that_works_leaves_a_plan_of_each_experiment(tmp_path: Path) -> None:
    layout = check(tmp_path)
    (plan,) = (layout.folder / "plan").iterdir()
    before = plan.stat().st_mtime_ns
    check(tmp_path, optimizers={**STUDY["optimizers"], "adam": {"name": "Adam"}})
    assert plan.stat().st_mtime_ns == before  # its runs depend on it: an unchanged experiment is left alone
    assert len(list((layout.folder / "plan").iterdir())) == 2


def test_augmented_images_are_those_of_the_recipe_as_it_is_and_come_back(tmp_path: Path) -> None:
    def examples(transform: str) -> Path:
        """The file that the figures of a study with this transform show, after a check."""
        recipes = {"plain": {"epochs": 1, "augment": [{transform: {"p": 1}}]}}
        layout = check(tmp_path, recipes=recipes)
        file = examples_file(load_study(tmp_path / "study.yaml"), layout, "digits", "plain")
        assert file is not None
        return file

    def is_mirrored(file: Path) -> bool:
        before, after = np.load(file)
        return np.array_equal(before[..., ::-1], after)

    assert is_mirrored(examples("RandomHorizontalFlip"))
    assert not is_mirrored(examples("RandomVerticalFlip"))
    mirrored = examples("RandomHorizontalFlip")  # its plan is there since the first time
    assert is_mirrored(mirrored)
    mirrored.unlink()
    assert is_mirrored(examples("RandomHorizontalFlip"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architectures": {"big": {"model": "mlp", "hiden": [3]}}}, ["architectures.big", "did you mean 'hidden'"]),
        ({"optimizers": {"sgd": {"name": "SGD", "nesterov": True}}}, ["optimizers.sgd", "Nesterov momentum requires"]),
        (
            {"recipes": {"plain": {"epochs": 1, "schedule": {"name": "StepLr", "size": 1}}}},
            ["recipes.plain.schedule", "step_size"],
        ),
        (
            {
                "recipes": {
                    "plain": {
                        "epochs": 2,
                        "batch_size": 128,  # of 1293 images: 11 steps, the last of fewer images
                        "schedule": {"name": "OneCycleLR", "interval": "step", "max_lr": 0.1, "total_steps": 20},
                    }
                }
            },
            ["recipes.plain.schedule: OneCycleLR cannot step", "20"],
        ),
        ({"recipes": {"plain": {"epochs": 1, "augment": ["RandomFlop"]}}}, ["recipes.plain.augment", "RandomFlop"]),
        ({"recipes": {"plain": {"epochs": 1, "augment": [{"RandomCrop": {"size": 4}}]}}}, ["augment", "(1, 4, 4)"]),
        (
            {
                "recipes": {
                    "plain": {"epochs": 1, "augment": [{"RandomApply": {"transforms": [{"RandomCrop": {"sise": 8}}]}}]}
                }
            },
            ["recipes.plain.augment: RandomApply.transforms.0 RandomCrop: unknown", "did you mean 'size'"],
        ),
        (
            {"recipes": {"plain": {"epochs": 1, "normalize": {"mean": [0, 0, 0], "std": [1, 1, 1]}}}},
            ["recipes.plain.normalize", "each of the 1 channels"],
        ),
        (
            {"recipes": {"plain": {"epochs": 1, "batch_size": 1}}},
            ["recipes.plain.batch_size: small cannot train on one image at a time, as batch-norm cannot", "2 or more"],
        ),
        (
            {"recipes": {"a": {"epochs": 1, "loss": {"name": "CrossEntropyLoss", "class_weights": {1: 2, "ten": 1}}}}},
            ["recipes.a.loss.class_weights: there is no class 'ten'; allowed: 0, 1, 2"],
        ),
        (
            {
                "architectures": {**STUDY["architectures"], "other": {"model": "mlp", "hidden": [9]}},
                "recipes": {"plain": {"epochs": 1}, "tuned": {"epochs": 1, "init_from": {"architecture": "other"}}},
                "experiments": [
                    {"recipes": "plain"},
                    {"recipes": "tuned", "architectures": "small"},
                    {"recipes": "tuned", "architectures": "other"},
                ],
            },
            ["init_from"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_work(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BakeoffError) as error:
        check(tmp_path, **changes)
    for word in words:
        assert word in str(error.value)
    assert not list(tmp_path.glob("results/checked/plan/*"))


def test_each_problem_has_its_place_once_and_in_order(tmp_path: Path) -> None:
    optimizers = {"sgd": {"name": "SDG"}, "wild": {"name": "SGD", "dampening": 1, "nesterov": True}}
    changed = {**STUDY, "datasets": {"digits": {"source": "digits", "resize": 0}}, "optimizers": optimizers}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    checked = bakeoff(tmp_path, "check", "study.yaml")
    digits = "study.yaml:5: datasets.digits.resize: found 0; allowed: sizes of at least 1 pixel"
    first, second, third = checked.stderr.splitlines()
    assert first == f"error: {digits}"
    assert second.startswith("study.yaml:14: optimizers.sgd.name: there is no optimizer 'SDG'; did you mean 'SGD'?")
    built = "SGD cannot be built with {'dampening': 1, 'nesterov': True}"
    assert third.startswith(f"study.yaml:15: optimizers.wild: {built}: Nesterov momentum requires a momentum")
    assert bakeoff(tmp_path, "prepare", "study.yaml", "digits").stderr == f"error: {digits}\n"


def test_what_is_wrong_with_models_is_said_in_one_go(tmp_path: Path) -> None:
    architectures = {
        "tagged": {"model": "timm/resnet18.nothing"},
        "bare": {"model": "resnet18"},
        "typo": {"model": "mlp", "hiden": [3]},
        "number": {"model": "mlp", "hidden": 64},
    }
    with pytest.raises(BakeoffError) as error:
        check(tmp_path, architectures=architectures, optimizers={"sgd": {"name": "SDG"}})
    optimizer, tagged, bare, typo, number = str(error.value).splitlines()
    assert "optimizers.sgd.name: there is no optimizer 'SDG'" in optimizer
    assert "architectures.tagged.model: timm's resnet18 has no pretrained tag 'nothing'; " in tagged
    assert "architectures.bare.model: unknown model 'resnet18'; did you mean 'timm/resnet18' or 'torch" in bare
    assert "architectures.typo: mlp: unknown argument 'hiden'; did you mean 'hidden'?" in typo
    assert number.endswith("architectures.number: mlp: hidden is a list; write [64]")


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    changes = {
        "architectures": {**STUDY["architectures"], "other": {"model": "mlp", "hidden": [9], "batch_norm": True}},
        "recipes": {
            "plain": {"epochs": 1},
            "tuned": {"epochs": 1, "init_from": {"architecture": "other", "recipe": "plain"}},
        },
    }
    with pytest.raises(BakeoffError, match=r"study.yaml:\d+: recipes.tuned.init_from: .*1.weight is \(9, 64\) there"):
        check(tmp_path, **changes)


def test_a_choice_that_the_optimizer_refuses_is_named_with_the_values_of_its_trial(tmp_path: Path) -> None:
    sgd = {"name": "SGD", "lr": {"log_uniform": [0.01, 1]}, "nesterov": {"choices": [False, True]}}
    with pytest.raises(BakeoffError) as error:
        check(tmp_path, optimizers={"sgd": sgd}, tuning={"trials": 4})
    first = str(error.value).splitlines()[0]
    assert re.search(
        r"study\.yaml:\d+: optimizers\.sgd: .*(?i:nesterov).* \(trial0\d: lr 0\.\d+, nesterov True\)$", first
    )
    assert not Path("results/checked/plan").exists()


def test_every_trial_has_a_plan_and_networks_are_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr("bakeoff.commands.check.describe", lambda *given: built.append(given) or describe(*given))
    sgd = {"name": "SGD", "lr": {"log_uniform": [0.01, 1]}}
    layout = check(tmp_path, optimizers={"sgd": sgd}, tuning={"trials": 4, "epochs": 1})
    assert len(list((layout.folder / "plan").iterdir())) == 1 + 4
    assert len(built) == 1
