"""Torch's compiler, left unloaded where nothing is compiled: to import it takes two seconds."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch

NAME = "torch._dynamo"


def leave_compiler_unloaded() -> None:
    """Keep torch.optim from importing torch's compiler, in a process that compiles nothing.

    Some methods of Optimizer import it at their first call, to exempt themselves from compilation, and keep the exempt
    form as an attribute. Without a compiler that form is the method itself.
    """
    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None:
            setattr(plain, "__dynamo_disable", plain)


@contextmanager
def compiler_left_out() -> Iterator[None]:
    """In this block, the same for all of torch: hundreds of functions that find out shapes on the meta device exempt
    themselves, too. Whoever asks for more of the compiler gets the real one."""
    if NAME in sys.modules:
        yield
        return
    stand_in = sys.modules[NAME] = torch._dynamo = _Unloaded(NAME)
    try:
        yield
    finally:
        stand_in.leave()


class _Unloaded(ModuleType):
    """Stands in for torch._dynamo: without a compiler, a function is exempt from compilation as it is."""

    @staticmethod
    def disable(function: Callable[..., Any] | None = None, *how: Any, **options: Any) -> Any:
        return (lambda decorated: decorated) if function is None else function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # who looks through all modules, as inspect does
            raise AttributeError(name)
        self.leave()
        return getattr(importlib.import_module(NAME), name)

    def leave(self) -> None:
        """Make room for the real one."""
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME], torch._dynamo
