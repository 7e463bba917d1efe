"""`bakeoff export` of 500 finished runs of 50 epochs: its time and its memory. It has no peer."""

import json
import resource
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bakeoff.study.reading import parse_study
from planning import large_study
from summary import write_runs
from table import Row
from timing import BAKEOFF, seconds_of_command

# Target → place and goal
TARGETS = {"tensorboard": ("out", "< 30 s, 1 GiB"), "mlflow": ("sqlite:///store.db", "< 180 s, 1 GiB")}
FEW = {"architectures": {"linear": {"model": "mlp"}}, "seeds": 5}


def measure() -> list[Row]:
    """One measurement of each target that is installed: a second export would add nothing."""
    study = large_study() | FEW
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.yaml").write_text(json.dumps(study))
        write_runs(parse_study(study), folder / "results")
        for target, (place, goal) in TARGETS.items():
            if find_spec(target) is None:
                continue
            seconds = seconds_of_command([BAKEOFF, "export", target, "large.yaml", "--to", place], folder)
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest command so far
            what = f"exporting 500 runs of 50 epochs to {target}"
            rows.append(Row(what, f"{seconds:.0f} s, at most {memory:.1f} GiB", "", "", goal))
    return rows
