"""Learning curves: how scores rise from epoch to epoch."""

from bakeoff.analysis.curves import completed_history, mean_curves
from bakeoff.analysis.ranking import ranking
from bakeoff.language import mark
from bakeoff.report.document import Block, Curve, Curves, Details, Section
from bakeoff.report.material import Material

TICKED = 5  # the best experiments, whose learning curves are shown at first


def learning(material: Material) -> Section | None:
    """The section; None where no run has a curve. A part for each dataset if there are several."""
    parts = {name: [*_figures(material, name), *_curves(material, name)] for name in material.datasets}
    blocks = material.by_dataset("learning", parts)
    return Section(material.language.say("Learning curves"), "learning", blocks) if blocks else None


def _figures(material: Material, dataset: str) -> list[Block]:
    over_seeds = mark(
        "Validation {metric} on {dataset} by epoch: the mean over seeds, with a band from the lowest to the "
        "highest, for the epochs that every seed reached. Grey lines, in several panels: all experiments."
    )
    over_runs = mark(
        "Validation {metric} on {dataset} by epoch: the mean over cuts and seeds, with a band from the lowest to the "
        "highest, for the epochs that every run reached. Grey lines, in several panels: all experiments."
    )
    caption = material.language.say(
        over_runs if material.cut_of(dataset) else over_seeds,
        metric=material.name_of(material.metric),
        dataset=dataset,
    )
    return [*material.figures({f"learning_curves_{dataset}": caption})]


def _curves(material: Material, dataset: str) -> list[Block]:
    """The learning curves of a dataset's experiments, for a page with check boxes."""
    say, runs = material.language.say, material.tables.runs
    completed = runs[(runs["status"] == "completed") & (runs["dataset"] == dataset)]
    if completed.empty:
        return []
    bands = mean_curves(material.study, completed_history(material.study, material.layout, completed))
    ranks = ranking(material.of_dataset(dataset), material.metric)
    curves = [
        Curve(
            material.labels_on_dataset[cell],
            ranks.get(cell, TICKED + 1) <= TICKED,
            *map(list, (found.index, found["mean"], found["min"], found["max"])),
        )
        for cell, found in bands.items()
        if len(found)
    ]
    title = say("Learning curves on {dataset}", dataset=dataset)
    chosen = Curves(title, material.score_title("validation"), material.metric.percent, curves)
    return [Details(say("Choose curves to compare"), f"curves-{dataset}", [chosen])] if curves else []
