"""The language of figures and reports: words from gettext catalogues, numbers as Babel writes them.

Messages are written in English in the code; `languages/<code>.po` holds what they are called elsewhere.
"""

import gettext
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError

LANGUAGES = ("en", "ru")
UNBROKEN = re.compile(r"(?<=\d) (?=%)|(?<=\b[pF²]) (?==)|(?<=[pF²][ \u00a0]=) |(?<=\bп\.) (?=п\.)")
CATALOGUES = Path(__file__).parent / "languages"


def mark(message: str) -> str:
    """A message that is said elsewhere: marks it for the catalogues."""
    return message


def unbroken(text: str) -> str:
    """A number, its sign and its unit stay on one line: `95 %`, `p = 0.03`, `п. п.`"""
    return UNBROKEN.sub("\u00a0", text)


@dataclass(frozen=True)
class Language:
    """One of LANGUAGES; `language_of` makes it."""

    code: str

    def say(self, message: str, /, **values: Any) -> str:
        """A message with its values filled in: `say("Mean of {what}", what="loss")`."""
        found = self._catalogue.gettext(message)
        return unbroken(found.format(**values) if values else found)

    def count(self, one: str, many: str, number: int, /, **values: Any) -> str:
        """A message in the form that a number asks for; it is `{n}` in the message."""
        found = self._catalogue.ngettext(one, many, number)
        return unbroken(found.format(n=self.whole(number), **values))

    def number(self, value: float, digits: int) -> str:
        """A number with so many decimals, and its thousands apart."""
        return self._formatted(value, f"#,##0.{'0' * digits}" if digits else "#,##0")

    def whole(self, value: float) -> str:
        """A whole number with its thousands apart."""
        return self.number(value, 0)

    def significant(self, value: float, digits: int = 3, padded: bool = False) -> str:
        """A number with at most so many significant digits; `padded`: with all of them, as in a column of a table."""
        return self._formatted(value, "@" + ("@" if padded else "#") * (digits - 1)) if value else "0"

    def enumeration(self, items: Sequence[str]) -> str:
        """Items as one part of a sentence: `a, b, and c`."""
        from babel.lists import format_list

        return format_list(items, style="standard", locale=self.code)

    def _formatted(self, value: float, pattern: str) -> str:
        from babel.numbers import format_decimal

        if not math.isfinite(value):
            return "∞" if value > 0 else "−∞"
        return format_decimal(value, pattern, locale=self.code).replace("-", "−")

    @cached_property
    def _catalogue(self) -> gettext.NullTranslations:
        return _catalogue(self.code)


def language_of(code: str) -> Language:
    """The language of a code. Raises BakeoffError when there is no such language."""
    if code not in LANGUAGES:
        raise BakeoffError(f"language {code!r}: no report is written in it; allowed: {', '.join(LANGUAGES)}")
    return Language(code)


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    """The messages of a language; English ones are those of the code itself."""
    path = CATALOGUES / f"{code}.po"
    if not path.exists():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
