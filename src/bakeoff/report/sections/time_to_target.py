"""How soon experiments learn, and what a point costs."""

from bakeoff.report.document import Cell, Column, Paragraph, Section, Table
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import NONE, amount_text, metric_text, seconds_text

FRONTS = ("best_for_training_seconds", "best_for_parameters", "best_for_macs")


def speed(material: Material) -> Section | None:
    """None without a complete run."""
    say = material.language.say
    rows = material.statistic("speed")
    if not rows:
        return None
    unit = say(" [points]") if material.metric.percent else ""
    targets = list(dict.fromkeys(metric_text(row["target"], material.metric, material.language, True) for row in rows))
    columns = [
        Column(say("Experiment"), False),
        *([Column(say("Target"))] if len(targets) > 1 else []),
        Column(say("Runs that reach it")),
        Column(say("Epochs to it")),
        Column(say("Seconds to it")),
        Column(say("Area under the curve")),
        Column(say("Score per second") + unit),
        Column(say("Score per million parameters") + unit),
        Column(say("On the Pareto front of"), False),
    ]
    introduction = say(
        "The target is a validation score: the study's, or the best that the weakest experiment on the dataset "
        "reaches. Epochs "
        "and seconds are medians over runs. An experiment is on a Pareto front when none is both better and cheaper."
    )
    if len(targets) == 1:
        introduction += say(" The target here is {target}.", target=targets[0])
    caption = say("Speed of learning, and score by cost.")
    table = Table("speed", caption, columns, [_row(material, row, len(targets) > 1) for row in rows])
    return Section(say("Speed"), "speed", [Paragraph(introduction), table])


def _row(material: Material, row: Row, with_target: bool) -> list[Cell]:
    language, metric = material.language, material.metric
    say = language.say
    fronts = [
        name
        for name, column in zip((say("seconds"), say("parameters"), say("operations")), FRONTS, strict=True)
        if row[column]
    ]
    return [
        material.link(cell_of(row)),
        *([Cell(metric_text(row["target"], metric, language, unit=True), value=row["target"])] if with_target else []),
        Cell(say("{some} of {all}", some=row["reached"], all=row["runs"]), value=row["reached"]),
        Cell(amount_text(row["epochs_to_target"], language), value=row["epochs_to_target"]),
        Cell(seconds_text(row["seconds_to_target"], language), value=row["seconds_to_target"]),
        Cell(metric_text(row["area_under_curve"], metric, language), value=row["area_under_curve"]),
        Cell(_ratio(material, row["score_per_second"]), value=row["score_per_second"]),
        Cell(_ratio(material, row["score_per_million_parameters"]), value=row["score_per_million_parameters"]),
        Cell(say("all three") if len(fronts) == len(FRONTS) else ", ".join(fronts) or NONE),
    ]


def _ratio(material: Material, value: float) -> str:
    if value != value:
        return NONE
    shown = 100 * value if material.metric.percent else value
    return material.language.whole(shown) if shown >= 1000 else material.language.significant(shown)
