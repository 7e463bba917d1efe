"""Write a study's report in every format."""

import shutil
from pathlib import Path

from bakeoff.files import write_atomically
from bakeoff.report.compose import compose
from bakeoff.report.document import Document, Figure, blocks_of
from bakeoff.report.html import html
from bakeoff.report.latex import file_names, latex
from bakeoff.report.markdown import markdown
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study


def render_report(study: Study, layout: Layout, language: str | None = None) -> list[Path]:
    """Write report.md (its figures beside it), the self-contained report.html, and latex/report.tex with its parts.

    LaTeX's figures are there where they were drawn as PDF, too; without them report.tex says how to get them.
    Covers whatever runs the summary has, in the study's language or another. Returns the paths of the three.
    Raises BakeoffError when there is no summary or the language is unsupported.
    """
    document = compose(study, layout, language or study.language)
    folder = layout.report_folder
    _copy_figures(document, layout.figures, folder)
    texts = {"report.md": markdown(document), "report.html": html(document, layout.figures)}
    texts |= {f"latex/{name}": text for name, text in latex(document).items()}
    for name, text in texts.items():
        with write_atomically(folder / name, durable=False) as path:  # as the tables
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in ("report.md", "report.html", "latex/report.tex")]


def _copy_figures(document: Document, figures: Path, folder: Path) -> None:
    """Copy the figures that the report shows beside it, as PDF where they are drawn so, and remove all others."""
    for stale in (folder / "figures", folder / "latex" / "figures", folder / "latex" / "tables"):
        if stale.exists():
            shutil.rmtree(stale)
    names = file_names(document)
    for block in blocks_of(document):
        if isinstance(block, Figure):
            for copy in (f"figures/{block.path}.svg", f"latex/figures/{names[block.path]}.pdf"):
                drawn = figures / f"{block.path}{copy[-4:]}"
                if copy.endswith(".svg") or drawn.exists():
                    (folder / copy).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(drawn, folder / copy)
