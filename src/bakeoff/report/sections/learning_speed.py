"""How fast experiments learn, and what a point of the score costs."""

from functools import partial

from bakeoff.language import Language
from bakeoff.report.columns import experiment_column, metric_column, number_column
from bakeoff.report.document import Cell, Column, Paragraph, Section, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import NONE, amount_text, is_known, metric_text, seconds_text
from bakeoff.study.metrics import Metric


def speed(material: Material) -> Section | None:
    """The section, or None without a complete run."""
    language, rows = material.language, material.statistic("speed")
    if not rows:
        return None
    say, unit = language.say, material.unit_of_differences
    target_text = partial(metric_text, unit=True)
    targets = list(dict.fromkeys(target_text(row["target"], material.metric, language) for row in rows))
    columns = [
        experiment_column(material),
        Column(
            say("Runs that reach the target"),
            lambda row: Cell(say("{some} of {all}", some=row["reached"], all=row["runs"]), value=row["reached"]),
        ),
        number_column(material, say("Epochs to the target"), "epochs_to_target", amount_text),
        number_column(material, say("Seconds to the target"), "seconds_to_target", seconds_text),
        metric_column(material, say("Area under the curve"), "area_under_curve"),
        metric_column(material, say("Score per second") + unit, "score_per_second", text=_ratio_text),
        metric_column(
            material, say("Score per million parameters") + unit, "score_per_million_parameters", text=_ratio_text
        ),
        Column(say("On the Pareto front of"), lambda row: Cell(_fronts(row, language)), numeric=False),
    ]
    introduction = say(
        "The target is a validation score: the study's own or else the best that the weakest experiment on the dataset "
        "reaches. Epochs and seconds are medians over runs. An experiment is on a Pareto front when no other is both "
        "better and cheaper."
    )
    if len(targets) == 1:
        introduction += say(" The target here is {target}.", target=targets[0])
    else:
        columns.insert(1, metric_column(material, say("Target"), "target", text=target_text))
    table = tabulate("speed", say("Speed of learning, and score by cost."), columns, rows)
    return Section(say("Speed"), "speed", [Paragraph(introduction), table])


def _fronts(row: Row, language: Language) -> str:
    """The costs for which an experiment is on the Pareto front."""
    say = language.say
    names = {
        "best_for_training_seconds": say("seconds"),
        "best_for_parameters": say("parameters"),
        "best_for_macs": say("operations"),
    }
    found = [name for column, name in names.items() if row[column]]
    return say("all three") if len(found) == len(names) else ", ".join(found) or NONE


def _ratio_text(value: float, metric: Metric, language: Language) -> str:
    if not is_known(value):
        return NONE
    shown = 100 * value if metric.percent else value
    return language.whole(shown) if shown >= 1000 else language.significant(shown)
