"""Fonts that a PDF embeds quickly."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont, fontManager

SHIPPED = "DejaVu Sans"  # with Matplotlib
FAMILY = "DejaVu Sans without layout tables"
# They are for Arabic ligatures and formulas, which no figure has, and take four fifths of the time of a PDF's fonts.
LAYOUT_TABLES = ("GSUB", "GPOS", "GDEF", "MATH", "FFTM")
FAMILY_NAMES = (1, 16)  # of the table "name"


@contextmanager
def quick_fonts() -> Iterator[str]:
    """The family of copies of Matplotlib's own font, known to it inside a `with` block."""
    known = list(fontManager.ttflist)
    with TemporaryDirectory(prefix="bakeoff-fonts-") as folder:
        try:
            for weight in ("normal", "bold"):
                path = Path(folder, f"{weight}.ttf")
                _copy(findfont(FontProperties(family=SHIPPED, weight=weight)), path)
                fontManager.addfont(path)
            yield FAMILY
        finally:
            fontManager.ttflist[:] = known


def _copy(font_file: str, path: Path) -> None:
    with TTFont(font_file, recalcTimestamp=False) as font:
        for table in LAYOUT_TABLES:
            if table in font:
                del font[table]
        for name in font["name"].names:
            if name.nameID in FAMILY_NAMES:
                name.string = FAMILY
        font.save(path)
