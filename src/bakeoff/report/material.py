"""What the sections of a report are made from, read once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.analysis.labels import configuration_labels, metric_name, short_labels
from bakeoff.analysis.statistics import read_statistics
from bakeoff.errors import BakeoffError
from bakeoff.language import Language
from bakeoff.report.document import Cell, Figure
from bakeoff.report.numbers import is_known
from bakeoff.results.summary import Tables, by_experiment, read_tables, records
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.metrics import Metric
from bakeoff.study.needs import plan_file
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study, experiments, runs

Row = Mapping[str, Any]

TABLES_OF_A_REPORT = (
    *("intervals", "comparisons", "single_runs", "ranks", "rank_test", "rank_groups", "variance", "speed", "selection"),
    *("classes", "confused_pairs", "calibration", "thresholds"),
)


@dataclass(frozen=True)
class Material:
    """A study's tables by experiment, what its steps left beside them, and the language to say it in.

    `rows` are the experiments' in the summary, `runs` those of their runs; `labels` leave out what all experiments
    share, `labels_on_dataset` what those on their dataset do, `configurations` those of configurations by
    their keys. `cards` and `plans` are those of the datasets and experiments that have one.
    """

    study: Study
    layout: Layout
    language: Language
    tables: Tables
    rows: Mapping[Experiment, Row]
    runs: Mapping[Experiment, Sequence[Row]]
    labels: Mapping[Experiment, str]
    labels_on_dataset: Mapping[Experiment, str]
    configurations: Mapping[str, str]
    cards: Mapping[str, Row]
    plans: Mapping[Experiment, Row]
    statistics: Mapping[str, Sequence[Row]]

    def statistic(self, name: str) -> Sequence[Row]:
        """The rows of one of the tables of statistics."""
        return self.statistics[name]

    @property
    def metric(self) -> Metric:
        """The study's metric."""
        return self.study.leading_metric

    @property
    def unit(self) -> str:
        """What follows the title of a column of the study's metric."""
        return " [%]" if self.metric.percent else ""

    @property
    def unit_of_differences(self) -> str:
        """What follows the title of a column of its differences."""
        return self.language.say(" [points]") if self.metric.percent else ""

    @property
    def score(self) -> str:
        """What the summary calls the test score at the chosen epoch."""
        return f"test_{self.study.metric}"

    @property
    def tracks_test(self) -> bool:
        """Whether some run was evaluated on the test split at each epoch."""
        name = f"test_max_{self.study.metric}_mean"
        return any(is_known(row.get(name)) for row in self.rows.values())

    @property
    def datasets(self) -> Sequence[str]:
        """The datasets of the study's experiments."""
        return list(dict.fromkeys(cell.dataset for cell in self.rows))

    def of_dataset(self, name: str) -> Mapping[Experiment, Row]:
        """The experiments on a dataset."""
        return {cell: row for cell, row in self.rows.items() if cell.dataset == name}

    def with_status(self, *statuses: str) -> Sequence[Row]:
        """The runs that ended so."""
        return records(self.tables.runs[self.tables.runs["status"].isin(statuses)])

    def figure(self, path: str, caption: str) -> list[Figure]:
        """A figure as a block, where it was drawn."""
        return [Figure(path, caption)] if (self.layout.figures / f"{path}.svg").exists() else []

    def link(self, cell: Experiment) -> Cell:
        """The name of an experiment, leading to its section."""
        return Cell(self.labels[cell], link=anchor_of(cell))

    def link_on_dataset(self, cell: Experiment, bold: bool = False) -> Cell:
        """Likewise, in a table of one dataset."""
        return Cell(self.labels_on_dataset[cell], bold, link=anchor_of(cell))

    def label_of(self, dataset: str, key: str) -> str:
        """The label of an experiment's key, or of a configuration's where the dataset is empty."""
        if not dataset:
            return self.configurations[key]
        return self.labels_on_dataset[Experiment(**dict(zip(FACETS, key.split("/"), strict=True)))]

    def name_of(self, metric: Metric) -> str:
        """What a metric is called in the report's language."""
        return metric_name(metric, self.study, self.language)

    def other_metrics(self, rows: Iterable[Row], column: str) -> list[Metric]:
        """The metrics to show beside the study's: those of note that some row has in `column`, as in `test_{}_mean`."""
        known = list(rows)
        return [
            metric
            for metric in self.study.metrics.values()
            if metric.headline
            and metric.name != self.study.metric
            and any(is_known(row.get(column.format(metric.name))) for row in known)
        ]


def gather(study: Study, layout: Layout, language: Language) -> Material:
    """Read what a report is made from. Raises BakeoffError when there is no summary, or one of other runs."""
    tables = read_tables(layout)
    _check_match(study, layout, tables)
    cells = experiments(study)
    plans = {cell: plan_file(study, layout, cell) for cell in cells}
    cards = {name: data_folder(study, name) / "card.json" for name in study.datasets}
    return Material(
        study,
        layout,
        language,
        tables,
        rows=dict(zip(cells, records(tables.experiments), strict=True)),
        runs={cell: records(group) for cell, group in by_experiment(tables.runs)},
        labels=short_labels(cells),
        labels_on_dataset=_labels_on_dataset(cells),
        configurations=configuration_labels(cells),
        cards={name: _read(path, "prepare the data again") for name, path in cards.items() if path.exists()},
        plans={cell: _read(path, "run `bakeoff check` again") for cell, path in plans.items() if path.exists()},
        statistics={name: records(read_statistics(layout, name)) for name in TABLES_OF_A_REPORT},
    )


def cell_of(row: Row) -> Experiment:
    """The experiment that a row of a table is about."""
    return Experiment(*(str(row[facet]) for facet in FACETS))


def of_cell(rows: Sequence[Row], cell: Experiment) -> list[Row]:
    """The rows about an experiment."""
    return [row for row in rows if cell_of(row) == cell]


def anchor_of(cell: Experiment) -> str:
    """The anchor of an experiment's section."""
    return f"experiment-{cell.key.replace('/', '--')}"


def run_key(row: Row) -> str:
    """How a run in the summary is called."""
    return "/".join(str(row[facet]) for facet in FACETS) + f"/seed{row['seed']}"


def _labels_on_dataset(cells: Sequence[Experiment]) -> dict[Experiment, str]:
    found: dict[Experiment, str] = {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        found |= short_labels([cell for cell in cells if cell.dataset == name])
    return found


def _check_match(study: Study, layout: Layout, tables: Tables) -> None:
    """A summary of an older state of the study must not pass for one of this."""
    here = [tuple(row) for row in tables.runs[[*FACETS, "seed"]].itertuples(index=False)]
    planned = [(run.dataset, run.architecture, run.optimizer, run.recipe, run.seed) for run in runs(study)]
    if here != planned:
        raise BakeoffError(
            f"{layout.summary}: summarizes other runs than the study plans; run `bakeoff summarize` again"
        )


def _read(path: Path, remedy: str) -> Row:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; {remedy}") from error
    if not isinstance(content, dict):
        raise BakeoffError(f"{path}: holds no mapping; {remedy}")
    return content
