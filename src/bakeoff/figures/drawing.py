"""A figure that is still to be drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """The name of a figure's file, and what draws it: a function that another process can be given."""

    name: str
    draw: Callable[[], Figure]
