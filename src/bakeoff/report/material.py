"""The material of a report: what its sections are made from, read once."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bakeoff.analysis.labels import configuration_labels, metric_name, score_name, short_labels
from bakeoff.analysis.ranking import ranking
from bakeoff.analysis.scores import with_quoted_intervals
from bakeoff.analysis.shown_cut import read_shown, shown_cut
from bakeoff.analysis.statistics import read_statistics
from bakeoff.data.card import CARD, read_card
from bakeoff.errors import BakeoffError
from bakeoff.jobs.plans import read_plan
from bakeoff.language import Language
from bakeoff.report.document import Block, Figure, Section
from bakeoff.report.numbers import is_known
from bakeoff.results.summary_tables import Tables, by_experiment, read_tables, records
from bakeoff.results.whole_datasets import CUT, whole_datasets
from bakeoff.study.cuts import Cut
from bakeoff.study.matrix import FACETS, Experiment, Run
from bakeoff.study.metrics import Metric
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, plan_file
from bakeoff.study.study import Study, experiments, runs

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """A study's tables by experiment, what other steps left beside them, and the report's language.

    `study` is as it was written, where one dataset may be split repeatedly, and `carried_out` has each cut as a dataset
    of its own; of the first cut are the `cards`, `plans` and what statistics say of single images. `rows` holds the
    experiments' rows of the summary, with the intervals to quote, and `runs` the rows of their runs.
    `labels` leave out what all experiments share, `labels_on_dataset` what those on one dataset share; `configurations`
    are the labels of configurations by their keys. `cards` and `plans` hold only the datasets and experiments that have
    one. `statistic` gives the rows of a table of statistics by its name.
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
    statistic: Callable[[str], Sequence[Row]]
    carried_out: Study

    @property
    def metric(self) -> Metric:
        return self.study.leading_metric

    @property
    def unit(self) -> str:
        """The unit after the title of a column in the study's metric."""
        return " [%]" if self.metric.percent else ""

    @property
    def unit_of_differences(self) -> str:
        """The unit after the title of a column of differences in it."""
        return self.language.say(" [points]") if self.metric.percent else ""

    @property
    def score(self) -> str:
        """The summary's name for the test score at the chosen epoch."""
        return f"test_{self.study.metric}"

    @property
    def tracks_test(self) -> bool:
        """Whether any run was evaluated on the test split at every epoch."""
        name = f"test_max_{self.study.metric}_mean"
        return any(is_known(row.get(name)) for row in self.rows.values())

    @property
    def datasets(self) -> Sequence[str]:
        return list(dict.fromkeys(cell.dataset for cell in self.rows))

    def cut_of(self, dataset: str) -> Cut | None:
        """The first cut of a dataset that is split repeatedly; None where it is split once. Of all datasets, the first
        of one where all are split repeatedly."""
        firsts = {cut.of: cut for cut in self.carried_out.cuts.values() if cut.number == 1}
        if dataset:
            return firsts.get(dataset)
        return next(iter(firsts.values())) if firsts.keys() >= set(self.datasets) else None

    def of_dataset(self, name: str) -> Mapping[Experiment, Row]:
        return {cell: row for cell, row in self.rows.items() if cell.dataset == name}

    def with_status(self, *statuses: str) -> Sequence[Row]:
        """The runs that ended with one of these statuses."""
        return records(self.tables.runs[self.tables.runs["status"].isin(statuses)])

    def by_dataset(self, anchor: str, parts: Mapping[str, Sequence[Block]]) -> list[Block]:
        """Blocks by dataset (empty: all datasets): each under its dataset's name, but for a lone dataset."""
        found = {name: blocks for name, blocks in parts.items() if blocks}
        if len(self.datasets) == 1:
            return [block for blocks in found.values() for block in blocks]
        every = self.language.say("All datasets")
        return [Section(name or every, f"{anchor}-{name or 'all'}", blocks) for name, blocks in found.items()]

    def places(self, dataset: str) -> Mapping[str, int]:
        """Key → rank of the experiments on a dataset by their means, or of configurations by their average rank."""
        if dataset:
            return {cell.key: rank for cell, rank in ranking(self.of_dataset(dataset), self.metric).items()}
        return {row["configuration"]: row["rank"] for row in self.statistic("ranks") if row["dataset"] == ""}

    def figures(self, captions: Mapping[str, str]) -> list[Figure]:
        """The figures that were drawn, from path → caption."""
        drawn = {path: (self.layout.figures / f"{path}.svg").exists() for path in captions}
        return [Figure(path, caption) for path, caption in captions.items() if drawn[path]]

    def files_of(self, run: Row) -> list[tuple[str, str]]:
        """The folder, result and log of a run, as far as they are there: words, and an address from the report."""
        paths = self.layout.run(Run(**{name: run[name] for name in (*FACETS, "seed")}))
        say = self.language.say
        found = ((say("folder"), paths.folder), (say("result"), paths.result), (say("log"), paths.log))
        start = self.layout.report_folder
        return [(word, Path(os.path.relpath(path, start)).as_posix()) for word, path in found if path.exists()]

    def label_of(self, dataset: str, key: str) -> str:
        """The label of an experiment by its key, or of a configuration when the dataset is empty."""
        if not dataset:
            return self.configurations[key]
        return self.labels_on_dataset[Experiment(**dict(zip(FACETS, key.split("/"), strict=True)))]

    def name_of(self, metric: Metric) -> str:
        """The name of a metric in the report's language."""
        return metric_name(metric, self.study, self.language)

    def score_title(self, score: str, metric: Metric | None = None, rest: str = "") -> str:
        """The title of a column with one of SCORES (`Test accuracy [%]`), in the study's metric when none is given."""
        shown = metric or self.metric
        return score_name(score, shown, self.study, self.language) + rest + (" [%]" if shown.percent else "")

    def other_metrics(self, rows: Iterable[Row], column: str) -> list[Metric]:
        """The headline metrics beside the study's that have a value in some row's `column`, as in `test_{}_mean`."""
        known = list(rows)
        return [
            metric
            for metric in self.study.metrics.values()
            if metric.headline
            and metric.name != self.study.metric
            and any(is_known(row.get(column.format(metric.name))) for row in known)
        ]


