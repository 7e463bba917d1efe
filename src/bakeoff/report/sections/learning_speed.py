"""How fast experiments learn, and which are the best for their cost: columns of tables of costs."""

from collections.abc import Sequence
from functools import partial

from bakeoff.language import Language
from bakeoff.report.columns import metric_column, number_column, seconds_column
from bakeoff.report.document import Cell, Column
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, amount_text, metric_text


def learning_columns(material: Material, rows: Sequence[Row]) -> list[Column[Row]]:
    """Columns of the table of speed; its targets, too, where they differ."""
    say = material.language.say
    columns: list[Column[Row]] = [
        Column(
            say("Runs that reach the target"),
            lambda row: Cell(say("{some} of {all}", some=row["reached"], all=row["runs"]), value=row["reached"]),
        ),
        number_column(material, say("Epochs to the target"), "epochs_to_target", amount_text),
        seconds_column(material, say("Seconds to the target"), "seconds_to_target", rows),
        metric_column(material, say("Area under the curve"), "area_under_curve"),
    ]
    if len(_targets(material, rows)) > 1:
        columns.insert(0, metric_column(material, say("Target"), "target", text=partial(metric_text, unit=True)))
    return columns


def explained(material: Material, rows: Sequence[Row]) -> str:
    """What the target is."""
    say, targets = material.language.say, _targets(material, rows)
    text = say(
        "The target is a validation score: the study's own or else the best that the weakest experiment on the dataset "
        "reaches. Epochs and seconds are medians over runs. The area under the curve is the mean validation score over "
        "the epochs."
    )
    return text + (say(" The target here is {target}.", target=targets[0]) if len(targets) == 1 else "")


def pareto_fronts(row: Row, language: Language) -> str:
    """The costs for which an experiment is on the Pareto front: none is both better and cheaper."""
    say = language.say
    names = {
        "best_for_training_seconds": say("seconds"),
        "best_for_parameters": say("parameters"),
        "best_for_macs": say("operations"),
    }
    found = [name for column, name in names.items() if row[column]]
    return say("all three") if len(found) == len(names) else ", ".join(found) or NONE


def _targets(material: Material, rows: Sequence[Row]) -> list[str]:
    texts = (metric_text(row["target"], material.metric, material.language, unit=True) for row in rows)
    return list(dict.fromkeys(texts))
