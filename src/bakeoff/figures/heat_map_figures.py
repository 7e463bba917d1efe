"""Where networks look in the images that they confuse."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from bakeoff.analysis.images import Images, mosaic, split_images
from bakeoff.analysis.mistakes import EXAMPLES, Confused, confused_images
from bakeoff.analysis.shown_cut import read_shown, shown_cut
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.style import WIDTH, shortened
from bakeoff.language import Language
from bakeoff.results.predictions import Floats
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

LARGEST = 96  # pixels of an image in the figure
STRENGTH = 0.55  # of the map over the image


def heat_map_figures(study: Study, language: Language, layout: Layout, best: Sequence[Experiment]) -> Iterator[Drawing]:
    """A figure for each dataset whose maps were written for the images that its best experiment confuses now."""
    if not study.heat_maps:
        return
    pairs = read_shown(study, layout, "confused_pairs")
    for cell in best:
        shown, path = confused_images(pairs, cell), layout.heat_maps(cell.dataset)
        images = split_images(study, shown_cut(study, cell.dataset), "test")
        if images is None or not shown or not path.is_file():
            continue
        with np.load(path) as saved:
            maps = {name: saved[name] for name in saved.files}
        rows = [one.image for one in shown]
        if list(maps.get("images", ())) == rows:
            drawn = partial(heat_maps, np.asarray(images[rows]), shown, maps, language)
            yield Drawing(f"heat_maps_{cell.dataset}.svg", drawn)


def heat_maps(images: Images, shown: Sequence[Confused], maps: Mapping[str, Floats], language: Language) -> Figure:
    """A column for each image [n, C, H, W], at most 5: as it is, and with its maps [n, H, W] for both classes."""
    side = WIDTH / EXAMPLES
    figure = Figure(figsize=(WIDTH, 3 * (side * images.shape[2] / images.shape[3] + 0.25)), layout="constrained")
    panels = figure.subplots(3, EXAMPLES, squeeze=False)
    for column, one in enumerate(shown):
        picture = mosaic(images[column][None, None], largest=LARGEST)
        extent = (0, picture.shape[1], picture.shape[0], 0)
        titles = (
            language.say("image {number}", number=one.image),
            language.say("taken for {name}", name=shortened(one.predicted)),
            language.say("really {name}", name=shortened(one.true)),
        )
        for axes, title, name in zip(panels[:, column], titles, ("", "predicted", "true"), strict=True):
            axes.imshow(picture, interpolation="nearest", extent=extent)
            if name:
                axes.imshow(maps[name][column], cmap="inferno", vmin=0, vmax=1, alpha=STRENGTH, extent=extent)
            axes.set_title(title, fontsize=7.5, fontweight="normal")
    for axes in figure.axes:
        axes.set_axis_off()
    return figure