def gather(study: Study, layout: Layout, language: Language) -> Material:
    """Read the material of a report. Raises BakeoffError when there is no summary, or it covers other runs."""
    tables, carried_out, study = read_tables(layout), study, study.as_written
    quoted = with_quoted_intervals(tables.experiments, read_statistics(layout, "intervals"), study.metric)
    if list(map(run_key, records(tables.runs))) != [run.key for run in runs(carried_out)]:
        raise BakeoffError(
            f"{layout.summary}: summarizes other runs than the study plans; run `bakeoff summarize` again"
        )
    tables = replace(tables, runs=whole_datasets(tables.runs))
    cells, shown = experiments(study), {name: shown_cut(carried_out, name) for name in study.datasets}
    plans = {cell: plan_file(carried_out, layout, replace(cell, dataset=shown[cell.dataset])) for cell in cells}
    folders = {name: data_folder(carried_out, shown[name]) for name in study.datasets}
    return Material(
        study,
        layout,
        language,
        tables,
        rows=dict(zip(cells, records(quoted), strict=True)),
        runs={cell: records(group) for cell, group in by_experiment(tables.runs)},
        labels=short_labels(cells),
        labels_on_dataset={
            cell: label
            for name in study.datasets
            for cell, label in short_labels([cell for cell in cells if cell.dataset == name]).items()
        },
        configurations=configuration_labels(cells),
        cards={name: read_card(folder) for name, folder in folders.items() if (folder / CARD).exists()},
        plans={cell: _plan(path) for cell, path in plans.items() if path.exists()},
        statistic=cache(lambda name: records(read_shown(carried_out, layout, name))),
        carried_out=carried_out,
    )


def cell_of(row: Row) -> Experiment:
    """The experiment of a table's row."""
    return Experiment(*(str(row[facet]) for facet in FACETS))


def rows_by_cell(rows: Iterable[Row]) -> dict[Experiment, list[Row]]:
    """The rows of each experiment, in the order of first appearance."""
    found: dict[Experiment, list[Row]] = {}
    for row in rows:
        found.setdefault(cell_of(row), []).append(row)
    return found


def of_cell(rows: Sequence[Row], cell: Experiment) -> list[Row]:
    return [row for row in rows if cell_of(row) == cell]


def anchor_of(cell: Experiment) -> str:
    """The anchor of an experiment's section."""
    return f"experiment-{cell.key.replace('/', '--')}"


def run_key(row: Row) -> str:
    """The name of a run in the summary: its experiment and seed."""
    return f"{replace(cell_of(row), dataset=str(row.get(CUT, row['dataset']))).key}/seed{row['seed']}"


def _plan(path: Path) -> Row:
    if (plan := read_plan(path)) is None:
        raise BakeoffError(f"{path}: is damaged; run `bakeoff check` again")
    return plan
