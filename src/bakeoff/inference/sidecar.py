"""What stands beside an exported network for programs: classes, input, preprocessing, and where it comes from."""

from collections.abc import Mapping
from typing import Any

from bakeoff.inference.formats import INPUT, OUTPUTS, Format
from bakeoff.inference.network import TrainedNetwork
from bakeoff.study.specification import digest

Content = dict[str, Any]


def sidecar(
    network: TrainedNetwork, form: Format, file: str, description: Mapping[str, Any], checked: Mapping[str, Any]
) -> Content:
    """The content of the JSON file."""
    result, taken = network.run.result, network.taken
    thresholds = result.metrics.thresholds
    return {
        "file": {"name": file, "format": form.name, **description},
        "run": {**vars(result.run), "specification": digest(result.spec), "data": result.data},
        "architecture": result.spec["architecture"],
        "task": taken.task,
        "classes": list(taken.classes),
        "input": _input(network, form),
        "outputs": list(OUTPUTS) if form.takes_pixels else [OUTPUTS[0]],
        "preprocessing": preprocessing(network, form),
        "thresholds": thresholds.model_dump() if thresholds else None,
        "test": dict(result.metrics.split("test")),
        "checked": {"against": "torch in float32", **checked},
    }


def preprocessing(network: TrainedNetwork, form: Format) -> Content:
    """The steps from a file to the network's input, in order."""
    request = network.preparation.request
    return {
        "decode": "upright by its EXIF, transparency over white, deeper pixels to 8 bits",
        "pixel_range": request.pixel_range,
        "mode": request.mode,
        "resize": request.resize,
        "resize_means": "[height, width], or one number for the shorter side; bilinear with antialiasing (Pillow)",
        "center_crop": request.center_crop,
        "layout": "channels, height, width",
        "normalize": {
            "inside_the_file": form.takes_pixels,
            "formula": "(pixels / 255 - mean) / std, per channel; where std is 0, it is 1",
            "mean": list(network.taken.mean),
            "std": list(network.taken.std),
        },
    }


def _input(network: TrainedNetwork, form: Format) -> Content:
    return {
        "name": INPUT if form.takes_pixels else "images",
        "type": "uint8" if form.takes_pixels else "float32, normalised",
        "shape": ["any number of images", *network.taken.shape],
    }
