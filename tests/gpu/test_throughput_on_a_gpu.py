"""The speed of an epoch on a GPU, beside the same steps on one fixed batch. It is printed, not judged."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from terminal import ENVIRONMENT, ROOT

pytestmark = pytest.mark.gpu


def test_an_epoch_is_measured_beside_a_fixed_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = (ROOT / "benchmarks/README.md").read_bytes()
    measured = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/run.py"), "gpu", "--print"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert measured.returncode == 0, measured.stderr
    with capsys.disabled():
        print(f"\n{measured.stdout}")
    ratios = re.findall(r"fixed batch [\d.]+ s +([\d.]+)×", measured.stdout)
    assert len(ratios) == 2 and all(float(ratio) > 0 for ratio in ratios)
    assert (ROOT / "benchmarks/README.md").read_bytes() == table
