"""One self-contained HTML page: figures are inside, and nothing is loaded from anywhere."""

import base64
import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup, escape

from bakeoff.errors import BakeoffError
from bakeoff.language import language_of
from bakeoff.report.document import Curves, Document, Figure
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

    templates = environment({"svg": svg, "data": _data, "digits": _digits}, autoescape=True)
    templates.globals["say"] = language_of(document.language).say
    template = templates.get_template("report.html.j2")
    return template.render(document=document, script=Markup(script), checksum=checksum)


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
    return body.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1).strip()


def _digits(value: float) -> float:
    """A number to sort by: a fraction without the digits that mean nothing."""
    return rounded(value) if isinstance(value, float) else value


def _data(block: Curves) -> Markup:
    """The curves as JSON for a script element, which `</script>` in a name cannot end."""
    curves = [asdict(curve) for curve in block.curves]
    for curve in curves:
        curve |= {name: [float(f"{rounded(value):.5g}") for value in curve[name]] for name in ("mean", "low", "high")}
    text = json.dumps({"axis": block.axis, "percent": block.percent, "curves": curves}, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))
