"""Runs that ended early or not as planned, and runs that are missing."""

from bakeoff.report.columns import text_column
from bakeoff.report.document import Block, Cell, Column, Details, Items, Section, tabulate
from bakeoff.report.material import Material, run_key
from bakeoff.report.sections.experiments import status_text
from bakeoff.results.result import FINISHED

FEW = 20  # missing runs that are listed unfolded


def failures(material: Material) -> Section | None:
    """The section; None where every run is complete and none said anything."""
    blocks = [*_failed(material), *_missing(material)]
    return Section(material.language.say("Failures and missing runs"), "failures", blocks) if blocks else None


def _failed(material: Material) -> list[Block]:
    say = material.language.say
    failed = [row for row in material.with_status(*FINISHED) if row["message"]]
    if not failed:
        return []
    columns = [
        Column(say("Run"), lambda row: Cell(run_key(row)), numeric=False),
        Column(say("What happened"), lambda row: Cell(status_text(row, material.language)), numeric=False),
        text_column(say("Message"), "message"),
    ]
    caption = say("Runs that ended early or without a score, or had to change a setting to finish.")
    return [tabulate("failures", caption, columns, failed)]


def _missing(material: Material) -> list[Block]:
    say = material.language.say
    missing = material.with_status("missing")
    if not missing:
        return []
    texts = [run_key(row) + (f" ({row['message']})" if row["message"] else "") for row in missing]
    title = say("Missing runs ({number})", number=material.language.whole(len(missing)))
    return [Details(title, "missing-runs", [Items(texts)], open=len(missing) <= FEW)]
