"""What a table of the statistics is: its columns with their meanings, and the function that makes it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from bakeoff.results.significant_digits import rounded_table
from bakeoff.study.metrics import TASKS, Task

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """A column and its meaning, with the unit where it has one. Text is read back as text, even "001" and "NA".

    A p-value means something however small it is; of other numbers, what is below 1e-12 is rounding.
    """

    name: str
    meaning: str
    is_text: bool = False
    is_p_value: bool = False


@dataclass(frozen=True)
class Table:
    """A table: what one `row` is, what the table `says`, its columns in order, and the function that makes it.

    `function` is "module:function" within bakeoff.analysis and is imported only when the table is made. Each of its
    parameters gets the input of that name. A table of predictions is made only for the `tasks`.
    """

    name: str
    row: str
    says: str
    function: str
    columns: tuple[Column, ...]
    tasks: tuple[Task, ...] = TASKS

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    def load_function(self) -> "Callable[..., pd.DataFrame]":
        function: Callable[..., pd.DataFrame] = resolve_name(f"bakeoff.analysis.{self.function}")
        return function

    def make(self, inputs: Mapping[str, Any]) -> "pd.DataFrame":
        """Call the table's function with the inputs that its parameters name."""
        function = self.load_function()
        return function(**{name: inputs[name] for name in inspect.signature(function).parameters})

    def in_order(self, made: "pd.DataFrame") -> "pd.DataFrame":
        """The columns in the order of the record; all of them, also where a function had nothing to say."""
        return made[self.column_names] if len(made) else made.reindex(columns=self.column_names)

    def as_written(self, made: "pd.DataFrame") -> "pd.DataFrame":
        """The columns in order, with no more digits than mean something."""
        return rounded_table(self.in_order(made), {column.name for column in self.columns if column.is_p_value})


def text(name: str, meaning: str) -> Column:
    """A column of text."""
    return Column(name, meaning, is_text=True)


def p_value(name: str, meaning: str) -> Column:
    """A column of p-values."""
    return Column(name, meaning, is_p_value=True)


def interval(prefix: str, meaning: str) -> tuple[Column, Column]:
    """The columns of an interval's two ends."""
    return Column(f"{prefix}low", f"lower end of {meaning}"), Column(f"{prefix}high", f"upper end of {meaning}")


def mean_over_runs(name: str, meaning: str) -> tuple[Column, Column]:
    """The columns of a mean over runs and its standard deviation."""
    return Column(name, f"{meaning}: mean over runs"), Column(f"{name}_std", "its standard deviation over runs (n - 1)")


EXPERIMENT = (
    text("dataset", "the experiment's dataset, as the study names it"),
    text("architecture", "its architecture"),
    text("optimizer", "its optimizer"),
    text("recipe", "its recipe"),
)
