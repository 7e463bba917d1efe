"""What the data look like: images of each class, class sizes, and images before and after augmentation."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bakeoff.analysis.images import Images, mosaic, samples_by_class, shape_on_paper
from bakeoff.analysis.labels import SPLIT_TITLES
from bakeoff.analysis.shown_cut import shown_cut
from bakeoff.data.card import CARD, read_card
from bakeoff.errors import BakeoffError
from bakeoff.figures.drawing import Drawing
from bakeoff.figures.style import PALETTE, WIDTH, shortened
from bakeoff.language import Language
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, examples_file
from bakeoff.study.study import Study

CLASSES_IN_A_FIGURE = 40


def data_figures(study: Study, language: Language, layout: Layout) -> Iterator[Drawing]:
    """Of every dataset that is prepared here; of one that is split repeatedly, its first cut."""
    cells = list(study.as_written.cells)
    for name in dict.fromkeys(cell.dataset for cell in cells):
        shown = shown_cut(study, name)
        folder = data_folder(study, shown)
        if not (folder / CARD).exists():
            continue
        card = read_card(folder)
        images = samples_by_class(study, shown, card)
        if images is not None:
            yield Drawing(f"samples_{name}.svg", partial(_sheet, images, card["classes"][: len(images)]))
        few = len(card["classes"]) <= CLASSES_IN_A_FIGURE
        yield Drawing(f"classes_{name}.svg", partial(balance if few else sizes, card, language))
    for dataset, recipe in dict.fromkeys((cell.dataset, cell.recipe) for cell in cells):
        examples = examples_file(study, layout, shown_cut(study, dataset), recipe)
        if examples and examples.exists():
            names = [language.say("as they are"), language.say("augmented")]
            yield Drawing(f"augmentation_{dataset}__{recipe}.svg", partial(_sheet, _read(examples), names))


def class_names(study: Study) -> list[str]:
    """The names of the classes of every dataset that is prepared here."""
    folders = [data_folder(study, name) for name in dict.fromkeys(cell.dataset for cell in study.cells)]
    return [name for folder in folders if (folder / CARD).exists() for name in read_card(folder)["classes"]]


def _read(path: Path) -> Images:
    try:
        images: Images = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; run `bakeoff check` again") from error
    return images


def balance(card: Mapping[str, Any], language: Language) -> Figure:
    """The number of images of each class, with a bar for each split."""
    classes, hues = card["classes"], PALETTE
    figure = Figure(figsize=(WIDTH, 0.16 * len(classes) + 1.0), layout="constrained")
    axes = figure.subplots()
    start = np.zeros(len(classes))
    for (split, title), hue in zip(SPLIT_TITLES.items(), hues, strict=False):
        counts = np.asarray(card["class_counts"][split], float)
        axes.barh(range(len(classes)), counts, left=start, height=0.7, color=hue, label=language.say(title).lower())
        start += counts
    axes.set_yticks(range(len(classes)), map(shortened, classes))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(language.say("Images"))
    axes.xaxis.set_major_formatter(lambda value, _: language.whole(value))
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(SPLIT_TITLES), frameon=False, borderaxespad=0)
    return figure


def sizes(card: Mapping[str, Any], language: Language) -> Figure:
    """Very many classes: how many have at least so many images, from the largest to the smallest, which are named."""
    counts = np.sum([card["class_counts"][split] for split in SPLIT_TITLES], axis=0)
    order = np.argsort(-counts, kind="stable")
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(np.arange(1, len(order) + 1), counts[order], step="mid", color=PALETTE[0], alpha=0.6, linewidth=0)
    ends = [f"{shortened(card['classes'][index])}: {language.whole(counts[index])}" for index in order[[0, -1]]]
    axes.set_title(ends[0], loc="left", fontsize=8, fontweight="normal")
    axes.set_title(ends[1], loc="right", fontsize=8, fontweight="normal")
    axes.set_ylim(0, 1.05 * counts.max())
    axes.set(xlabel=language.say("Classes, the largest first"), ylabel=language.say("Images"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: language.whole(value))
    return figure


def _sheet(images: Images, names: list[str]) -> Figure:
    """Named rows of images: [rows, columns, C, H, W]."""
    picture = mosaic(images)
    rows, columns = images.shape[:2]
    side = min(0.46, (WIDTH - 1.4) / columns)
    figure = Figure(figsize=(WIDTH, side * rows * shape_on_paper(images) + 0.1), layout="constrained")
    axes = figure.subplots()
    axes.imshow(picture, interpolation="nearest")
    step = picture.shape[0] / rows
    axes.set_yticks([step * (row + 0.5) - 0.5 for row in range(rows)], map(shortened, names))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return figure
