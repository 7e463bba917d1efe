"""Fonts: a short one that a PDF embeds quickly, and those of this system for the letters that it lacks."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import subset
from matplotlib.font_manager import FontEntry, FontProperties, findfont, fontManager, get_font

SHIPPED = "DejaVu Sans"  # with Matplotlib; it has what the short one lacks
SHORT = "DejaVu Sans, short"
# What reports say: Latin, Cyrillic, punctuation, arrows, and a few mathematical signs.
BLOCKS = ((0x20, 0x17F), (0x400, 0x45F), (0x2010, 0x2044), (0x2190, 0x2193), (0x2200, 0x2265))
BOXES = "LastResort"  # a font of boxes for all letters there are
FAMILY_NAMES = (1, 16)  # of a font's table "name"


def families_for(letters: Iterable[str]) -> tuple[list[str], str]:
    """The font families that have the letters, our own first; and the letters that no font of this system has."""
    codes = {ord(letter) for letter in letters if letter.isprintable()}
    codes -= {code for first, last in BLOCKS for code in range(first, last + 1)}
    families = [SHORT, SHIPPED] if codes else [SHORT]  # each is looked up for every text
    codes -= _codes(findfont(SHIPPED))
    for font in sorted(fontManager.ttflist, key=_last_comes_what_is_least_like_ours) if codes else ():
        if found := codes & _codes(font.fname):
            families.append(font.name)
            codes -= found
        if not codes:
            break
    return families, "".join(map(chr, sorted(codes)))


def _codes(file: str) -> set[int]:
    return set() if BOXES in file else set(get_font(file).get_charmap())


def _last_comes_what_is_least_like_ours(font: FontEntry) -> tuple[bool, bool, bool, str]:
    """Upright regular sans-serif fonts first, in an order that is the same each time."""
    return font.style != "normal", font.weight not in (400, "normal", "regular"), "Sans" not in font.name, font.name


@contextmanager
def short_font() -> Iterator[None]:
    """Inside this block Matplotlib knows a short copy of its own font.

    A PDF embeds the letters that a figure has, and to find them the whole font is read: 6,000 glyphs and tables for
    Arabic ligatures took most of the time that a figure takes.
    """
    known = list(fontManager.ttflist)
    with TemporaryDirectory(prefix="bakeoff-fonts-") as folder:
        try:
            for weight in ("normal", "bold"):
                path = Path(folder, f"{weight}.ttf")
                _shorten(findfont(FontProperties(family=SHIPPED, weight=weight)), path)
                fontManager.addfont(path)
            yield
        finally:
            fontManager.ttflist[:] = known


def _shorten(font_file: str, path: Path) -> None:
    options = subset.Options(
        layout_features=[], legacy_kern=True, drop_tables=["FFTM", "MATH", "GDEF"],
        glyph_names=True, recommended_glyphs=True, name_IDs=["*"], recalc_timestamp=False,
    )  # fmt: skip
    font = subset.load_font(font_file, options)
    shortened = subset.Subsetter(options)
    shortened.populate(unicodes=[code for first, last in BLOCKS for code in range(first, last + 1)])
    shortened.subset(font)
    for name in font["name"].names:
        if name.nameID in FAMILY_NAMES:
            name.string = SHORT
    subset.save_font(font, path, options)
