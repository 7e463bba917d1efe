"""LaTeX: a report that compiles as it is, with a separate file for each table and figure."""

import re
import textwrap
import unicodedata
from typing import Any

import jinja2

from bakeoff.report.document import Column, Document, Figure, Section, Table, blocks_of
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
SECTIONS_OF_CONTENTS = 60  # in a table of contents with all levels
LANGUAGES = {"en": "english", "ru": "russian"}


def latex(document: Document) -> dict[str, str]:
    """Path → text of every file: `report.tex`, and the tables and figures that it includes."""
    templates = _environment()
    files = {"report.tex": templates.get_template("report.tex.j2").render(document=document, languages=LANGUAGES)}
    for block in blocks_of(document):
        if isinstance(block, Table):
            files[f"tables/{file_name(block.name)}.tex"] = templates.get_template("table.tex.j2").render(table=block)
        elif isinstance(block, Figure):
            files[f"figures/{file_name(block.path)}.tex"] = templates.get_template("figure.tex.j2").render(figure=block)
    return files


def escape_latex(text: str) -> str:
    """Text that LaTeX shows unchanged, also in moving arguments; a pictogram is replaced by its name."""
    spaced = " ".join(re.split(r"[ \n\t]+", text.strip()))
    breakable = re.sub(r"\w{14,}", lambda word: WITHIN_A_LONG_NAME.sub("\u200b", word[0]), spaced)
    return "".join(SPECIAL.get(character) or _spelled_out(character) for character in breakable)


def _spelled_out(character: str) -> str:
    """The character, or a pictogram's name in brackets: text fonts lack pictograms, and LaTeX would drop them."""
    if _is_pictogram(character):
        return "{[}" + unicodedata.name(character, f"U+{ord(character):X}").lower() + "{]}"
    return "" if character in JOINERS else character


def file_name(path: str) -> str:
    """A file name that LaTeX accepts: it would take a dot for the start of the suffix."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", path)


def _environment() -> jinja2.Environment:
    """Jinja2 with tags that do not clash with LaTeX; templates escape text by the filter `tex`."""
    made = environment(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
    )
    made.filters |= {"tex": escape_latex, "file": file_name, "listing": _listing, "head": _head, "wraps": _wraps}
    made.filters |= {"is_large": _is_large, "is_wide": _is_wide, "is_long": _is_long, "is_squeezed": _is_squeezed}
    return made


def _head(column: Column[Any]) -> str:
    """A column's title; above numbers in short lines, since those columns are narrow."""
    if not column.numeric:
        return escape_latex(column.title)
    return r"\makecell[br]{" + r"\\".join(map(escape_latex, _lines(column.title))) + "}"


def _is_large(document: Document) -> bool:
    """Whether the table of contents would take more than a page or two."""
    return sum(isinstance(block, Section) for block in blocks_of(document)) > SECTIONS_OF_CONTENTS


def _is_wide(table: Table) -> bool:
    """Whether a table needs a landscape page, even with wrapped text or smaller letters."""
    return _letters(table, LETTERS_OF_TEXT) > LETTERS_OF_A_LINE and _letters(table) > LETTERS_SQUEEZED


def _wraps(table: Table) -> bool:
    """Whether the text of a table has to wrap."""
    return _letters(table) > (LETTERS_OF_A_LONG_LINE if _is_wide(table) else LETTERS_SQUEEZED)


def _is_squeezed(table: Table) -> bool:
    """Whether a table that breaks over pages fits the page's width only with smaller letters."""
    return not _wraps(table) and not _is_wide(table) and _letters(table) > LETTERS_OF_A_LINE


def _is_long(table: Table) -> bool:
    """Whether a table has to break over pages."""
    return len(table.rows) > (WRAPPED_ROWS_OF_A_PAGE if _wraps(table) else ROWS_OF_A_PAGE)


def _letters(table: Table, most: int | None = None) -> int:
    """A table's width in letters, where columns of text take `most` at most. Numbers do not wrap."""
    letters = 2 * len(table.columns)
    for index, column in enumerate(table.columns):
        longest = max((len(row[index].text) for row in table.rows), default=0)
        if column.numeric:
            letters += max(longest, *map(len, _lines(column.title)))
        else:
            text = max(longest, len(column.title))
            letters += text if most is None else min(text, most)
    return letters


def _lines(title: str) -> list[str]:
    return textwrap.wrap(title, WIDTH_OF_A_HEAD, break_long_words=False, break_on_hyphens=False) or [""]


def _listing(text: str) -> str:
    """The lines of a code block. Only its own end tag ends fancyvrb's environment, and a study may contain it."""
    return text.rstrip().replace("\\end{Verbatim}", "\\end {Verbatim}")


def _is_pictogram(character: str) -> bool:
    """Whether a character is a picture, which text fonts lack."""
    return ord(character) > LAST_OF_TEXT or (unicodedata.category(character) == "So" and character > LAST_SIGN)
