"""A font that a PDF embeds quickly."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import subset
from matplotlib.font_manager import FontProperties, findfont, fontManager

SHIPPED = "DejaVu Sans"  # with Matplotlib; it has what the short one lacks
SHORT = "DejaVu Sans, short"
FAMILIES = [SHORT, SHIPPED]
# Latin, Greek, Cyrillic, punctuation, arrows, mathematical signs and shapes.
BLOCKS = ((0x20, 0x24F), (0x370, 0x52F), (0x2000, 0x22FF), (0x25A0, 0x25FF))
FAMILY_NAMES = (1, 16)  # of a font's table "name"


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
