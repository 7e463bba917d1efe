"""From the summary and the predictions of finished runs to the tables of a study's statistics.

What each table says stands in the docstring of the function that makes it, and in docs/statistics.md.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bakeoff.analysis import findings
from bakeoff.analysis.comparisons import ALL_DATASETS, comparisons_table, scopes
from bakeoff.analysis.findings import Findings, read_findings
from bakeoff.analysis.intervals import intervals_table
from bakeoff.analysis.ranks import profiles_table, rank_groups_table, rank_pairs_table, rank_test_table, ranks_table
from bakeoff.analysis.selection import selection_table
from bakeoff.analysis.single_runs import single_runs_table
from bakeoff.analysis.speed import speed_table
from bakeoff.analysis.variance import variance_table
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.results.result import FINISHED
from bakeoff.results.summary_tables import read_history, read_tables
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

ByExperiment = Mapping[Experiment, Findings]

TEXT = {
    *(*FACETS, "metric", "a", "b", "verdict", "configuration", "warning", "kind", "term"),
    *("class", "true", "predicted", "label", "examples"),
}


def write_statistics(study: Study, layout: Layout) -> None:
    """Write the tables of `layout.statistics`, from the summary and the runs' predictions.

    A table that has nothing to say has its columns and no rows. Raises BakeoffError when there is no summary, or a
    completed run's predictions are missing or damaged.
    """
    runs = read_tables(layout).runs
    found, hardest = read_findings(study, layout, runs)
    tables = _study_tables(study, layout, runs, found) | {name: _joined(found, name) for name in findings.TABLES}
    tables["hardest_images"] = _with_whole_datasets(tables["hardest_images"], hardest)
    for name, path in layout.statistics.items():
        with write_atomically(path) as temporary:
            tables[name].to_csv(temporary, index=False)


def read_statistics(layout: Layout, name: str) -> "pd.DataFrame":
    """One of the tables: names stay text, only an empty field is a missing number. Raises BakeoffError without it."""
    import pandas as pd

    path = layout.statistics[name]
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=[""])
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error.strerror}; run `bakeoff statistics` first") from error
    return table.fillna({column: "" for column in table if column in TEXT})


def _study_tables(study: Study, layout: Layout, runs: "pd.DataFrame", found: ByExperiment) -> "dict[str, pd.DataFrame]":
    metric = study.leading_metric
    score = f"test_{metric.name}"
    influences = {cell.key: item.influence for cell, item in found.items() if item.influence is not None}
    compared = comparisons_table(runs, metric, influences)
    parts = scopes(runs, score)
    history = read_history(layout, [f"validation_{metric.name}", "seconds"])
    return {
        "intervals": intervals_table(
            runs, _test_columns(study, runs), {cell: item.errors for cell, item in found.items()}
        ),
        "comparisons": compared,
        "single_runs": _single_runs(compared, found),
        "ranks": ranks_table(parts, metric),
        "rank_test": rank_test_table(parts, metric),
        "rank_pairs": rank_pairs_table(parts, metric),
        "rank_groups": rank_groups_table(parts, metric),
        "profiles": profiles_table(parts, metric, _failed(runs)),
        "variance": variance_table(runs, score),
        "speed": speed_table(runs, history.astype({facet: str for facet in FACETS}), metric, study.target),
        "selection": selection_table(runs, metric),
    }


def _failed(runs: "pd.DataFrame") -> dict[str, int]:
    """experiment's key → its runs that diverged or ran out of memory."""
    failed = runs[runs["status"].isin(FINISHED) & (runs["status"] != "completed")]
    return Counter("/".join(key) for key in failed[list(FACETS)].itertuples(index=False))


def _single_runs(compared: "pd.DataFrame", found: ByExperiment) -> "pd.DataFrame":
    """The pairs of experiments that are listed, run by run; corrected for all that there are."""
    listed = compared[compared["dataset"] != ALL_DATASETS]
    runs = {cell.key: item.single for cell, item in found.items() if item.single is not None}
    on_datasets = Counter(key.partition("/")[0] for key in runs).values()
    comparisons = sum(count * (count - 1) // 2 for count in on_datasets)
    return single_runs_table(list(zip(listed["a"], listed["b"], strict=True)), runs, comparisons)


def _test_columns(study: Study, runs: "pd.DataFrame") -> dict[str, str]:
    """metric → its column of test scores, the study's first."""
    names = dict.fromkeys((study.metric, *study.metrics))
    return {name: f"test_{name}" for name in names if f"test_{name}" in runs}


def _joined(found: ByExperiment, name: str) -> "pd.DataFrame":
    """One table of all experiments, with the columns that say which."""
    import pandas as pd

    wanted = [*FACETS, *findings.TABLES[name]]
    parts = {tuple(vars(cell).values()): item.tables[name] for cell, item in found.items() if name in item.tables}
    if not parts:
        return pd.DataFrame(columns=wanted)
    return pd.concat(parts, names=list(FACETS)).reset_index(level=list(FACETS))[wanted]


def _with_whole_datasets(table: "pd.DataFrame", hardest: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Behind the experiments' hardest images those of all experiments on a dataset, which have no other names."""
    import pandas as pd

    empty = {name: "" for name in (*FACETS, "predicted")}
    parts = [part.assign(**empty | {"dataset": dataset}) for dataset, part in hardest.items()]
    return pd.concat([table, *parts])[table.columns] if parts else table
