"""What is said of a dataset that is split repeatedly, wherever it is shown."""

from bakeoff.language import Language
from bakeoff.report.document import Block, Paragraph
from bakeoff.report.material import Material
from bakeoff.study.cuts import Cut


def how_often(cut: Cut, language: Language) -> str:
    """The number of its cuts: `3 splits`, `5 folds`."""
    if cut.kind == "fold":
        return language.count("{n} fold", "{n} folds", cut.count)
    return language.count("{n} split", "{n} splits", cut.count)


def cuts_and_seeds(material: Material, dataset: str) -> str:
    """What the runs of an experiment are a product of, in brackets to follow their number; empty without cuts."""
    language, cut = material.language, material.cut_of(dataset)
    if cut is None:
        return ""
    seeds = len(material.study.possible_seeds)
    return language.say(
        " ({cuts} × {seeds})", cuts=how_often(cut, language), seeds=language.count("{n} seed", "{n} seeds", seeds)
    )


def how_it_is_cut(cut: Cut, language: Language) -> str:
    """In a few words for the facts of a dataset."""
    if cut.kind == "fold":
        return language.say("{number}-fold cross-validation: each image is a test image once", number=cut.count)
    return language.count(
        "{n} random cut into training, validation and test images",
        "{n} random cuts into training, validation and test images",
        cut.count,
    )


def of_the_first_cut(material: Material, dataset: str) -> list[Block]:
    """A sentence that what follows is about the first cut alone; none where a dataset is split once."""
    cut, say = material.cut_of(dataset), material.language.say
    if cut is None:
        return []
    text = say(
        "{dataset} is split repeatedly ({cuts}). What follows is about the first, {name}; the tables in the folder of "
        "results have all of them.",
        dataset=dataset,
        cuts=how_often(cut, material.language),
        name=cut.name,
    )
    return [Paragraph(text, "note")]
