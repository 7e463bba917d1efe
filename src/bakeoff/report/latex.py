"""LaTeX: a report that compiles as it is, with a separate file for each table and figure."""

import itertools
import math
import re
import textwrap
import unicodedata
from typing import Any

from bakeoff.language import LANGUAGES
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
SECTIONS_OF_CONTENTS = 60  # in a table of contents with all levels, which then takes a page or two
TAGS = {
    **{"block_start_string": "<%", "block_end_string": "%>", "comment_start_string": "<#", "comment_end_string": "#>"},
    **{"variable_start_string": "<<", "variable_end_string": ">>"},
}  # which do not clash with LaTeX


def latex(document: Document) -> dict[str, str]:
    """Path → text of every file: `report.tex`, and the tables and figures that it includes."""
    names = file_names(document)
    templates = environment(
        {"tex": escape_latex, "file": names.__getitem__, "listing": _listing, "head": _head, "fit": _fit},
        **TAGS,
        keep_trailing_newline=True,
    )
    blocks = list(blocks_of(document))
    is_large = sum(isinstance(block, Section) for block in blocks) > SECTIONS_OF_CONTENTS
    whole = templates.get_template("report.tex.j2")
    files = {"report.tex": whole.render(document=document, babel=LANGUAGES[document.language], is_large=is_large)}
    for block in blocks:
        if isinstance(block, Table):
            files[f"tables/{names[block.name]}.tex"] = templates.get_template("table.tex.j2").render(table=block)
        elif isinstance(block, Figure):
            files[f"figures/{names[block.path]}.tex"] = templates.get_template("figure.tex.j2").render(figure=block)
    return files


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
    kinds = {Table: "name", Figure: "path", Section: "anchor"}
    blocks = ((block, kinds.get(type(block))) for block in blocks_of(document))
    found = dict.fromkeys(getattr(block, kind) for block, kind in blocks if kind)
    accepted = {name: re.sub(r"[^A-Za-z0-9_-]", "-", name) for name in found}
    owners: dict[str, str] = {}
    for name in sorted(found, key=lambda name: accepted[name] != name):
        numbered = (f"{accepted[name]}-{number}" for number in itertools.count(2))
        owners[next(free for free in itertools.chain([accepted[name]], numbered) if free not in owners)] = name
    return {name: given for given, name in owners.items()}


def _head(column: Column[Any]) -> str:
    """A column's title; above numbers in short lines, since those columns are narrow."""
    if not column.numeric:
        return escape_latex(column.title)
    return r"\makecell[br]{" + r"\\".join(map(escape_latex, _lines(column.title))) + "}"


def _fit(table: Table) -> dict[str, bool]:
    """How a table fits its page.

    A `wide` one needs a landscape page, even with wrapped text or smaller letters. The text of one that `wraps` takes
    several lines. A `long` one breaks over pages; if it is `squeezed`, it then fits the width only in smaller letters.
    """
    letters = _letters(table)
    wide = letters > LETTERS_SQUEEZED and _letters(table, LETTERS_OF_TEXT) > LETTERS_OF_A_LINE
    wraps = letters > (LETTERS_OF_A_LONG_LINE if wide else LETTERS_SQUEEZED)
    long = len(table.rows) > (WRAPPED_ROWS_OF_A_PAGE if wraps else ROWS_OF_A_PAGE)
    squeezed = letters > LETTERS_OF_A_LINE and not wide and not wraps
    return {"wide": wide, "wraps": wraps, "long": long, "squeezed": squeezed}


def _letters(table: Table, most: float = math.inf) -> float:
    """A table's width in letters, where columns of text take `most` at most. Numbers do not wrap."""
    letters: float = 2 * len(table.columns)
    for index, column in enumerate(table.columns):
        longest = max((len(row[index].text) for row in table.rows), default=0)
        if column.numeric:
            letters += max(longest, *map(len, _lines(column.title)))
        else:
            letters += min(max(longest, len(column.title)), most)
    return letters


def _lines(title: str) -> list[str]:
    return textwrap.wrap(title, WIDTH_OF_A_HEAD, break_long_words=False, break_on_hyphens=False) or [""]


def _listing(text: str) -> str:
    """The lines of a code block. Only its own end tag ends fancyvrb's environment, and a study may contain it."""
    return text.rstrip().replace("\\end{Verbatim}", "\\end {Verbatim}")
