"""Write the generated parts of docs/statistics.md: `python docs/statistics_tables.py`.

They follow from the records in src/bakeoff/analysis/tables. A test holds the page to them.
"""

from pathlib import Path

from bakeoff.analysis.tables import TABLES
from bakeoff.analysis.tables.table import EXPERIMENT, Table

PAGE = Path(__file__).with_name("statistics.md")


def updated(page: str) -> str:
    """The page with each generated part made anew, between its two comments."""
    for name, text in (("tables", list_of_tables()), ("columns", lists_of_columns())):
        before, _, rest = page.partition(marker := f"<!-- {name}: made by docs/statistics_tables.py -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        page = before + marker + text + end + after
    return page


def list_of_tables() -> str:
    rows = [f"| [`{table.name}.csv`](#{table.name}) | {table.row} | {table.says} |\n" for table in TABLES.values()]
    return "| table | a row is | what it says |\n|---|---|---|\n" + "".join(rows)


def lists_of_columns() -> str:
    return "\n".join(f"### {table.name}\n\n{list_of_columns(table)}" for table in TABLES.values())


def list_of_columns(table: Table) -> str:
    columns = [(f"`{column.name}`", column.meaning) for column in table.columns]
    if table.columns[: len(EXPERIMENT)] == EXPERIMENT:
        names = ", ".join(f"`{column.name}`" for column in EXPERIMENT)
        columns[: len(EXPERIMENT)] = [(names, "the experiment, by its names in the study")]
    return "| column | meaning |\n|---|---|\n" + "".join(f"| {name} | {meaning} |\n" for name, meaning in columns)


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
