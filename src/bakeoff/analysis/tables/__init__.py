"""The tables of a study's statistics, one record each: their files, columns and documentation follow from the records.

Nothing heavy is imported here, because Snakemake reads these records whenever it plans.
"""

from pathlib import Path

from bakeoff.analysis.tables.of_predictions import PREDICTION_TABLES
from bakeoff.analysis.tables.of_study import STUDY_TABLES
from bakeoff.study.paths import Layout

TABLES = {table.name: table for table in (*STUDY_TABLES, *PREDICTION_TABLES)}


def statistics_files(layout: Layout) -> dict[str, Path]:
    """The files that `bakeoff statistics` writes, by the names of their tables."""
    return {name: layout.summary / f"{name}.csv" for name in TABLES}
