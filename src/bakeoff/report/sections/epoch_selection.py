"""How the choice of an epoch affects the test score."""

from collections.abc import Sequence

from bakeoff.report.columns import experiment_column, metric_column, range_column
from bakeoff.report.document import Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import difference_text, is_known


def selection(material: Material) -> Section | None:
    """The section; None where the test split was not measured at every epoch."""
    say, rows = material.language.say, material.statistic("selection")
    if not any(is_known(row["best"]) for row in rows):
        return None
    unit, points = material.unit, material.unit_of_differences
    columns = [
        experiment_column(material),
        metric_column(material, say("Chosen on validation") + unit, "chosen"),
        metric_column(material, say("Last epoch") + unit, "last"),
        metric_column(material, say("Best on test") + unit, "best"),
        metric_column(material, say("Optimism") + points, "optimism", text=difference_text),
        range_column(material, say("95 % interval"), "optimism_low", "optimism_high"),
    ]
    caption = say("Mean test {metric} by the epoch that is reported.", metric=material.name_of(material.metric))
    table = tabulate("selection", caption, columns, rows)
    introduction = Paragraph(_introduction(material, rows))
    return Section(say("Which epoch is reported"), "selection", [introduction, table])


def _introduction(material: Material, rows: Sequence[Row]) -> str:
    say, metric = material.language.say, material.metric
    text = say(
        "The same runs, reported at three epochs: the one that validation chose, the last, and the best on test."
    )
    known = [row["optimism"] for row in rows if is_known(row["optimism"])]
    if not known:
        return text
    mean = difference_text(sum(known) / len(known), metric, material.language)
    most = difference_text(max(known), metric, material.language)
    return text + say(
        " Quoting the best epoch on test makes scores look better by {mean} on average and by up to {most}{unit}: "
        "nobody could have known which epoch to choose.",
        mean=mean,
        most=most,
        unit=say(" points") if metric.percent else "",
    )
