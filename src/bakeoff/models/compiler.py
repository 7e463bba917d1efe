"""Torch's compiler, left unloaded where nothing is compiled: to import it takes two seconds."""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

NAME = "torch._dynamo"


def leave_compiler_unloaded() -> None:
    """Keep torch from importing its compiler only to exempt functions from compilation.

    Some of torch's functions do that at their first call: methods of optimizers, and what finds out shapes on the meta
    device. They keep what they get. Whoever asks for anything else of the compiler gets the real one.
    """
    if NAME not in sys.modules:
        sys.modules[NAME] = torch._dynamo = _Unloaded(NAME)


class _Unloaded(ModuleType):
    """Stands in for torch._dynamo: without a compiler, a function is exempt from compilation as it is."""

    @staticmethod
    def disable(function: Callable[..., Any], *how: Any, **options: Any) -> Callable[..., Any]:
        return function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # who looks through all modules, as inspect does
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME], torch._dynamo
        return getattr(importlib.import_module(NAME), name)
