"""How figures look (colours, markers, fonts) and how they are saved."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import style
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from bakeoff.analysis.labels import varying_facets
from bakeoff.figures.fonts import SHIPPED, SHORT, short_font
from bakeoff.files import write_atomically
from bakeoff.study.matrix import FACETS, Experiment

INK = "#262626"
MUTED = "#6b6b6b"
BAND = "#eef3fa"  # behind rows that belong together
# Found by search: far from one another for readers with any colour vision, and in contrast with white and, inverted,
# with a dark page. tests/figures/test_colors.py says how far.
PALETTE = ("#0058b5", "#d97708", "#2f9e64", "#9b1b5c", "#8d69f2", "#6b4a35", "#8a8a8a", "#329ae0")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
# A dot for the score of one seed, and a diamond for a mean.
SEED: dict[str, Any] = {"marker": "o", "markersize": 3, "markeredgewidth": 0, "alpha": 0.6, "linestyle": "none"}
DIAMOND: dict[str, Any] = {"marker": "D", "markersize": 5, "markeredgecolor": INK, "markeredgewidth": 0.8}
LETTERS_OF_A_NAME = 28
LETTERS_OF_A_LABEL = 42
DARK = 0.2  # luminance, below which white letters contrast more
SHORTEST_NAME = 8  # to which a name of a label is squeezed
BETWEEN = " · "  # the names of a label
IMAGE_DPI = 144  # of pictures within a figure
WIDTH = 7.4  # inches; text of 9 points then matches the page's


@dataclass(frozen=True)
class Style:
    """How an experiment is drawn wherever it appears."""

    color: Any
    marker: str
    dash: Any

    @property
    def point(self) -> dict[str, Any]:
        """Matplotlib's options for a lone point."""
        return {"color": self.color, "marker": self.marker, "linestyle": "none"}


@contextmanager
def theme(families: Sequence[str] = (SHORT, SHIPPED), *, pdf: bool = False) -> Iterator[None]:
    """Seaborn's look inside a `with` block; text stays text, in the font that ships with Matplotlib and, for letters
    that it lacks, in the next of the `families`. The short copy of that font is made for PDF files alone."""
    if not pdf:
        families = [SHIPPED, *(family for family in families if family not in (SHORT, SHIPPED))]
    own: dict[Any, Any] = {
        "svg.hashsalt": "bakeoff",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,  # outlines that journals accept
        "font.family": list(families),
        "text.parse_math": False,  # a class may be called $x$
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titley": 1.0,  # no ticks are above: looking for them at each drawing takes a fifth of the time
        "legend.fontsize": 8.5,
        "legend.frameon": True,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.edgecolor": "#cccccc",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": "#e3e3e3",
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.8,
        "patch.edgecolor": "white",
        "patch.force_edgecolor": True,
        "patch.linewidth": 0.8,
        "figure.dpi": 72,
    }
    fonts = short_font() if pdf else nullcontext()
    with fonts, style.context(["seaborn-v0_8-whitegrid", own]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the report says it, once
        yield


def save(figure: Figure, path: Path, *, pdf: bool = False) -> Path:
    """Write a figure as SVG, for screens, and if wanted beside it as PDF, for LaTeX, which takes as long again."""
    engine = figure.get_layout_engine()
    if engine is not None:  # once: `savefig` would draw the whole figure to lay it out, for each of the two files
        engine.execute(figure)
        figure.set_layout_engine("none")
    path.with_suffix(".pdf").unlink(missing_ok=True)
    # In memory first: on a full disk Matplotlib fails once more when it closes its PDF file, and hides the reason.
    pages, text = BytesIO(), StringIO()
    if pdf:
        figure.dpi = IMAGE_DPI
        FigureCanvasPdf(figure).print_pdf(pages, metadata=dict.fromkeys(("CreationDate", "Creator", "Producer")))  # type: ignore[no-untyped-call]
        with write_atomically(path.with_suffix(".pdf"), durable=False) as temporary:
            temporary.write_bytes(pages.getvalue())
    figure.dpi = IMAGE_DPI
    FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))  # type: ignore[no-untyped-call]
    # The reader's machine may lack the font used for measuring; Verdana is as wide.
    svg = re.sub(rf"'(?:{SHORT}|{SHIPPED})'[^;\"]*", f"'{SHIPPED}', Verdana, sans-serif", text.getvalue())
    # Six decimals of a point make up a third of the file, and nobody can see them.
    svg = re.sub(r' (?:d|x|y)="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    with write_atomically(path, durable=False) as temporary:
        temporary.write_text(svg, encoding="utf-8")
    return path


def ink_on(color: Any) -> str:
    """The colour of text that contrasts most with a cell of this colour."""
    red, green, blue = (((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color))
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < DARK else INK


def shortened(name: str) -> str:
    """A class's name, cut so that it leaves room for the figure."""
    return name if len(name) <= LETTERS_OF_A_NAME else f"{name[: LETTERS_OF_A_NAME - 1]}…"


def squeezed(label: str, letters: int = LETTERS_OF_A_LABEL) -> str:
    """An experiment's label with the middle of its longest names left out: their ends tell experiments apart."""
    names = label.split(BETWEEN)
    while len(BETWEEN.join(names)) > letters and max(map(len, names)) > SHORTEST_NAME:
        longest = max(range(len(names)), key=lambda place: len(names[place]))
        name = names[longest].replace("…", "")
        half = (min(len(name), len(names[longest]) - 1) - 1) // 2
        names[longest] = f"{name[:half]}…{name[-half:]}"
    return BETWEEN.join(names)


def cells_of(table: pd.DataFrame) -> list[Experiment]:
    return [Experiment(*row) for row in table[list(FACETS)].itertuples(index=False)]


def styles_of(cells: Sequence[Experiment]) -> dict[Experiment, Style]:
    """Colour is the first facet that varies (architecture before optimizer and recipe), marker and dash the others."""
    first, rest = split_facets(cells)
    colors = list(dict.fromkeys(getattr(cell, first) for cell in cells))
    shapes = list(dict.fromkeys(rest_of(cell, rest) for cell in cells))
    styles = {}
    for cell in cells:
        color = colors.index(getattr(cell, first))
        # After the last colour the palette starts again with other markers and dashes.
        shape = shapes.index(rest_of(cell, rest)) + color // len(PALETTE) * len(shapes)
        styles[cell] = Style(PALETTE[color % len(PALETTE)], MARKERS[shape % len(MARKERS)], DASHES[shape % len(DASHES)])
    return styles


def line_styles() -> Iterator[tuple[str, Any]]:
    """Colours and dashes that tell lines apart: every colour with the first dash, then with the next, without end."""
    return ((color, dash) for dash in cycle(DASHES) for color in PALETTE)


def split_facets(cells: Sequence[Experiment]) -> tuple[str, list[str]]:
    """The first facet that varies, datasets aside, and the others that do."""
    varying = [facet for facet in varying_facets(cells) if facet != "dataset"]
    return (varying[0], varying[1:]) if varying else ("architecture", [])


def rest_of(cell: Experiment, rest: list[str]) -> tuple[str, ...]:
    return tuple(getattr(cell, facet) for facet in rest)
