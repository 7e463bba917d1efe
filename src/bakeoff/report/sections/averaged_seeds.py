"""What an experiment's seeds are worth together: their mean beside their ensemble."""

from bakeoff.analysis.ranking import best_on
from bakeoff.report.columns import experiment_column, metric_column, number_column, range_column
from bakeoff.report.document import Block, Details, Paragraph, tabulate
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import difference_text, metric_text, range_text, whole_text
from bakeoff.report.repeated_splits import of_the_first_cut


def ensembles(material: Material, dataset: str) -> list[Block]:
    """A sentence about the best experiment on a dataset and the table of all, folded; nothing where no two seeds
    completed, or the metric is a plugin's."""
    say = material.language.say
    rows = [
        row
        for row in material.statistic("ensembles")
        if row["dataset"] == dataset and row["metric"] == material.metric.name
    ]
    if not rows:
        return []
    columns = [
        experiment_column(material, material.labels_on_dataset),
        number_column(material, say("Seeds"), "runs", whole_text),
        metric_column(material, say("Mean of seeds") + material.unit, "mean"),
        metric_column(material, say("Ensemble") + material.unit, "ensemble"),
        metric_column(material, say("Difference") + material.unit_of_differences, "difference", text=difference_text),
        range_column(material, say("95 % interval over test images")),
    ]
    caption = say(
        "Seeds and their ensembles on {dataset}: the networks are the same, their probabilities are averaged.",
        dataset=dataset,
    )
    table = tabulate(f"ensembles_{dataset}", caption, columns, rows)
    best = best_on(dataset, material.rows, material.metric)
    told = [Paragraph(_sentence(material, row)) for row in rows if cell_of(row) == best]
    return [
        Details(say("Ensembles of seeds"), f"ensembles-{dataset}", [*of_the_first_cut(material, dataset), *told, table])
    ]


def _sentence(material: Material, row: Row) -> str:
    metric, language = material.metric, material.language
    return language.say(
        "Averaging the probabilities of the {count} seeds of {experiment} gives {ensemble}; the mean of the seeds is "
        "{mean} (95 % interval of the difference over test images: {interval}{unit}).",
        count=row["runs"],
        experiment=material.labels_on_dataset[cell_of(row)],
        ensemble=metric_text(row["ensemble"], metric, language, unit=True),
        mean=metric_text(row["mean"], metric, language, unit=True),
        interval=range_text(row["low"], row["high"], metric, language),
        unit=language.say(" points") if metric.percent else "",
    )
