"""The table of README.md, made from rows.json, which holds the latest rows of each group."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from timing import THREADS

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str


def record(group: str, rows: list[Row]) -> None:
    """Put the rows of a group in place of its earlier ones, into rows.json and into README.md."""
    path = FOLDER / "rows.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    machine = f"{platform.machine()}, {THREADS} threads, Python {platform.python_version()}"
    known[group] = {"machine": machine, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _write_table(known)


def _write_table(known: dict[str, dict]) -> None:
    lines = ["| group | what | Bakeoff | beside it | ratio | goal |", "|---|---|---|---|---|---|"]
    machines: dict[str, list[str]] = {}
    for group, found in known.items():
        lines += [f"| {' | '.join([group, *row.values()])} |" for row in found["rows"]]
        machines.setdefault(found["machine"], []).append(group)
    lines += ["", *(f"Measured on {machine}: {', '.join(groups)}." for machine, groups in machines.items())]
    write_block(FOLDER / "README.md", "table", lines)


def write_block(page: Path, name: str, lines: list[str]) -> None:
    """Put lines in place of those of a page between `<!-- name -->` and `<!-- end -->`."""
    head, mark, tail = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    rest = tail.partition("<!-- end -->")[2]
    page.write_text(head + mark + "\n".join(lines) + "\n<!-- end -->" + rest, encoding="utf-8")
