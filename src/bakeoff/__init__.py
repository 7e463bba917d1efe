"""Bakeoff: benchmark studies of image classifiers, orchestrated by Snakemake."""

__version__ = "0.1.0"
__all__ = ["__version__", "load", "study"]

TYPE_CHECKING = False  # importing typing would take as long as all else here
if TYPE_CHECKING:
    from bakeoff.api import load as load
    from bakeoff.api import study as study

# What a name of the door is found in, when it is first used.
ROOMS = {"load": ("bakeoff.api", "load"), "study": ("bakeoff.study", "")}


def __getattr__(name: str) -> object:
    if name not in ROOMS:
        raise AttributeError(f"module 'bakeoff' has no attribute {name!r}")
    from importlib import import_module

    room, attribute = ROOMS[name]
    module = import_module(room)
    return getattr(module, attribute) if attribute else module
