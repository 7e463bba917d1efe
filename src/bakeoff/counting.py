"""How far a long step is, in one line on a terminal. Elsewhere nothing is shown."""

import sys
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def counted(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """The items, while a terminal shows how many of `total` are done and how long the rest will take."""
    if total is None and isinstance(items, Collection):
        total = len(items)
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, what, total, console=Console(stderr=True), transient=True)
