"""Predictions for image files are those that training made of its test images."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

import bakeoff
from bakeoff.data.prepared import load_prepared
from bakeoff.errors import BakeoffError
from bakeoff.inference.image_files import image_files
from bakeoff.inference.image_predictions import predict
from bakeoff.inference.network import load_network, prepared_folder
from bakeoff.inference.preparation import BadImage
from bakeoff.results.trained_runs import trained_run, trained_runs
from terminal import bakeoff as run_bakeoff

CELL = "results/photos/runs/photos/cnn/adam/plain"


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def no_bad(error: BadImage) -> None:
    raise error


@pytest.mark.parametrize("recipe", ["plain", "half"])
def test_images_of_one_class(here: Path, recipe: str) -> None:
    """Whatever its depth, channels, transparency and orientation, a file becomes what was prepared of it."""
    run = trained_run(here / f"results/photos/runs/photos/cnn/adam/{recipe}/seed1")
    files = image_files(["photos/test"])
    found = list(predict([load_network(run)], files, no_bad))
    saved = np.load(run.paths.predictions)
    order = ["green", "red", "sea blue"]
    assert [file.parent.name for file in files] == [order[label] for label in saved["labels"]]
    assert [each.file for each in found] == files
    expected = softmax(saved["logits"].astype(float), axis=1)
    np.testing.assert_allclose([each.probabilities for each in found], expected, atol=1e-6)
    assert [each.classes for each in found] == [[order[best]] for best in saved["logits"].argmax(1)]


def test_images_with_labels(here: Path) -> None:
    run = trained_run(here / "results/photos/runs/tags/cnn/adam/plain/seed0")
    network = load_network(run)
    saved = np.load(run.paths.predictions)
    images, _ = load_prepared(prepared_folder(run)).splits["test"]
    row_of = {image.tobytes(): row for row, image in enumerate(images)}
    probabilities, thresholds = expit(saved["logits"].astype(float)), run.result.metrics.thresholds
    assert network.task == "multi-label" and thresholds is not None and set(network.classes) == set(thresholds.labels)
    tested = set()
    for each in predict([network], image_files(["photos"]), no_bad, batch_size=7):
        row = row_of.get(network.preparation.pixels(each.file).tobytes())
        if row is not None:
            tested.add(row)
            np.testing.assert_allclose(each.probabilities, probabilities[row], atol=1e-6)
            wanted = probabilities[row] >= thresholds.for_all
            clear = abs(probabilities[row] - thresholds.for_all).min() > 1e-6
            names = [name for name, is_there in zip(network.classes, wanted, strict=True) if is_there]
            assert each.classes == names or not clear
    assert tested == set(range(len(images)))


def test_csv_and_json_lines_of_the_command(here: Path) -> None:
    ended = run_bakeoff(here, "predict", f"{CELL}/seed0", "photos/test", "--threads", 2)
    assert ended.returncode == 0 and ended.stderr == ""
    rows = rows_of(ended.stdout)
    expected = softmax(np.load(here / CELL / "seed0/predictions.npz")["logits"].astype(float), axis=1)
    found = [[float(row[f"p({name})"]) for name in ("green", "red", "sea blue")] for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    lines = run_bakeoff(here, "predict", f"{CELL}/seed0", "photos/test", "--format", "jsonl").stdout.splitlines()
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        assert (line["image"], line["class"]) == (row["image"], row["class"])
        assert list(line["probabilities"].values()) == pytest.approx(
            [float(row[f"p({k})"]) for k in line["probabilities"]]
        )


def test_an_ensemble_averages_probabilities_and_the_best_is_chosen_on_validation(here: Path) -> None:
    wanted = [
        softmax(np.load(here / CELL / f"seed{seed}/predictions.npz")["logits"].astype(float), 1) for seed in (0, 1)
    ]
    networks = [load_network(run) for run in trained_runs(here / CELL, "all")]
    found = [each.probabilities for each in predict(networks, image_files(["photos/test"]), no_bad)]
    np.testing.assert_allclose(found, np.mean(wanted, axis=0), atol=1e-6)
    losses = {seed: json.loads((here / CELL / f"seed{seed}/result.json").read_text()) for seed in (0, 1)}
    best = min(losses, key=lambda seed: losses[seed]["metrics"]["validation"]["loss"])
    (chosen,) = trained_runs(here / CELL, "best")
    assert chosen.paths.folder.name == f"seed{best}"
    ended = run_bakeoff(here, "predict", CELL, "photos/test/red/0.png", "--ensemble")
    assert ended.returncode == 0 and "seed0" in ended.stderr and "seed1" in ended.stderr
    assert len(rows_of(ended.stdout)) == 1


def test_a_bad_image_is_named_and_passed_over(here: Path, tmp_path: Path) -> None:
    good = here / "photos/test/red/0.png"
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:300])
    words = [tmp_path / "text.png", good, tmp_path / "cut.png", tmp_path / "missing.png", good]
    ended = run_bakeoff(here, "predict", f"{CELL}/seed0", *words)
    assert ended.returncode == 1
    assert [row["image"] for row in rows_of(ended.stdout)] == [str(good)] * 2
    *named, last = ended.stderr.splitlines()
    assert len(named) == 3
    assert [
        line.startswith(f"passed over: {tmp_path}/{name}.png: ")
        for line, name in zip(named, ("text", "cut", "missing"), strict=True)
    ] == [True] * 3
    assert last == "error: 3 of 5 files passed over; the others are predicted"


def test_what_a_word_of_the_command_line_means(tmp_path: Path) -> None:
    for name in ("10.png", "2.JPG", "notes.txt", ".hidden.png", "deep/1.webp", "odd[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert image_files([str(tmp_path)]) == [
        tmp_path / name for name in ("2.JPG", "10.png", "deep/1.webp", "odd[1].png")
    ]
    assert image_files(["*.png", "2.JPG"]) == [Path("10.png"), Path("odd[1].png"), Path("2.JPG")]
    assert image_files(["**/*.webp", "odd[1].png", "gone.png"]) == [
        Path("deep/1.webp"),
        Path("odd[1].png"),
        Path("gone.png"),
    ]
    (tmp_path / "empty").mkdir()
    for word, said in (("empty", "no images in this folder"), ("x*.png", "matches no file")):
        with pytest.raises(BakeoffError, match=said):
            image_files([word])


def changed(here: Path, to: Path, **changes: object) -> Path:
    """A copy of an experiment, whose first run says something else."""
    folder = shutil.copytree(here / CELL, to / "copy")
    content = json.loads((folder / "seed0/result.json").read_text())
    (folder / "seed0/result.json").write_text(json.dumps({**content, **changes, "checksum": None}))
    return folder


def test_runs_that_are_not_to_be_used(here: Path, tmp_path: Path) -> None:
    folder = changed(here, tmp_path, status="diverged", message="the loss was nan")
    with pytest.raises(BakeoffError, match=r"did not complete .*: diverged: the loss was nan"):
        trained_runs(folder / "seed0")
    assert [run.paths.folder.name for run in trained_runs(folder, "all")] == ["seed1"]
    with pytest.raises(BakeoffError, match="no finished run here"):
        trained_runs(folder / "seed2")
    with pytest.raises(BakeoffError, match=r"is an experiment \(seed0, seed1\)"):
        trained_runs(folder)
    with pytest.raises(BakeoffError, match="take the folder of an experiment"):
        trained_runs(folder / "seed1", "best")
    (folder / "seed1/model.safetensors").write_bytes(b"")
    with pytest.raises(BakeoffError, match="has 0 bytes"):
        trained_runs(folder / "seed1")


def test_a_folder_of_results_alone_is_enough(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, without data, study file and what was prepared."""
    shutil.copytree(here / "results/photos", tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    run = bakeoff.load("moved").run("photos/cnn/adam/plain/seed0")
    network = run.model()
    assert network.classes == ("green", "red", "sea blue") and not network.training
    files = image_files([str(here / "photos/test")])
    found = np.stack([network(network.transform(file)[None]).detach().numpy()[0] for file in files])
    np.testing.assert_allclose(found, run.predictions.logits, atol=1e-5)


def test_weights_of_an_older_bakeoff_need_the_card_of_the_data(trained: Path, tmp_path: Path) -> None:
    import safetensors.torch

    copied = shutil.copytree(trained / "results", tmp_path / "results")
    folder = copied / "photos/runs/photos/cnn/adam/plain/seed0"
    new = load_network(trained_run(folder))
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").write_bytes(safetensors.torch.save(weights))
    content = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**content, "files": {}, "checksum": None}))
    assert load_network(trained_run(folder)).taken == new.taken
    shutil.rmtree(copied / "data")
    with pytest.raises(BakeoffError, match="written by an older Bakeoff"):
        load_network(trained_run(folder))


