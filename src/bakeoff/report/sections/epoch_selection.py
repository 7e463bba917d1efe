"""What choosing an epoch does to a test score."""

from collections.abc import Sequence

from bakeoff.report.document import Block, Cell, Column, Paragraph, Section, Table
from bakeoff.report.material import Material, Row, cell_of
from bakeoff.report.numbers import difference_text, is_known, metric_text, range_text


def selection(material: Material) -> Section | None:
    """None without a complete run."""
    say, metric = material.language.say, material.metric
    rows = material.statistic("selection")
    if not rows:
        return None
    tracked = any(is_known(row["best"]) for row in rows)
    unit = " [%]" if metric.percent else ""
    points = say(" [points]") if metric.percent else ""
    columns = [
        Column(say("Experiment"), False),
        Column(say("Chosen on validation") + unit),
        Column(say("Last epoch") + unit),
        *(
            [Column(say("Best on test") + unit), Column(say("Optimism") + points), Column(say("95 % interval"))]
            if tracked
            else []
        ),
    ]
    body = [_row(material, row, tracked) for row in rows]
    blocks: list[Block] = [Paragraph(_introduction(material, rows, tracked))]
    caption = say("Mean test {metric} by the epoch that is reported.", metric=material.name_of(metric))
    blocks.append(Table("selection", caption, columns, body))
    return Section(say("Which epoch is reported"), "selection", blocks)


def _row(material: Material, row: Row, tracked: bool) -> list[Cell]:
    language, metric = material.language, material.metric
    cells = [material.link(cell_of(row))]
    cells += [Cell(metric_text(row[name], metric, language), value=row[name]) for name in ("chosen", "last")]
    if tracked:
        cells += [
            Cell(metric_text(row["best"], metric, language), value=row["best"]),
            Cell(difference_text(row["optimism"], metric, language), value=row["optimism"]),
            Cell(range_text(row["optimism_low"], row["optimism_high"], metric, language), value=row["optimism_low"]),
        ]
    return cells


def _introduction(material: Material, rows: Sequence[Row], tracked: bool) -> str:
    say, metric = material.language.say, material.metric
    text = say(
        "The same runs, reported at three epochs: the one that validation chose, the last, and the best on test."
    )
    known = [row["optimism"] for row in rows if is_known(row["optimism"])]
    if not tracked or not known:
        return text + say(" The last of the three was not measured (track_test).")
    mean = difference_text(sum(known) / len(known), metric, material.language)
    most = difference_text(max(known), metric, material.language)
    return text + say(
        " To quote the best epoch on test makes scores look better by {mean} on average and up to {most}{unit}: nobody "
        "could have known which epoch to choose.",
        mean=mean,
        most=most,
        unit=say(" points") if metric.percent else "",
    )
