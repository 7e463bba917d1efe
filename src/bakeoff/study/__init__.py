"""What a study may say and what it means: entries, matrix, reading, specification, paths. Without torch."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Door(ModuleType):
    """This package, which can be called: in a notebook, `bakeoff.study(…)` is `bakeoff.api.study(…)`."""

    def __call__(self, given: Any, **changes: Any) -> Any:
        return import_module("bakeoff.api").study(given, **changes)


sys.modules[__name__].__class__ = _Door
