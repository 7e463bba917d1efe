"""What a report consists of, whatever its format: sections of paragraphs, tables, figures and code.

Text is plain text. Each format escapes it and decides how a block looks.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

R = TypeVar("R")  # what one row of a table is made from


@dataclass(frozen=True)
class Paragraph:
    """A `summary` stands out, a `note` stands back, a `warning` calls for care."""

    text: str
    role: Literal["text", "summary", "note", "warning"] = "text"


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and their values."""

    pairs: Sequence[tuple[str, str]]


Tone = Literal["", "better", "maybe_better", "open", "maybe_worse", "worse"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    The column sorts by `value`, if there is one; `link` is an anchor. A `tone` colours what the text says anyway.
    `note` is a sentence that a page shows on demand. `files` are names and addresses, relative to the report's page.
    """

    text: str
    bold: bool = False
    value: float | None = None
    link: str | None = None
    tone: Tone = ""
    note: str = ""
    files: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Column(Generic[R]):
    """A column of a table: its title, the function that makes its cell from a row, and whether it shows numbers."""

    title: str
    cell: Callable[[R], Cell]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """`name` is also the name of the table's own file, for use in other documents. `key` explains marks."""

    name: str
    caption: str
    columns: Sequence[Column[Any]]
    rows: Sequence[Sequence[Cell]]
    key: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawn figure: `path` is below the figures folder, without suffix."""

    path: str
    caption: str


@dataclass(frozen=True)
class Curve:
    """One experiment's mean, lowest and highest value over seeds at each epoch; a `ticked` curve is shown at first."""

    label: str
    ticked: bool
    epochs: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Curves:
    """Learning curves for the reader to overlay; formats without check boxes leave them out."""

    title: str
    axis: str
    percent: bool
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Confusion:
    """One experiment's confusion matrix without its empty cells: (true class, predicted class, share of the true)."""

    label: str
    cells: Sequence[tuple[int, int, float]]


@dataclass(frozen=True)
class Confusions:
    """The confusion matrices of all experiments, for the reader to choose from; other formats show `figure` alone."""

    title: str
    figure: Figure
    chosen: str
    classes: Sequence[str]
    matrices: Sequence[Confusion]


@dataclass(frozen=True)
class Code:
    """A listing; `language` is its name for syntax highlighting."""

    text: str
    language: str


@dataclass(frozen=True)
class Details:
    """What only some readers want: folded where the format allows, in the appendix of what is printed.

    `anchor` is unique in a document. A page leaves out what is `on_hover`: it shows the same sentences over a table.
    """

    title: str
    anchor: str
    blocks: "Sequence[Block]"
    open: bool = False
    on_hover: bool = False


@dataclass(frozen=True)
class Section:
    """`anchor` is unique in a document."""

    title: str
    anchor: str
    blocks: "Sequence[Block]"


Block = Paragraph | Items | Facts | Table | Figure | Curves | Confusions | Code | Details | Section


@dataclass(frozen=True)
class Document:
    """A whole report: the question, the answer, what it rests on, and an appendix for those who look things up."""

    language: str
    title: str
    introduction: Sequence[Block]
    summary: Section
    sections: Sequence[Section]
    appendix: Sequence[Section]

    @property
    def parts(self) -> Sequence[Section]:
        """All sections, the summary first."""
        return [self.summary, *self.sections, *self.appendix]

    @property
    def blocks(self) -> "Sequence[Block]":
        """What stands below the title."""
        return [*self.introduction, *self.parts]


def tabulate(name: str, caption: str, columns: Sequence[Column[R]], rows: Iterable[R], key: str = "") -> Table:
    """A table with these columns and a line for each of `rows`."""
    return Table(name, caption, columns, [[column.cell(row) for column in columns] for row in rows], key)


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs of a text, which blank lines separate."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    return [Paragraph(part) for part in parts if part]


def blocks_of(parent: Document | Section | Details) -> Iterator[Block]:
    """Every block of a document in reading order, including those inside sections and details."""
    for block in parent.blocks:
        yield block
        if isinstance(block, Section | Details):
            yield from blocks_of(block)
        elif isinstance(block, Confusions):
            yield block.figure
