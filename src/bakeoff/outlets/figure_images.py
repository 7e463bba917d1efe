"""The figures of a study as PNG images, for tools that show no SVG."""

from io import BytesIO

from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

DOTS_PER_INCH = 110


def png_figures(study: Study, layout: Layout) -> dict[str, bytes]:
    """Name → image of each figure; without the curves of single experiments, which the tools draw. None where the
    study has no figures yet. Raises BakeoffError where the tables that they are drawn from are missing."""
    if not layout.figures.is_dir():
        return {}
    from bakeoff.figures.draw import drawings_of
    from bakeoff.figures.style import theme

    images = {}
    with theme():
        for drawing in drawings_of(study, layout):
            if "/" not in drawing.name:
                file = BytesIO()
                drawing.draw().savefig(file, format="png", dpi=DOTS_PER_INCH)
                images[drawing.name.removesuffix(".svg")] = file.getvalue()
    return images
