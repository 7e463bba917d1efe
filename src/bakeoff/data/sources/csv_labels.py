"""Which labels the rows of a table give to their images."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bakeoff.data.sources.walking import composed
from bakeoff.errors import BakeoffError

WORDS = {"true": 1, "false": 0}
WHOLE = re.compile(r"(-?\d+)(\.0*)?")


@dataclass(frozen=True)
class Row:
    """A row of a table: its place, file:line, and its cells by their column."""

    place: str
    cells: dict[str, str]


def read_classes(rows: Sequence[Row], column: str) -> list[frozenset[str]]:
    """The class of each row. Raises BakeoffError for an empty cell, and for 1 beside 1.0."""
    for row in rows:
        if not row.cells[column].strip():
            raise BakeoffError(f"{row.place}: {column} is empty; every image needs a class")
    return _alike(rows, ([row.cells[column]] for row in rows))


def read_tags(rows: Sequence[Row], column: str, separator: str) -> list[frozenset[str]]:
    """The names in the column, with `separator` between them; an empty cell has none. Raises BakeoffError."""
    return _alike(rows, (row.cells[column].split(separator) for row in rows))


def read_columns(rows: Sequence[Row], labels: Sequence[str]) -> list[frozenset[str]]:
    """The columns that are 1; the others are all 0, or all -1. 1.0 and true are 1, 0.0 and false 0.

    Raises BakeoffError for other cells, and for 0 beside -1, which some tables write for "unknown".
    """
    found, place_of = [], dict[int, str]()
    for row in rows:
        signs = {label: _sign(row, label) for label in labels}
        for label, sign in signs.items():
            place_of.setdefault(sign, f"{row.place}: {label}")
        found.append(frozenset(label for label, sign in signs.items() if sign == 1))
    if {0, -1} <= place_of.keys():
        raise BakeoffError(f"{place_of[-1]} is -1, and {place_of[0]} is 0; write one of them for all that is not 1")
    return found


def _sign(row: Row, label: str) -> int:
    cell = row.cells[composed(label)].strip()
    try:
        value = WORDS.get(cell.lower()) if cell.lower() in WORDS else float(cell)
    except ValueError:
        value = None
    if value not in (-1, 0, 1):
        raise BakeoffError(f"{row.place}: {label} is {cell!r}; allowed: 0, 1 (or -1, 1 in the whole table)")
    return int(value)


def _alike(rows: Sequence[Row], names_of: Iterable[Sequence[str]]) -> list[frozenset[str]]:
    """The names of each row, stripped; one that is spelled in two forms of Unicode has that which comes first."""
    spelling: dict[str, str] = {}
    numbers: dict[str, tuple[str, str]] = {}
    found = []
    for row, names in zip(rows, names_of, strict=True):
        stripped = [name.strip() for name in names if name.strip()]
        for name in stripped:
            if composed(name) not in spelling:
                spelling[composed(name)] = name
                _check_number(name, row.place, numbers)
        found.append(frozenset(spelling[composed(name)] for name in stripped))
    return found


def _check_number(name: str, place: str, seen: dict[str, tuple[str, str]]) -> None:
    """Tables that were written by pandas have 1.0 for 1 wherever a cell of the column was empty."""
    if (whole := WHOLE.fullmatch(name)) is None:
        return
    earlier, there = seen.setdefault(whole[1], (name, place))
    if earlier != name:
        raise BakeoffError(f"{place}: {name!r} is the same number as {earlier!r} in {there}; write it in one way")
