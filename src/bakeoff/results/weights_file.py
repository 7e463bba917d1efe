"""model.safetensors beside its tensors: what the network takes and tells apart, so that the file can be used alone."""

import json
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from bakeoff.results.result import Record, unusable
from bakeoff.study.metrics import Task

KEY = "bakeoff"  # safetensors keeps metadata in no order: under one key, the same weights give the same bytes


class NetworkInput(Record):
    """What a trained network takes: images of `shape` [channels, height, width], their pixels in 0..1 less `mean` and
    divided by `std`, per channel. Its outputs are logits of `classes`."""

    task: Task
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def metadata_of(taken: NetworkInput) -> dict[str, str]:
    """The metadata with which weights are written."""
    return {KEY: json.dumps(taken.model_dump(mode="json"), ensure_ascii=False)}


def read_network_input(path: Path) -> NetworkInput | None:
    """What the network of a weights file takes; None where the file does not say, as those of Bakeoff 0.1.0.

    Raises DamagedResult for what is no such file.
    """
    try:
        with safe_open(path, "numpy") as file:
            written = (file.metadata() or {}).get(KEY)
        return None if written is None else NetworkInput.model_validate_json(written)
    except (OSError, SafetensorError, ValidationError) as error:
        raise unusable(path, str(error).splitlines()[0]) from error