PLUGIN = """
from torch import nn
from bakeoff.plugins import model

@model("mine")
def mine(images, width=3):
    return nn.Sequential(nn.Flatten(), nn.Linear(images.channels * images.height * images.width, images.classes))
"""


@pytest.fixture
def with_plugin(tmp_path: Path) -> Iterator[Path]:
    """The folder of a run whose model is a plugin's."""
    from bakeoff.study.paths import Layout
    from bakeoff.study.plugin_files import REGISTRIES, load_plugins
    from bakeoff.study.reading import parse_study
    from bakeoff.study.specification import specify
    from bakeoff.study.study import runs
    from bakeoff.training.attempt import Place
    from trained_runs import train_run

    (tmp_path / "my_parts.py").write_text(PLUGIN)
    study = parse_study({
        "study": "own", "plugins": ["my_parts.py"], "datasets": {"digits": {"source": "digits", "limit": 60}},
        "architectures": {"mine": {"model": "mine"}}, "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
        "recipes": {"plain": {"epochs": 1}}, "seeds": 1,
    })  # fmt: skip
    load_plugins(study.plugins)
    train_run(specify(study, runs(study)[0]), Place(Layout("own")))
    REGISTRIES["model"].clear()
    yield tmp_path / "results/own/runs/digits/mine/sgd/plain/seed0"
    REGISTRIES["model"].clear()


def test_a_plugin_is_found_by_its_name_and_content(with_plugin: Path, tmp_path: Path) -> None:
    run = trained_run(with_plugin)
    load_network(run)
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "my_parts.py").rename(tmp_path / "elsewhere/my_parts.py")
    with pytest.raises(
        BakeoffError, match=r"model 'mine' is registered by my_parts.py, which is not in .*--plugin FILE"
    ):
        load_network(run)
    load_network(run, plugins=[moved])
    (tmp_path / "my_parts.py").write_text(PLUGIN + "# another\n")
    with pytest.raises(BakeoffError, match="has changed since the run was trained"):
        load_network(run)


def test_an_image_of_another_size_where_the_dataset_resizes_nothing(with_plugin: Path) -> None:
    from PIL import Image

    network = load_network(trained_run(with_plugin))
    assert network.transform(Image.new("RGBA", (8, 8))).shape == (1, 8, 8)
    with pytest.raises(BadImage, match=r"has 9x8 pixels .* trained on 8x8"):
        network.transform(Image.new("L", (8, 9)))
