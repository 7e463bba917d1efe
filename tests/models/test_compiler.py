"""Torch's compiler stays unloaded until somebody compiles."""

import subprocess

from terminal import BIN

SCRIPT = """
import sys
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from bakeoff.models.compiler import leave_compiler_unloaded

leave_compiler_unloaded()
network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
optimizer.zero_grad()
with torch.no_grad(), FlopCounterMode(display=False):
    network.to("meta")(torch.zeros(2, 1, 6, 6, device="meta"))
loaded = [name for name in sys.modules if name.startswith("torch._dynamo.")]
assert loaded == [], loaded

images, linear = torch.ones(3, 4), nn.Linear(4, 2)
compiled = torch.compile(linear, backend="eager")
assert torch.equal(compiled(images), linear(images))
assert "torch._dynamo.eval_frame" in sys.modules and sys.modules["torch._dynamo"] is torch._dynamo
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
"""


def test_it_is_not_loaded_to_exempt_functions_and_is_when_asked_for() -> None:
    done = subprocess.run([BIN / "python", "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
