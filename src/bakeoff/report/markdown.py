"""Markdown as GitHub shows it."""

import re

from bakeoff.report.document import Cell, Document, Table
from bakeoff.report.templating import environment


class Verbatim(str):
    """Text that templates show unescaped."""


def markdown(document: Document) -> str:
    """A report as one file, which shows the figures in the folder `figures` beside it."""
    templates = environment(
        {"verbatim": Verbatim, "fenced": _fenced, "table": _table},
        finalize=lambda value: value if isinstance(value, Verbatim) else escape_markdown(str(value)),
        keep_trailing_newline=True,
    )
    return templates.get_template("report.md.j2").render(document=document)


def escape_markdown(text: str) -> str:
    """Text that GitHub shows unchanged: no markup, table cells, mathematics, mentions or lists."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    flat = re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", flat)
    return re.sub(
        r"^([-+=]|\d+(?=[.)](\s|$)))", lambda match: match[0] + "\\" if match[0].isdigit() else "\\" + match[0], flat
    )


def _fenced(text: str, language: str) -> Verbatim:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Verbatim(f"{fence}{language}\n{text.rstrip()}\n{fence}")


def _table(table: Table) -> Verbatim:
    lines = [
        [escape_markdown(column.title) for column in table.columns],
        ["---:" if column.numeric else ":---" for column in table.columns],
        *([_field(cell) for cell in row] for row in table.rows),
    ]
    return Verbatim("\n".join("| " + " | ".join(line) + " |" for line in lines))


def _field(cell: Cell) -> str:
    text = f"**{escape_markdown(cell.text)}**" if cell.bold else escape_markdown(cell.text)
    return f"[{text}](#{cell.link})" if cell.link else text
