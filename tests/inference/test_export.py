"""Exported networks give torch's answers, from raw pixels and with nothing of Bakeoff; what does not is not written."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from bakeoff.data.prepared import load_prepared
from bakeoff.errors import BakeoffError
from bakeoff.inference.export import export_network
from bakeoff.inference.formats import FORMATS, Logits
from bakeoff.inference.network import TrainedNetwork, load_network, prepared_folder
from bakeoff.models.registry import MODELS
from bakeoff.results.trained_runs import trained_run
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import specify
from bakeoff.study.study import runs
from bakeoff.training.attempt import Place
from terminal import bakeoff
from trained_runs import train_run

onnxruntime = pytest.importorskip("onnxruntime")

TINY: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [8], "batch_norm": True, "dropout": 0.2},
    "convnet": {"layers": [{"conv": 4, "kernel": 3}, "relu", {"pool": 2}], "hidden": [8]},
    "vgg_small": {"stages": [[4], [6]], "padding": [[1], [1]], "hidden": 8},
    "inception_small": {"stem": [4], "hidden": 8},
    "resnet_small": {"stem": 8, "stages": [{"channels": 8}]},
    "basic_block_net": {"widths": [8, 16], "blocks": [1, 1]},
}
TAGGED = "results/photos/runs/tags/cnn/adam/half/seed0"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every model of Bakeoff's own, trained for an epoch."""
    folder = tmp_path_factory.mktemp("own")
    study = parse_study({
        "study": "own", "datasets": {"digits": {"source": "digits", "limit": 150, "resize": 16}},
        "architectures": {name: {"model": name, **TINY[name]} for name in MODELS},
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}},
        "recipes": {"plain": {"epochs": 1, "batch_size": 32}}, "seeds": 1,
    })  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for run in runs(study):
            train_run(specify(study, run), Place(Layout("own")))
        yield folder


def prepared_images(network: TrainedNetwork) -> np.ndarray:
    return np.array(load_prepared(prepared_folder(network.run)).splits["test"][0])


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_own_model_as_onnx(own: Path, tmp_path: Path, model: str) -> None:
    network = load_network(trained_run(own / f"results/own/runs/digits/{model}/sgd/plain/seed0"))
    path, about, card = export_network(network, FORMATS["onnx"], tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(path))
    logits, probabilities = session.run(None, {"pixels": prepared_images(network)})
    expected = np.load(network.run.paths.predictions)["logits"]  # as training left them
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    np.testing.assert_allclose(probabilities, softmax(expected, axis=1), atol=1e-4)
    one = session.run(None, {"pixels": prepared_images(network)[:1]})[0]
    np.testing.assert_allclose(one, expected[:1], atol=1e-4)
    said = json.loads(about.read_text())
    assert said["checked"]["images"] == len(expected) and said["checked"]["largest_difference"] < 1e-4
    assert card.read_text().startswith(f"# digits/{model}/sgd/plain/seed0\n")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_card_says_how_to_load(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Its code, with images made as the sidecar says, gives the run's own predictions; here of multi-label data in
    bfloat16, of which exports have the float32 form."""
    monkeypatch.chdir(tmp_path)
    network = load_network(trained_run(trained / TAGGED))
    _, about, card = export_network(network, FORMATS[form], Path(f"model.{form}"))
    said, text = json.loads(about.read_text()), card.read_text()
    pixels = prepared_images(network)
    steps = said["preprocessing"]["normalize"]
    mean, std = (np.array(steps[name], np.float32)[:, None, None] for name in ("mean", "std"))
    given = {"pixels": torch.tensor(pixels) if form == "torchscript" else pixels,
             "normalised": torch.tensor((pixels / np.float32(255) - mean) / std)}  # fmt: skip
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, given)
    found = torch.as_tensor(given["logits"]).detach().numpy()
    wanted = network.network(network.normalize(torch.tensor(pixels))).detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    if said["outputs"] == ["logits", "probabilities"]:
        np.testing.assert_allclose(
            np.asarray(torch.as_tensor(given["probabilities"]).detach()), expit(wanted), atol=1e-4
        )
    assert said["classes"] == list(network.classes) and said["task"] == "multi-label"
    assert said["preprocessing"]["resize"] == [12, 16] and said["thresholds"]["global"] == network.threshold
    score = network.run.result.metrics.split("test")["mean_average_precision"]
    assert "| mean average precision |" in text and f"{score:.4f} |" in text


def test_other_answers_leave_nothing(trained: Path, tmp_path: Path) -> None:
    network = load_network(trained_run(trained / TAGGED))
    right = FORMATS["torchscript"].read

    def wrong(path: Path, asked: TrainedNetwork) -> Logits:
        ask = right(path, asked)
        return lambda pixels: ask(pixels) + np.float32(1e-3)

    (tmp_path / "model.pt").write_text("what was here before")
    with pytest.raises(BakeoffError, match=r"differ from torch's by 0.001 in a logit; allowed: 0.0001"):
        export_network(network, replace(FORMATS["torchscript"], read=wrong), tmp_path / "model.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
    assert (tmp_path / "model.pt").read_text() == "what was here before"


def test_without_the_data_noise_is_compared(trained: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(trained / "results/photos", tmp_path / "photos")
    network = load_network(trained_run(copied / "runs/photos/cnn/adam/plain/seed0"))
    _, about, card = export_network(network, FORMATS["safetensors"], tmp_path / "out.safetensors")
    assert json.loads(about.read_text())["checked"] == {
        "against": "torch in float32", "images": 128, "of": "noise", "largest_difference": 0.0,
    }  # fmt: skip
    assert "128 images of noise" in card.read_text()


def test_the_command(trained: Path, tmp_path: Path) -> None:
    cell = trained / "results/photos/runs/photos/cnn/adam/plain"
    ended = bakeoff(tmp_path, "export-model", cell, "--best", "--format", "torchscript", "--to", "new/net.pt")
    assert ended.returncode == 0 and ended.stdout.split() == ["new/net.pt", "new/net.json", "new/net.md"], ended.stderr
    for arguments, said in (
        ((cell, "--to", "net.onnx"), "is an experiment (seed0, seed1)"),
        ((cell / "seed0", "--to", "net.onnx", "--format", "onxx"), "did you mean 'onnx'"),
        ((cell / "seed0", "--to", "new"), "name the network's file"),
    ):
        ended = bakeoff(tmp_path, "export-model", *arguments)
        assert ended.returncode == 1 and said in ended.stderr and ended.stderr.count("\n") == 1


def test_what_is_not_installed_is_said(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bakeoff.commands import export_model

    monkeypatch.setattr(export_model, "find_spec", lambda name: None)
    with pytest.raises(BakeoffError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'bakeoff\[onnx\]'"):
        export_model.export_model(trained / TAGGED, "one", "onnx", tmp_path / "model.onnx", [], 1)
