"""`bakeoff export-model`: a trained network for other programs, with what they must know of it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bakeoff.errors import BakeoffError
from bakeoff.results.trained_runs import Choice, trained_runs
from bakeoff.study.arguments import nearest

NAMES = ("onnx", "torchscript", "safetensors")
BESIDE = (".json", ".md")


def export_model(
    folder: Path, choice: Choice, form: str, to: Path, plugins: Sequence[Path], threads: int
) -> list[Path]:
    """Write the network of a run to a file, its sidecar and its card beside it; returns the three.

    Raises BakeoffError; what cannot be written, or does not give torch's answers, leaves no file.
    """
    if form not in NAMES:
        raise BakeoffError(f"--format {form}: {nearest(form, NAMES)}")
    if to.is_dir() or to.suffix in BESIDE:
        raise BakeoffError(f"--to {to}: name the network's file, such as model.{form}; .json and .md lie beside it")
    (run,) = trained_runs(folder, choice)
    import torch

    from bakeoff.inference.export import export_network
    from bakeoff.inference.formats import FORMATS
    from bakeoff.inference.network import load_network

    if missing := [name for name in FORMATS[form].packages if find_spec(name) is None]:
        raise BakeoffError(f"--format {form} needs {', '.join(missing)}: pip install 'bakeoff[{form}]'")
    torch.set_num_threads(threads)
    return export_network(load_network(run, plugins), FORMATS[form], to)
