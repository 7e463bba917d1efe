"""One self-contained HTML page: figures are inside, and nothing is loaded from anywhere."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from bakeoff.errors import BakeoffError
from bakeoff.language import language_of
from bakeoff.report.document import Column, Confusions, Curves, Document, Figure
from bakeoff.report.templating import TEMPLATES, environment
from bakeoff.results.significant_digits import rounded


def html(document: Document, figures: Path) -> str:
    """A report as one page, with the figures from a folder inside."""
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    def svg(figure: Figure) -> Markup:
        prefix = re.sub(r"[^A-Za-z0-9_-]", "-", figure.path)
        text = (figures / f"{figure.path}.svg").read_text(encoding="utf-8")
        return Markup(inline_svg(text, prefix, figure.caption))

    filters: dict[str, Callable[..., Any]] = {
        "svg": svg,
        "data": _data,
        "digits": _digits,
        "heading": _heading,
        "whole_names": _whole_names,
    }
    templates = environment(filters, autoescape=True)
    templates.globals["say"] = language_of(document.language).say
    template = templates.get_template("report.html.j2")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return template.render(document=document, script=Markup(script), style=Markup(style), checksum=checksum)


def inline_svg(text: str, prefix: str, caption: str) -> str:
    """An SVG file as an element of a page: no prolog, ids made unique by `prefix`, `caption` for screen readers.

    Raises BakeoffError when it is no SVG.
    """
    start = text.find("<svg")
    if start < 0:
        raise BakeoffError(f"figure {prefix}: not an SVG file; draw the figures again")
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", text[start:], flags=re.DOTALL)
    body = re.sub(r'(\sid="|href="#|url\(#)(?=[^")])', rf"\g<1>{prefix}-", body)
    # Matplotlib's style would apply to every element of the page: keep it inside the figure.
    body = body.replace("*{stroke-linejoin", "svg *{stroke-linejoin")
    photos = 'class="photos" ' if "<image" in body else ""
    return body.replace("<svg ", f'<svg {photos}role="img" aria-label="{escape(caption)}" ', 1).strip()


def _whole_names(text: str) -> str:
    """Sentences that do not break a line before the dot of a name: `cnn · adam`."""
    return text.replace(" ·", "\u00a0·")


def _digits(value: float) -> float:
    """A number to sort by: a fraction without the digits that mean nothing."""
    return rounded(value) if isinstance(value, float) else value


def _heading(columns: Sequence[Column[Any]]) -> int:
    """The column whose cells are the headings of their rows: the first with words, or the first."""
    return next((place for place, column in enumerate(columns) if not column.numeric), 0)


def _data(block: Curves | Confusions) -> Markup:
    """What a script draws as JSON for its element, which `</script>` in a name cannot end."""
    text = json.dumps(_curves(block) if isinstance(block, Curves) else _matrices(block), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))


def _curves(block: Curves) -> dict[str, Any]:
    curves = [asdict(curve) for curve in block.curves]
    for curve in curves:
        curve |= {name: [float(f"{rounded(value):.5g}") for value in curve[name]] for name in ("mean", "low", "high")}
    return {"axis": block.axis, "percent": block.percent, "curves": curves}


def _matrices(block: Confusions) -> dict[str, Any]:
    """Cells as (true, predicted, per cent with one decimal)."""
    matrices = {
        matrix.label: [[true, predicted, round(rounded(100 * share), 1)] for true, predicted, share in matrix.cells]
        for matrix in block.matrices
    }
    return {"classes": list(block.classes), "matrices": matrices}
