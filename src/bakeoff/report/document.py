"""What a report is made of, in every format alike: sections of paragraphs, tables, figures and code.

Text is plain text. Each format escapes it, and decides how a block looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Paragraph:
    """`summary` stands out; `note` stands back; `warning` asks for care."""

    kind: ClassVar[str] = "paragraph"
    text: str
    role: Literal["text", "summary", "note", "warning"] = "text"


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    texts: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """One field of a table. `value`, where there is one, is what the column sorts by; `link` an anchor."""

    text: str
    bold: bool = False
    value: float | None = None
    link: str | None = None


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """`name` is that of its own file, for those who take it into another text. `key` says what marks mean."""

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    key: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawn figure: `path` below the figures folder, without its ending."""

    kind: ClassVar[str] = "figure"
    path: str
    caption: str


@dataclass(frozen=True)
class Curve:
    """Epochs and their mean, least and highest value over seeds, of one experiment; `ticked`: drawn at first."""

    label: str
    ticked: bool
    epochs: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class CurveChooser:
    """Learning curves to be laid over each other by the reader; where nothing can be ticked, it is left out."""

    kind: ClassVar[str] = "curves"
    title: str
    axis: str
    percent: bool
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Code:
    kind: ClassVar[str] = "code"
    text: str
    language: str


@dataclass(frozen=True)
class Details:
    """What only some readers want: folded where a format can."""

    kind: ClassVar[str] = "details"
    title: str
    blocks: "Sequence[Block]"
    open: bool = False


@dataclass(frozen=True)
class Section:
    """`anchor` is unique in a document."""

    kind: ClassVar[str] = "section"
    title: str
    anchor: str
    blocks: "Sequence[Block]"


Block = Paragraph | Items | Facts | Table | Figure | CurveChooser | Code | Details | Section


@dataclass(frozen=True)
class Document:
    """A whole report."""

    language: str
    title: str
    introduction: Sequence[Block]
    sections: Sequence[Section]
    contents_title: str


def blocks_of(document: Document) -> "Sequence[Block]":
    """Every block of a document, sections and details opened, in reading order."""

    def walk(blocks: Sequence[Block]) -> "list[Block]":
        found: list[Block] = []
        for block in blocks:
            found.append(block)
            if isinstance(block, Section | Details):
                found += walk(block.blocks)
        return found

    return walk([*document.introduction, *document.sections])
