"""LaTeX: a report that compiles as it is, with a separate file for each table and figure."""

import itertools
import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.language import LANGUAGES, language_of
from bakeoff.report.document import (
    Block,
    Column,
    Curves,
    Details,
    Document,
    Figure,
    Items,
    Paragraph,
    Section,
    Table,
    blocks_of,
)
from bakeoff.report.templating import environment

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # else an optional argument of what precedes it
    "]": "{]}",
    "-": "-{}",  # no ligature: -- stays two hyphens
    "/": r"/\allowbreak{}",  # in names of runs
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "·": r"\textperiodcentered{}",
    "∞": r"\ensuremath{\infty}",
    "≈": r"\ensuremath{\approx}",
    "▲": r"\ensuremath{\blacktriangle}",
    "△": r"\ensuremath{\vartriangle}",
    "▼": r"\ensuremath{\blacktriangledown}",
    "▽": r"\ensuremath{\triangledown}",
    "\u2002": r"\enspace{}",
    "\u00a0": "~",
    "\u200b": r"\allowbreak{}",
}
WITHIN_A_LONG_NAME = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where RandomHorizontalFlip may break
LAST_OF_TEXT = 0xFFFF  # what follows are mostly pictograms
LAST_SIGN = "\u2190"  # signs up to here, like © and №, are no pictograms
JOINERS = "\u200d\ufe0e\ufe0f"  # between pictograms drawn as one
WIDTH_OF_A_HEAD = 11  # letters in a line of a numeric column's title
LETTERS_OF_TEXT = 24  # in a column of text before it wraps
LETTERS_OF_A_LINE = 115  # across a page, in the small letters of tables
LETTERS_SQUEEZED = 135  # across a page, in letters a seventh smaller
LETTERS_OF_A_LONG_LINE = 165  # across a landscape page
ROWS_OF_A_PAGE = 30  # in a table before it breaks over pages
WRAPPED_ROWS_OF_A_PAGE = 10  # the same, for rows of several lines
MORE = "more-numbers"  # the anchor of the appendix to the sections
VENUES = {"thesis": "report", "paper": "paper"}  # venue → name of its file
TAGS = {
    **{"block_start_string": "<%", "block_end_string": "%>", "comment_start_string": "<#", "comment_end_string": "#>"},
    **{"variable_start_string": "<<", "variable_end_string": ">>"},
}  # which do not clash with LaTeX


def latex(document: Document) -> dict[str, str]:
    """Path → text of every file: `report.tex` for a thesis, the tables and figures that it includes, and `paper.tex`, a
    page in two columns."""
    names, say = file_names(document), language_of(document.language).say
    templates = environment(
        {"tex": escape_latex, "file": names.__getitem__, "listing": _listing, "fit": _fit, "printed": _printed},
        **TAGS,
        keep_trailing_newline=True,
    )
    templates.globals["in_the_appendix"] = say("In the appendix:")
    blocks = list(blocks_of(document))
    answer = [block for block in document.summary.blocks if isinstance(block, Items) or _is_said(block)]
    parts = {
        "document": document,
        "babel": LANGUAGES[document.language],
        "answer": answer,
        "evidence": [block for block in document.summary.blocks if block not in answer],
        "a_figure": next((names[block.path] for block in blocks if isinstance(block, Figure)), None),
        "appendix": [Section(say("More numbers"), MORE, _folded(document)), *map(_unfolded, document.appendix)],
    }
    whole = templates.get_template("report.tex.j2")
    files = {f"{name}.tex": whole.render(parts, venue=venue) for venue, name in VENUES.items()}
    for block in blocks:
        if isinstance(block, Table):
            files[f"tables/{names[block.name]}.tex"] = templates.get_template("table.tex.j2").render(table=block)
        elif isinstance(block, Figure):
            files[f"figures/{names[block.path]}.tex"] = templates.get_template("figure.tex.j2").render(figure=block)
    return files


def _is_said(block: Block) -> bool:
    """Whether a block of the summary belongs into the abstract, rather than below it."""
    return isinstance(block, Paragraph) and block.role != "note"


def _folded(document: Document) -> list[Section]:
    """What a page folds in its sections, for the appendix."""
    return [
        Section(f"{section.title}: {block.title}", block.anchor, block.blocks)
        for section in (document.summary, *document.sections)
        for block in _printed(blocks_of(section))
    ]


def _printed(blocks: Iterable[Block]) -> list[Details]:
    """The folded blocks among some that have something for paper."""
    folded = (block for block in blocks if isinstance(block, Details))
    return [part for part in folded if not all(isinstance(block, Curves) for block in part.blocks)]


def _unfolded(section: Section) -> Section:
    parts = (
        Section(part.title, part.anchor, part.blocks) if isinstance(part, Details) else part for part in section.blocks
    )
    return Section(section.title, section.anchor, list(parts))


