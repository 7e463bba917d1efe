"""What the test images of the cuts of a dataset say of that dataset."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from bakeoff.analysis.baselines import Baseline
from bakeoff.analysis.data_card import mean_overlaps
from bakeoff.analysis.experiment_analysis import ImageFindings
from bakeoff.analysis.score_matrices import scores_on_cuts
from bakeoff.analysis.test_set_error import ScoreError
from bakeoff.analysis.variance_over_cuts import variance_of_score
from bakeoff.results.summary_tables import by_experiment
from bakeoff.results.whole_datasets import CUT, SPLIT
from bakeoff.study.cuts import Cut
from bakeoff.study.matrix import Experiment
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study


def overlaps_of(study: Study) -> dict[str, float]:
    """Whole datasets that are split repeatedly → the number of test images by that of all others, a mean over cuts."""
    return mean_overlaps({cut: data_folder(study, name) for name, cut in study.cuts.items()})


def of_whole_datasets(
    found: ImageFindings,
    runs: pd.DataFrame,
    cuts: Mapping[str, Cut],
    score_columns: Mapping[str, str],
    overlaps: Mapping[str, float],
) -> ImageFindings:
    """The findings by whole datasets, as the table of runs is.

    What test images do to a score on all cuts is what other cuts do to it, for any metric: they have other test images.
    A baseline is the mean over cuts. Single runs are those on the first cut.
    """
    if not cuts:
        return found
    errors = dict(found.score_errors)
    for cell, rows in by_experiment(runs[runs["status"] == "completed"]):
        if (rows[SPLIT] > 0).all():
            on_cuts = [found.score_errors[each.key] for each in _on_cuts(cell, rows)]
            errors[cell.key] = {
                metric: ScoreError(
                    _of_one_run(on_cuts, metric),
                    variance_of_score(scores_on_cuts(rows, column), overlaps[cell.dataset]),
                    on_cuts=True,
                )
                for metric, column in score_columns.items()
                if rows[column].notna().any()
            }
    return replace(
        found,
        baselines=_baselines(found.baselines, cuts),
        influences={key: each for key, each in found.influences.items() if _dataset(key) not in cuts},
        score_errors={key: each for key, each in errors.items() if _dataset(key) not in cuts},
        single_runs={
            key if cut is None else key.replace(cut.name, cut.of, 1): run
            for key, run in found.single_runs.items()
            if (cut := cuts.get(_dataset(key))) is None or cut.number == 1
        },
    )


def _on_cuts(cell: Experiment, rows: pd.DataFrame) -> list[Experiment]:
    return [replace(cell, dataset=str(name)) for name in rows[CUT].unique()]


def _of_one_run(on_cuts: list[dict[str, ScoreError]], metric: str) -> float:
    """The root mean square over cuts; NaN where one is not known."""
    errors = [each[metric].of_one_run if metric in each else np.nan for each in on_cuts]
    return float(np.sqrt(np.mean(np.square(errors))))


def _baselines(found: Mapping[str, Baseline], cuts: Mapping[str, Cut]) -> dict[str, Baseline]:
    groups: dict[str, list[Baseline]] = {}
    for name, each in found.items():
        groups.setdefault(cuts[name].of if name in cuts else name, []).append(each)
    return {name: replace(group[0], scores=_mean_scores(group)) for name, group in groups.items()}


def _mean_scores(baselines: list[Baseline]) -> dict[str, float]:
    return {metric: float(np.mean([each.scores[metric] for each in baselines])) for metric in baselines[0].scores}


def _dataset(key: str) -> str:
    return key.partition("/")[0]
