"""Writes what the pages of this folder say of the code, between their markers: `make docs`.

A marker is a comment, `<!-- generated: NAME -->`, and what follows it up to `<!-- end -->` is made by the function NAME
of this file. tests/test_docs.py fails when a page says something else.
"""

import ast
import configparser
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/bakeoff"
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def result_fields() -> str:
    """Every field of a result, from the records of results/result.py."""
    from bakeoff.results.result import Cost, FileDescription, Metrics, Provenance, Result, Thresholds

    records = (Result, Metrics, Thresholds, Cost, Provenance, FileDescription)
    return "\n".join(line for record in records for line in _fields(record))


def statistics_tables() -> str:
    """Every table of the statistics: what a row is, and what the table says."""
    from bakeoff.analysis.tables import TABLES

    rows = [f"| [`{table.name}.csv`](#{table.name}) | {table.row} | {table.says} |\n" for table in TABLES.values()]
    return "| table | a row is | what it says |\n|---|---|---|\n" + "".join(rows)


def statistics_columns() -> str:
    """The columns of each table, with their meaning."""
    from bakeoff.analysis.tables import TABLES
    from bakeoff.analysis.tables.table import EXPERIMENT

    names = ", ".join(f"`{column.name}`" for column in EXPERIMENT)
    lines: list[str] = []
    for table in TABLES.values():
        columns = [(f"`{column.name}`", column.meaning) for column in table.columns]
        if table.columns[: len(EXPERIMENT)] == EXPERIMENT:
            columns[: len(EXPERIMENT)] = [(names, "the experiment, by its names in the study")]
        lines += ["", f"### {table.name}", "", "| column | meaning |", "|---|---|"]
        lines += [f"| {name} | {meaning} |" for name, meaning in columns]
    return "\n".join(lines[1:]) + "\n"


def outlets() -> str:
    """Every target of `bakeoff export`: what it gets, what PLACE is, and what to install."""
    from bakeoff.outlets.registry import OUTLETS

    rows = [
        f"| `{o.name}` | {o.description} | {o.place} | {f'`bakeoff[{o.extra}]`' if o.extra else 'nothing'} |\n"
        for o in OUTLETS.values()
    ]
    return "| target | what it gets | PLACE | to install |\n|---|---|---|---|\n" + "".join(rows)


def rooms() -> str:
    """The floors of the import contract, the roof first, with the purpose of each room."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    layers = contract["importlinter:contract:floors"]["layers"].split("\n")
    lines = ["| floor | room | what is in it |", "|---|---|---|"]
    floors = [re.findall(r"\w+", layer) for layer in layers if layer.strip()]
    for number, floor in zip(range(len(floors), 0, -1), floors, strict=True):
        lines += [f"| {number} | `{name}` | {_purpose(PACKAGE / name)} |" for name in floor]
    return "\n".join(lines) + "\n"


def files() -> str:
    """Every file of the package with the first line of its docstring, room by room."""
    lines: list[str] = []
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        name = folder.relative_to(PACKAGE.parent).as_posix()
        lines += ["", f"**{name}** – {_purpose(folder)}", ""]
        found = (path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py")
        lines += [f"- `{path.name}`: {_purpose(path)}" for path in found]
    return "\n".join(lines[1:]) + "\n"


GENERATED: dict[str, Callable[[], str]] = {
    made.__name__: made for made in (result_fields, statistics_tables, statistics_columns, outlets, rooms, files)
}


def pages() -> Iterator[tuple[Path, str]]:
    """Each page that has markers, and what it should say."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if BLOCK.search(text):
            yield path, BLOCK.sub(lambda block: block[1] + GENERATED[block[2]]() + block[3], text)


def _fields(record: type) -> Iterator[str]:
    yield f"### {record.__name__}\n\n{_unwrapped(record.__doc__ or '')}\n\n| field | type | what it is |\n|---|---|---|"
    for name, field in record.model_fields.items():  # type: ignore[attr-defined]
        meaning = field.description or f"a `{field.annotation.__name__}`, see below"
        yield f"| `{field.alias or name}` | {_type(field.annotation)} | {meaning} |"
    yield ""


def _type(annotation: object) -> str:
    """A type as a reader of JSON calls it."""
    names = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    parts = [part for part in get_args(annotation) if part is not type(None)]
    nullable = " or null" if type(None) in get_args(annotation) else ""
    kind = parts[0] if nullable and len(parts) == 1 else annotation
    if all(isinstance(part, str) for part in get_args(kind)) and get_args(kind):
        return "text" + nullable
    return names.get(kind, "mapping") + nullable  # type: ignore[call-overload]


def _purpose(path: Path) -> str:
    """The first paragraph of a module's docstring; of a folder, of its __init__.py."""
    if path.is_dir():
        path = path / "__init__.py"
    elif not path.exists():
        path = path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return _unwrapped(text).rstrip(".:")


def _unwrapped(docstring: str) -> str:
    return " ".join(docstring.split("\n\n")[0].split())


if __name__ == "__main__":
    sys.path.insert(0, str(PACKAGE.parent))
    for page, wanted in pages():
        page.write_text(wanted, encoding="utf-8")
