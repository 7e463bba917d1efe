"""The language of figures and reports: words from gettext catalogues, numbers as Babel writes them.

The code holds the messages in English; `languages/<code>.po` translates them.
"""

import gettext
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError

LANGUAGES = {"en": "english", "ru": "russian"}  # code → its name in LaTeX's babel
UNBROKEN = re.compile(r"(?<=\d) (?=%)|(?<=\b[pF²]) (?==)|(?<=[pF²][ \u00a0]=) |(?<=\bп\.) (?=п\.)")
CATALOGUES = Path(__file__).parent / "languages"


def mark(message: str) -> str:
    """Mark a message for the catalogues that is translated elsewhere."""
    return message


def capitalized(text: str) -> str:
    """The text with its first letter in upper case; capitalize() would change the rest, too."""
    return text[:1].upper() + text[1:]


def unbroken(text: str) -> str:
    """The text with spaces that keep a number, its sign and its unit on one line: `95 %`, `p = 0.03`, `п. п.`"""
    return UNBROKEN.sub("\u00a0", text)


HUGE = 1e15  # as a loss may be that is about to diverge: 30 digits say less than a power of ten


@dataclass(frozen=True)
class Language:
    """A language that reports are written in; made by `language_of`."""

    code: str

    def say(self, message: str, /, **values: Any) -> str:
        """The message in this language, with its values filled in: `say("Mean of {what}", what="loss")`."""
        found = _catalogue(self.code).gettext(message)
        return unbroken(found.format(**values) if values else found)

    def count(self, one: str, many: str, number: int, /, **values: Any) -> str:
        """The message in the plural form of a number, which is `{n}` in the message."""
        found = _catalogue(self.code).ngettext(one, many, number)
        return unbroken(found.format(n=self.whole(number), **values))

    def number(self, value: float, digits: int) -> str:
        """A number with so many decimals and separated thousands."""
        return self._formatted(value, f"#,##0.{'0' * digits}" if digits else "#,##0")

    def whole(self, value: float) -> str:
        """A whole number with separated thousands."""
        return self.number(value, 0)

    def significant(self, value: float, digits: int = 3, padded: bool = False) -> str:
        """A number with at most so many significant digits, or exactly so many when `padded`."""
        return self._formatted(value, "@" + ("@" if padded else "#") * (digits - 1)) if value else "0"

    def enumeration(self, items: Sequence[str]) -> str:
        """Items as part of a sentence: `a, b, and c`."""
        from babel.lists import format_list

        return format_list(items, style="standard", locale=self.code)

    def _formatted(self, value: float, pattern: str) -> str:
        from babel.numbers import format_decimal, format_scientific

        if not math.isfinite(value):
            return "∞" if value > 0 else "−∞"
        if abs(value) >= HUGE:
            return format_scientific(value, "0.##E0", locale=self.code).replace("-", "−")
        return format_decimal(value, pattern, locale=self.code).replace("-", "−")


def language_of(code: str) -> Language:
    """The language with this code. Raises BakeoffError when it is unsupported."""
    if code not in LANGUAGES:
        raise BakeoffError(f"unsupported language {code!r}; choose {' or '.join(LANGUAGES)}")
    return Language(code)


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    """The messages of a language; English needs no catalogue."""
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
