"""Features of frozen backbones: kept once, and the same training as through the backbone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from bakeoff.data.prepared import load_prepared
from bakeoff.models.image_shape import image_shape
from bakeoff.models.registry import build_model
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import data_folder, features_folder, specify
from bakeoff.study.study import Study, runs
from bakeoff.training.attempt import Place
from trained_runs import train_run


def study_of(through: bool = False, **recipe: Any) -> Study:
    """A frozen network; `through` crops images to their own size, which changes nothing and forbids features."""
    augment = [{"RandomCrop": {"size": 8}}] if through else []
    return parse_study(
        {
            "study": "through" if through else "kept",
            "datasets": {"digits": {"source": "digits", "mode": "RGB", "limit": 200}},
            "architectures": {
                "plain": {"model": "timm/resnet18", "pretrained": "random", "small_images": True},
                "head": {"model": "timm/resnet18", "pretrained": "random", "small_images": True,
                         "head": {"hidden": 16, "dropout": 0.5}},
            },
            "optimizers": {"adam": {"name": "Adam", "lr": 1e-3}},
            "recipes": {"frozen": {"epochs": 2, "batch_size": 32, "freeze": "backbone", "augment": augment, **recipe}},
            "seeds": 2,
        }
    )  # fmt: skip


def test_heads_on_features_train_as_through_the_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept, through = study_of(), study_of(through=True)
    for study in (kept, through):
        for run in runs(study):
            if run.seed == 1:
                train_run(specify(study, run), Place(Layout(study.study)))
    folders = {features_folder(kept, cell) for cell in kept.cells}
    assert len(folders) == 1 and (folders.pop() or Path()).is_dir()
    assert all(features_folder(through, cell) is None for cell in through.cells)
    for run in runs(kept):
        if run.seed != 1:
            continue
        one, other = (pd.read_csv(Layout(name).run(run).history) for name in ("kept", "through"))
        for column in ("train_loss", "validation_loss"):
            np.testing.assert_allclose(one[column], other[column], atol=1e-5)
        one, other = (safetensors.torch.load_file(Layout(name).run(run).model) for name in ("kept", "through"))
        assert one.keys() == other.keys()
        assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_a_finished_run_holds_the_whole_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = study_of()
    run = runs(study)[2]
    layout = Layout(study.study)
    train_run(specify(study, run), Place(layout))
    data = load_prepared(data_folder(study, "digits"))
    network = build_model(study.architectures[run.architecture], image_shape(data.card))
    network.load_state_dict(safetensors.torch.load_file(layout.run(run).model))
    mean, std = (torch.tensor(data.card[name])[:, None, None] for name in ("mean", "std"))
    images = torch.tensor(np.array(data.splits["test"][0])).float() / 255
    with torch.no_grad():
        logits = network.eval()((images - mean) / std)
    saved = np.load(layout.run(run).predictions)["logits"]
    np.testing.assert_allclose(logits.numpy(), saved, atol=1e-4)


def test_damaged_features_are_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = study_of()
    first, _, second, _ = runs(study)
    train_run(specify(study, first), Place(Layout(study.study)))
    folder = features_folder(study, first.experiment)
    assert folder is not None
    whole = (folder / "train.npy").read_bytes()
    (folder / "train.npy").write_bytes(whole[:1000])
    train_run(specify(study, second), Place(Layout(study.study)))
    assert (folder / "train.npy").read_bytes() == whole
    result = json.loads(Layout(study.study).run(second).result.read_text())
    assert result["status"] == "completed"


def test_it_does_not_matter_which_recipe_asks_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of another number of images at a time may differ in the last bit."""
    written = []
    for name, batch_size in (("small", 7), ("large", 150)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        study = study_of(batch_size=batch_size)
        cell = next(iter(study.cells))
        train_run(specify(study, cell.run(0)), Place(Layout(study.study)))
        folder = features_folder(study, cell)
        assert folder is not None
        written.append((folder.name, (folder / "train.npy").read_bytes()))
    assert written[0] == written[1]


def test_the_layout_in_memory_is_of_the_features() -> None:
    folders = {features_folder(study := study_of(**recipe), next(iter(study.cells)))
               for recipe in ({}, {"channels_last": True}, {"channels_last": False})}  # fmt: skip
    assert len(folders) == 3


def test_what_decides_features_names_their_folder(tmp_path: Path) -> None:
    """The head is none of it for a library's network, but all of a plugin's entry is, and the plugin's file."""
    study = study_of()
    plain, head = (features_folder(study, cell) for cell in study.cells)
    assert plain == head
    plugin = 'from bakeoff.plugins import model\n\n@model("own")\ndef own(images, dropout=0.0): ...\n'

    def own(text: str, dropout: float = 0.0) -> Path | None:
        (tmp_path / "my.py").write_text(text)
        entry = {"model": "own", "pretrained": "random", "dropout": dropout}
        config = study.model_dump(exclude_unset=True) | {"architectures": {"own": entry}, "plugins": ["my.py"]}
        changed = parse_study(config, tmp_path / "study.yaml")
        return features_folder(changed, next(iter(changed.cells)))

    assert own(plugin) == own(plugin)
    assert len({own(plugin), own(plugin + "# changed\n"), own(plugin, dropout=0.5)}) == 3


@pytest.mark.parametrize("recipe", [{"freeze": "batch_norm"}, {"freeze": None}, {"augment": ["RandomHorizontalFlip"]}])
def test_features_are_kept_only_where_images_and_backbone_stay(recipe: dict[str, Any]) -> None:
    study = study_of(**recipe)
    assert all(features_folder(study, cell) is None for cell in study.cells)
