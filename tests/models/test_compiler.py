"""Torch's compiler stays unloaded until somebody compiles."""

import subprocess

import pytest

from terminal import BIN

BEGIN = """
import sys
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from bakeoff.models.compiler import compiler_left_out, leave_compiler_unloaded

def loaded():
    return any(name.startswith("torch._dynamo.") for name in sys.modules)

leave_compiler_unloaded()
network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
optimizer.zero_grad()
"""
SHAPES = """
with compiler_left_out(), torch.no_grad(), FlopCounterMode(display=False):
    network.to("meta")(torch.zeros(2, 1, 6, 6, device="meta"))
assert not loaded() and "torch._dynamo" not in sys.modules
"""
COMPILING = """
images, linear = torch.ones(3, 4), nn.Linear(4, 2)
compiled = torch.compile(linear, backend="eager")
assert torch.equal(compiled(images), linear(images))
assert loaded() and torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
"""
DECORATORS = """
with compiler_left_out():
    plain = lambda: 1
    assert torch.compiler.disable(plain) is plain and torch.compiler.disable(recursive=False)(plain) is plain
    assert torch._dynamo.disable()(plain) is plain and not loaded()
"""
ASKED_FOR_WITHIN = """
with compiler_left_out():
    from torch._dynamo.utils import counters
    assert loaded() and torch._dynamo.config.verbose is False
assert loaded()
"""


@pytest.mark.parametrize("script", [SHAPES, SHAPES + COMPILING, DECORATORS + COMPILING, ASKED_FOR_WITHIN])
def test_it_is_not_loaded_to_exempt_functions_and_is_when_asked_for(script: str) -> None:
    done = subprocess.run([BIN / "python", "-c", BEGIN + script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
