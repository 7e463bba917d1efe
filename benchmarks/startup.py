"""A whole training job with one epoch of digits, an upper bound of the time to its first step, and `import torch`."""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from table import Row
from timing import BAKEOFF, REPEATS, in_turns, seconds_of_command

STUDY = {
    "study": "start",
    "datasets": {"digits": {"source": "digits"}},
    "architectures": {"mlp": {"model": "mlp", "hidden": [16]}},
    "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
    "recipes": {"one": {"epochs": 1}},
    "seeds": 2 * REPEATS,
}


def measure() -> list[Row]:
    """Seconds of both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "start.yaml").write_text(json.dumps(STUDY))
        seconds_of_command([BAKEOFF, "prepare", "start.yaml", "digits"], folder)
        seconds_of_command([BAKEOFF, "check", "start.yaml"], folder)
        untrained: Iterator[int] = iter(range(2 * REPEATS))  # a seed that has been trained does not train again

        def job() -> float:
            run = f"digits/mlp/sgd/one/seed{next(untrained)}"
            return seconds_of_command([BAKEOFF, "train", "start.yaml", run], folder)

        def import_torch() -> float:
            return seconds_of_command([sys.executable, "-c", "import torch"], folder)

        rounds = in_turns(job, import_torch, rounds=2 * REPEATS)
    mine, peer = rounds.medians()
    return [
        Row(
            "start-up of a training job (whole job with one epoch of digits)",
            f"{mine:.2f} s",
            f"`import torch` {peer:.2f} s",
            f"{rounds.ratio(of=0, to=1):.2f}×",
            "≤ 1.5×",
        )
    ]
