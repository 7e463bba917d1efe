"""From the summary and the predictions of finished runs to the tables of a study's statistics."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bakeoff.analysis.experiment_analysis import ImageFindings, analyse_experiments
from bakeoff.analysis.races import StudyRace, looks_of, races_of
from bakeoff.analysis.score_matrices import ScoreMatrix, score_matrices
from bakeoff.analysis.tables import TABLES, statistics_files
from bakeoff.analysis.tables.of_study import STUDY_TABLES
from bakeoff.analysis.tuning_tables import tuning_spread_table
from bakeoff.analysis.variance_of_tuning import tuned_scores
from bakeoff.analysis.whole_findings import of_whole_datasets, overlaps_of
from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.jobs.rounds import append_looks, read_record
from bakeoff.jobs.seed_lists import SeedList, looked_at, note_seeds
from bakeoff.results.result import FINISHED
from bakeoff.results.summary_tables import read_history, read_tables
from bakeoff.results.trials_table import read_trials
from bakeoff.results.whole_datasets import history_of_whole_datasets, whole_datasets
from bakeoff.study.matrix import FACETS
from bakeoff.study.metrics import Metric
from bakeoff.study.paths import Layout
from bakeoff.study.race_rules import FEWEST_SEEDS
from bakeoff.study.study import Study


@dataclass(frozen=True)
class StudyInputs(ImageFindings):
    """What the functions of the tables about a whole study may take, beside what its test images say.

    All is by whole datasets, where some are split repeatedly. `runs` is the summary's table; `history` has `epoch`,
    `validation_<metric>` and `seconds` of each epoch. `metric` is the study's own, `score` its column of test scores in
    `runs`; `score_columns` maps every metric to such a column. `target` is the validation score to reach, if the study
    names one. `failed` counts the runs of an experiment that ended without a score. Keys are those of experiments.
    `races` are those of datasets, `begun_before` says how often they were begun anew; `earlier_seeds` are those with
    which verdicts were given before. `trials` is the summary's table of trials, empty without any; `tuned` are
    variances of test scores over tuning studies and their degrees of freedom, by experiment.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    metric: Metric
    score: str
    score_columns: Mapping[str, str]
    target: float | None
    matrices: list[ScoreMatrix]
    failed: Mapping[str, int]
    races: Mapping[str, StudyRace]
    begun_before: int
    earlier_seeds: list[SeedList]
    study: Study
    trials: pd.DataFrame
    tuned: Mapping[str, tuple[float, float]]


def write_statistics(study: Study, layout: Layout) -> list[Path]:
    """Write the files of `statistics_files`, from the summary and the runs' predictions. Returns their paths.

    A table that has nothing to say has its columns and no rows. Numbers are rounded as they are written, after all
    verdicts. What they decide in a race is appended to rounds.json. Raises BakeoffError when there is no summary, a
    completed run's predictions are missing or damaged, or results contradict what was decided.
    """
    runs = read_tables(layout).runs
    found, made = analyse_experiments(study, layout, runs)
    inputs = vars(study_inputs(study, layout, runs, found))
    for table in STUDY_TABLES:
        made[table.name] = table.in_order(table.make(inputs | made))
    if study.rounds is not None:
        append_looks(study, layout, looks_of(inputs["races"]))  # before anybody can read a verdict
    elif (made["comparisons"]["seeds"] >= FEWEST_SEEDS).any():
        note_seeds(study, layout)
    for name, path in statistics_files(layout).items():
        with write_atomically(path, durable=False) as temporary:  # fifty; steps.py makes again what a power cut took
            TABLES[name].as_written(made[name]).to_csv(temporary, index=False)
    return list(statistics_files(layout).values())


def read_statistics(layout: Layout, name: str) -> pd.DataFrame:
    """One of the tables: names stay text, only an empty field is a missing number. Raises BakeoffError without it."""
    path = statistics_files(layout)[name]
    text = [column.name for column in TABLES[name].columns if column.is_text]
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error.strerror}; run `bakeoff statistics` first") from error
    return table.fillna(dict.fromkeys(text, ""))


def study_inputs(study: Study, layout: Layout, runs: pd.DataFrame, found: ImageFindings) -> StudyInputs:
    """Gather the inputs, from the summary's table of runs. Raises BakeoffError when there is no history."""
    metric, score, trials = study.leading_metric, f"test_{study.metric}", read_trials(study, layout)
    history = read_history(layout, [f"validation_{metric.name}", "seconds"])
    metrics = dict.fromkeys((study.metric, *study.metrics))  # the study's first
    columns = {name: f"test_{name}" for name in metrics if f"test_{name}" in runs}
    runs, overlaps = whole_datasets(runs), overlaps_of(study)
    found = of_whole_datasets(found, runs, study.cuts, columns, overlaps)
    matrices = score_matrices(runs, score, overlaps)
    failed = runs[runs["status"].isin(FINISHED) & (runs["status"] != "completed")]
    return StudyInputs(
        runs=runs,
        history=history_of_whole_datasets(history.astype({facet: str for facet in FACETS}), runs),
        metric=metric,
        score=score,
        score_columns=columns,
        target=study.target,
        matrices=matrices,
        failed=Counter("/".join(key) for key in failed[list(FACETS)].itertuples(index=False)),
        races=races_of(study, runs, matrices, found.influences),
        begun_before=len(read_record(study, layout).before) if study.rounds else 0,
        earlier_seeds=looked_at(study, layout),
        study=study.as_written,
        trials=trials,
        tuned=tuned_scores(tuning_spread_table(study, trials, metric)),
        **vars(found),
    )
