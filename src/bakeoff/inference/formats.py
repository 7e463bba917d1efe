"""The formats in which a network is exported. A new one is a record: how it is written, and how it is run again."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from bakeoff.data.source import Pixels
from bakeoff.errors import BakeoffError, first_line
from bakeoff.inference.from_pixels import FromPixels
from bakeoff.inference.network import TrainedNetwork, load_network
from bakeoff.results.weights_file import metadata_of

Logits = Callable[[Pixels], NDArray[np.float32]]  # uint8 [B, channels, height, width] → [B, K]
INPUT, OUTPUTS = "pixels", ("logits", "probabilities")


@dataclass(frozen=True)
class Format:
    """`write(network, path)` a file, `read(path, network)` how to ask it; `takes_pixels`: normalisation is inside.

    `packages` are those that Bakeoff itself does not need. `how_to_load` is Python for a reader, with {file}, {shape}
    and {about}, the JSON file.
    """

    name: str
    title: str
    takes_pixels: bool
    write: Callable[[TrainedNetwork, Path], None]
    read: Callable[[Path, TrainedNetwork], Logits]
    how_to_load: str
    packages: tuple[str, ...] = ()


def _write_onnx(network: TrainedNetwork, path: Path) -> None:
    example = torch.zeros(2, *network.taken.shape, dtype=torch.uint8)
    batch = {INPUT: {0: torch.export.Dim("batch")}}
    with _quietly("ONNX"):
        torch.onnx.export(
            FromPixels(network), (example,), path, input_names=[INPUT], output_names=list(OUTPUTS),
            dynamo=True, dynamic_shapes=batch, external_data=False, verbose=False,
        )  # fmt: skip


def _read_onnx(path: Path, network: TrainedNetwork) -> Logits:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([OUTPUTS[0]], {INPUT: pixels})[0]


def _write_torchscript(network: TrainedNetwork, path: Path) -> None:
    example = torch.zeros(2, *network.taken.shape, dtype=torch.uint8)
    with _quietly("TorchScript"), torch.no_grad():
        torch.jit.save(torch.jit.trace(FromPixels(network), example, check_trace=False), str(path))  # type: ignore[no-untyped-call]


def _read_torchscript(path: Path, network: TrainedNetwork) -> Logits:
    with _quietly("TorchScript"):
        loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    return lambda pixels: loaded(torch.tensor(pixels))[0].numpy()


def _write_safetensors(network: TrainedNetwork, path: Path) -> None:
    weights = {name: value.cpu().contiguous() for name, value in network.network.state_dict().items()}
    path.write_bytes(safetensors.torch.save(weights, metadata_of(network.taken)))


def _read_safetensors(path: Path, network: TrainedNetwork) -> Logits:
    again = load_network(network.run)
    again.network.load_state_dict(safetensors.torch.load_file(path))
    return lambda pixels: FromPixels(again)(torch.tensor(pixels))[0].numpy()


@contextmanager
def _quietly(title: str) -> Iterator[None]:
    """What torch says of its own ways is hidden; why it cannot write a network is one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # the exporters raise anything
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        said = f"{type(cause).__name__}: {first_line(cause)}"
        raise BakeoffError(f"torch cannot write this network as {title}: {said}; take another format") from error


ONNX = """import onnxruntime

session = onnxruntime.InferenceSession("{file}")
logits, probabilities = session.run(None, {{"pixels": pixels}})    # uint8 [N, {shape}]"""

TORCHSCRIPT = """import torch

network = torch.jit.load("{file}")
logits, probabilities = network(pixels)    # uint8 [N, {shape}]"""

SAFETENSORS = """import json
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.registry import build_model
from bakeoff.study.entries import Architecture
from safetensors.torch import load_file

with open("{about}") as file:
    about = json.load(file)
images = ImageShape(*about["input"]["shape"][1:], len(about["classes"]))
network = build_model(Architecture.model_validate(about["architecture"]), images).eval()
network.load_state_dict(load_file("{file}"))
logits = network(normalised)    # float32 [N, {shape}]"""

FORMATS: Mapping[str, Format] = {
    record.name: record
    for record in (
        Format("onnx", "ONNX", True, _write_onnx, _read_onnx, ONNX, ("onnx", "onnxscript", "onnxruntime")),
        Format("torchscript", "TorchScript", True, _write_torchscript, _read_torchscript, TORCHSCRIPT),
        Format("safetensors", "safetensors", False, _write_safetensors, _read_safetensors, SAFETENSORS),
    )
}
