"""Every trial of tuning: a table and a picture for each experiment."""

import json
from collections.abc import Sequence

from bakeoff.report.columns import metric_column, number_column, seconds_column, text_column
from bakeoff.report.document import Block, Cell, Column, Details, Section, Table, tabulate
from bakeoff.report.entry_text import value_text
from bakeoff.report.material import Material, Row, rows_by_cell
from bakeoff.report.numbers import whole_text
from bakeoff.study.matrix import Experiment


def all_trials(material: Material) -> list[Block]:
    rows, say = material.statistic("tuning_trials"), material.language.say
    if not rows:
        return []
    blocks: list[Block] = []
    for cell, mine in rows_by_cell(rows).items():
        caption = say("Each line is a trial; dark ones score better, the thick one was chosen.")
        drawn = material.figures({f"trials/{cell.key.replace('/', '__')}": caption})
        table = _trials_table(material, cell, mine)
        blocks.append(Details(material.labels[cell], f"trials-{cell.key.replace('/', '--')}", [*drawn, table]))
    return [Section(say("All trials"), "tuning-trials", blocks)]


def _trials_table(material: Material, cell: Experiment, rows: Sequence[Row]) -> Table:
    say, language, tuning = material.language.say, material.language, material.study.tuning
    columns = [
        Column(say("Trial"), lambda row: Cell(row["trial"], bold=row["chosen"]), numeric=False),
        *_value_columns(rows[0]),
        *([number_column(material, say("Epochs"), "epochs", whole_text)] if tuning and tuning.halving else []),
        metric_column(material, material.score_title("validation"), "validation"),
        metric_column(material, material.score_title("test"), "test"),
        seconds_column(material, say("Seconds"), "seconds", rows),
        Column(say("Rank"), lambda row: Cell(whole_text(row["rank"], language), bool(row["chosen"]), row["rank"])),
        text_column(say("State"), "status"),
    ]
    caption = say("Trials of {experiment}; the chosen one is bold.", experiment=material.labels[cell])
    return tabulate(f"trials_{cell.key.replace('/', '_')}", caption, columns, rows)


def _value_columns(row: Row) -> list[Column[Row]]:
    def column(name: str) -> Column[Row]:
        return Column(short_name(name), lambda row: Cell(value_text(json.loads(row["values"])[name])), numeric=False)

    return [column(name) for name in json.loads(row["values"])]


def short_name(name: str) -> str:
    """`lr` of `optimizers.sgd.lr`: an entry's name may have dots, a key has none."""
    return name.rpartition(".")[2]
