"""LaTeX: a report that compiles as it stands, and each of its tables and figures as a file of its own."""

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
    "[": "{[}",  # no optional argument of what stands before it
    "]": "{]}",
    "-": "-{}",  # no ligatures: -- stays two hyphens
    "/": r"/\allowbreak{}",  # in names of runs
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "·": r"\textperiodcentered{}",
    "∞": r"\ensuremath{\infty}",
    "\u00a0": "~",
    "\u200b": r"\allowbreak{}",
}
WITHIN_A_LONG_NAME = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where RandomHorizontalFlip may be broken
LAST_OF_TEXT = 0xFFFF  # what comes after it are pictograms, mostly
LAST_SIGN = "\u2190"  # up to it, signs like © and № are no pictograms
JOINERS = "\u200d\ufe0e\ufe0f"  # between pictograms that a font draws as one
WIDTH_OF_A_HEAD = 11  # letters
LETTERS_OF_TEXT = 24  # that a column of text may take before it wraps
LETTERS_OF_A_LINE = 115  # of a table's small letters across a page
LETTERS_SQUEEZED = 135  # into a line, a seventh smaller
LETTERS_OF_A_LONG_LINE = 165  # across a page on its side
ROWS_OF_A_PAGE = 30  # that a table may have before it is broken over pages
WRAPPED_ROWS_OF_A_PAGE = 10  # likewise, of rows of several lines
SECTIONS_OF_CONTENTS = 60  # that a table of contents lists
LANGUAGES = {"en": "english", "ru": "russian"}


def latex(document: Document) -> dict[str, str]:
    """Path → text of every file: `report.tex`, which takes the others in, and one for each table and figure."""
    templates = _environment()
    files = {"report.tex": templates.get_template("report.tex.j2").render(document=document, languages=LANGUAGES)}
    for block in blocks_of(document):
        if isinstance(block, Table):
            files[f"tables/{file_name(block.name)}.tex"] = templates.get_template("table.tex.j2").render(table=block)
        elif isinstance(block, Figure):
            files[f"figures/{file_name(block.path)}.tex"] = templates.get_template("figure.tex.j2").render(figure=block)
    return files


def escape_latex(text: str) -> str:
    """Text that LaTeX shows as it stands, in text and in moving arguments; a pictogram by its name."""
    spaced = " ".join(re.split(r"[ \n\t]+", text.strip()))
    breakable = re.sub(r"\w{14,}", lambda word: WITHIN_A_LONG_NAME.sub("\u200b", word[0]), spaced)
    return "".join(SPECIAL.get(character) or _spelled_out(character) for character in breakable)


def _spelled_out(character: str) -> str:
    """A character of text itself, a pictogram's name in brackets: fonts for text have none, and LaTeX would drop it."""
    if _is_pictogram(character):
        return "{[}" + unicodedata.name(character, f"U+{ord(character):X}").lower() + "{]}"
    return "" if character in JOINERS else character


def file_name(path: str) -> str:
    """A name that LaTeX takes without ado: a dot would look like the start of an ending."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", path)


def _environment() -> jinja2.Environment:
    """Tags that LaTeX does not take for its own; templates escape texts by the filter `tex`."""
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
    """A column's title; over numbers in short lines, as the column is narrow."""
    if not column.numeric:
        return escape_latex(column.title)
    return r"\makecell[br]{" + r"\\".join(map(escape_latex, _lines(column.title))) + "}"


def _is_large(document: Document) -> bool:
    """Whether its table of contents would take more than a page or two."""
    return sum(isinstance(block, Section) for block in blocks_of(document)) > SECTIONS_OF_CONTENTS


def _is_wide(table: Table) -> bool:
    """Whether a table needs a page on its side, even where its text wraps or its letters are smaller."""
    return _letters(table, LETTERS_OF_TEXT) > LETTERS_OF_A_LINE and _letters(table) > LETTERS_SQUEEZED


def _wraps(table: Table) -> bool:
    """Whether the text of a table has to wrap."""
    return _letters(table) > (LETTERS_OF_A_LONG_LINE if _is_wide(table) else LETTERS_SQUEEZED)


def _is_squeezed(table: Table) -> bool:
    """Whether a table that is broken over pages fits a page's width only with smaller letters."""
    return not _wraps(table) and not _is_wide(table) and _letters(table) > LETTERS_OF_A_LINE


def _is_long(table: Table) -> bool:
    """Whether a table has to be broken over pages."""
    return len(table.rows) > (WRAPPED_ROWS_OF_A_PAGE if _wraps(table) else ROWS_OF_A_PAGE)


def _letters(table: Table, most: int | None = None) -> int:
    """How wide a table is, where columns of text take so many letters at most. Numbers do not wrap."""
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
    """The lines of a code block. Fancyvrb ends at its own end alone, which a study may hold."""
    return text.rstrip().replace("\\end{Verbatim}", "\\end {Verbatim}")


def _is_pictogram(character: str) -> bool:
    """Whether a character is a picture, which fonts for text have not."""
    return ord(character) > LAST_OF_TEXT or (unicodedata.category(character) == "So" and character > LAST_SIGN)