def escape_latex(text: str) -> str:
    """Text that LaTeX shows unchanged, also in moving arguments; a pictogram is replaced by its name."""
    spaced = " ".join(re.split(r"[ \n\t]+", text.strip()))
    breakable = re.sub(r"\w{14,}", lambda word: WITHIN_A_LONG_NAME.sub("\u200b", word[0]), spaced)
    return "".join(SPECIAL.get(character) or _spelled_out(character) for character in breakable)


def _spelled_out(character: str) -> str:
    """The character, or a pictogram's name in brackets: text fonts lack pictograms, and LaTeX would drop them."""
    is_symbol = unicodedata.category(character) == "So" and character > LAST_SIGN
    if is_symbol or ord(character) > LAST_OF_TEXT:
        return "{[}" + unicodedata.name(character, f"U+{ord(character):X}").lower() + "{]}"
    return "" if character in JOINERS else character


def file_names(document: Document) -> dict[str, str]:
    """Name of a table, path of a figure, anchor of a section → a file name that LaTeX accepts, of that one alone.

    LaTeX would take a dot for the start of the suffix. Where two names become one, as `a.b` and `a-b` do, that which
    needs no change keeps it, and others get a number.
    """
    kinds = {Table: "name", Figure: "path", Section: "anchor", Details: "anchor"}
    blocks = ((block, kinds.get(type(block))) for block in blocks_of(document))
    found = dict.fromkeys([*(getattr(block, kind) for block, kind in blocks if kind), MORE])
    accepted = {name: re.sub(r"[^A-Za-z0-9_-]", "-", name) for name in found}
    owners: dict[str, str] = {}
    for name in sorted(found, key=lambda name: accepted[name] != name):
        numbered = (f"{accepted[name]}-{number}" for number in itertools.count(2))
        owners[next(free for free in itertools.chain([accepted[name]], numbered) if free not in owners)] = name
    return {name: given for given, name in owners.items()}


@dataclass(frozen=True)
class Fit:
    """How a table fits its page.

    A `wide` one needs a landscape page, even with wrapped text or smaller letters. The text of one that `wraps` takes
    several lines. A `long` one breaks over pages; if it is `squeezed`, it then fits the width only in smaller letters.
    `columns` are "number", "text" or "long", which wraps; `heads` are their titles.
    """

    wide: bool
    wraps: bool
    long: bool
    squeezed: bool
    columns: Sequence[str]
    heads: Sequence[str]


def _fit(table: Table) -> Fit:
    letters = _letters(table)
    wide = letters > LETTERS_SQUEEZED and _letters(table, LETTERS_OF_TEXT) > LETTERS_OF_A_LINE
    wraps = letters > (LETTERS_OF_A_LONG_LINE if wide else LETTERS_SQUEEZED)
    longest = [_longest(table, place) for place in range(len(table.columns))]
    kinds = [
        "number" if column.numeric else "long" if wraps and width > LETTERS_OF_TEXT else "text"
        for column, width in zip(table.columns, longest, strict=True)
    ]
    return Fit(
        wide=wide,
        wraps=wraps,
        long=len(table.rows) > (WRAPPED_ROWS_OF_A_PAGE if wraps else ROWS_OF_A_PAGE),
        squeezed=letters > LETTERS_OF_A_LINE and not wide and not wraps,
        columns=kinds,
        heads=[_head(column, width) for column, width in zip(table.columns, longest, strict=True)],
    )


def _longest(table: Table, place: int) -> int:
    """Letters of the longest cell of a column, without its title."""
    return max((len(row[place].text) for row in table.rows), default=0)


def _head(column: Column[Any], width: int) -> str:
    """A column's title; above numbers in short lines, since those columns are narrow."""
    if not column.numeric:
        return escape_latex(column.title)
    return r"\makecell[br]{" + r"\\".join(map(escape_latex, _lines(column.title, width))) + "}"


def _letters(table: Table, most: float = math.inf) -> float:
    """A table's width in letters, where columns of text take `most` at most. Numbers do not wrap."""
    letters: float = 2 * len(table.columns)
    for place, column in enumerate(table.columns):
        longest = _longest(table, place)
        if column.numeric:
            letters += max(longest, *map(len, _lines(column.title, longest)))
        else:
            letters += min(max(longest, len(column.title)), most)
    return letters


def _lines(title: str, width: int) -> list[str]:
    """A title in lines as wide as the numbers below it, if those are wide."""
    wide = max(width, WIDTH_OF_A_HEAD)
    return textwrap.wrap(title, wide, break_long_words=False, break_on_hyphens=False) or [""]


def _listing(text: str) -> str:
    """The lines of a code block. Only its own end tag ends fancyvrb's environment, and a study may contain it."""
    return text.rstrip().replace("\\end{Verbatim}", "\\end {Verbatim}")
