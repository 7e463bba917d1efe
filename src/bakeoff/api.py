"""What `import bakeoff` offers notebooks and scripts: results as tables and networks, and studies to train."""

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from bakeoff.errors import BakeoffError, Stopped
from bakeoff.files import write_atomically
from bakeoff.results.predictions import Floats, read_logits
from bakeoff.results.result import Result
from bakeoff.results.study_folder import (
    finished_runs,
    layout_of,
    leading_metric,
    mixed_experiments,
    table_of_runs,
    usable_results,
)
from bakeoff.results.trained_runs import trained_run
from bakeoff.study.arguments import nearest
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout, RunPaths
from bakeoff.study.reading import load_study, parse_study
from bakeoff.study.reading import warnings as doubts_about
from bakeoff.study.study import Study, runs

if TYPE_CHECKING:
    from bakeoff.inference.network import TrainedNetwork


def load(folder: str | Path, plugins: Sequence[str | Path] = ()) -> "ResultsFolder":
    """The results of a study, results/<study>, finished or not. The folder is enough: no study file is read.

    `plugins` are the files of models that are not Bakeoff's own, where these do not lie in the present folder.
    Raises BakeoffError where the folder has no results.
    """
    layout = layout_of(Path(folder).absolute())
    found = finished_runs(layout)
    results, damaged = usable_results(found)
    for cell in mixed_experiments(results):
        message = f"{cell.key}: its seeds were not trained alike, some before the study was changed; see bakeoff status"
        warnings.warn(message, stacklevel=2)
    return ResultsFolder(layout, found, results, damaged, tuple(map(Path, plugins)))


def study(given: str | Path | Mapping[str, Any], **changes: Any) -> "StudyToTrain":
    """A study: the path of its file, or what such a file says. `changes` replace top-level keys.

    Raises StudyError with every problem of it.
    """
    if isinstance(given, Mapping):
        content = {**given, **changes}
        return StudyToTrain(parse_study(content), content, ())
    path = Path(given)
    overrides = tuple(f"{key}={json.dumps(value)}" for key, value in changes.items())
    return StudyToTrain(load_study(path, changes), path, overrides)


@dataclass(frozen=True)
class RunPredictions:
    """The test split in the order of the prepared images: `logits` float32 [N, K] at the chosen epoch; `labels` int64
    [N], or for multi-label data uint8 [N, K] of 0, 1 and 255 (takes no part)."""

    logits: Floats
    labels: Any

    @property
    def probabilities(self) -> Floats:
        """Of each class, float64 [N, K]: they sum to 1, or for multi-label data stand each alone."""
        logits = self.logits.astype(float)
        if self.labels.ndim > 1:
            return 1 / (1 + np.exp(-logits))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class FinishedFolder:
    """One finished run: its folder, and its `result` as docs/results.md describes it."""

    paths: RunPaths
    result: Result
    plugins: tuple[Path, ...] = ()

    @property
    def history(self) -> pd.DataFrame:
        """A row per epoch."""
        return pd.read_csv(self.paths.history)

    @property
    def predictions(self) -> RunPredictions:
        """What it made of the test images. Raises BakeoffError where the file is damaged."""
        logits, labels, _ = read_logits(self.paths.predictions)
        return RunPredictions(logits, labels)

    def model(self, device: str = "cpu") -> "TrainedNetwork":
        """The network with its best weights, a torch module in eval mode, with `.transform` and `.classes`.

        Raises BakeoffError for a run that did not complete, and for a model whose plugin file is not found.
        """
        from bakeoff.inference.network import load_network

        return load_network(trained_run(self.paths.folder), self.plugins, device)


@dataclass(frozen=True)
class ResultsFolder:
    """The finished runs of a study, as they were when the folder was loaded.

    The tables are those of results/<study>/summary, made from the runs themselves: only runs with a result are in them.
    """

    layout: Layout
    found: Mapping[Run, RunPaths]
    results: Mapping[Run, Result]
    damaged: Mapping[Run, str]
    plugins: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"ResultsFolder({str(self.layout.folder)!r}, {len(self.found)} runs)"

    @property
    def keys(self) -> list[str]:
        """The names of the runs: dataset/architecture/optimizer/recipe/seedN."""
        return [run.key for run in self.found]

    def run(self, key: str) -> FinishedFolder:
        """The run of that name. Raises BakeoffError where it has no result, or a damaged one."""
        named = {run.key: run for run in self.found}
        if key not in named:
            raise BakeoffError(f"{self.layout.folder}: no finished run is called {key!r}; {nearest(key, named)}")
        if (run := named[key]) in self.damaged:
            raise BakeoffError(self.damaged[run])
        return FinishedFolder(self.found[run], self.results[run], self.plugins)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per run: how it ended, its scores, its cost, where it was made."""
        return table_of_runs(self.results, self.damaged)

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """A row per experiment: counts, and means, deviations and 95 % intervals over seeds."""
        from bakeoff.results.aggregation import experiments_table
        from bakeoff.results.significant_digits import rounded_table
        from bakeoff.results.whole_datasets import whole_datasets

        return rounded_table(experiments_table(whole_datasets(self.runs)))

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per run and epoch. Raises BakeoffError naming a history that is damaged."""
        from bakeoff.results.history import history_table

        paths = [self.found[run].history for run in self.results]
        table: pd.DataFrame = history_table(list(self.results), paths, leading_metric(self.results)).to_pandas()
        return table

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """A row per pair of experiments, compared over their seeds: docs/statistics.md has the columns.

        Raises BakeoffError where predictions are damaged, or the runs were led by a metric of a plugin.
        """
        from bakeoff.analysis.of_results import comparisons_of_results

        return comparisons_of_results(self.results, self.found, self.runs, self.layout.results / "data")


@dataclass(frozen=True)
class StudyToTrain:
    """A study that was read and found right; `given` is the path of its file, or what such a file says."""

    study: Study
    given: Path | Mapping[str, Any]
    overrides: tuple[str, ...]

    def __repr__(self) -> str:
        return f"StudyToTrain({self.study.study!r}, {len(self.keys)} runs)"

    @property
    def keys(self) -> list[str]:
        """The names of the runs: dataset/architecture/optimizer/recipe/seedN."""
        return [run.key for run in runs(self.study)]

    def train(self, cores: int | str = "all", gpus: int | None = None) -> ResultsFolder:
        """Train what is missing in the present folder and write the report, as `bakeoff run` does; then the results.

        `gpus` are training jobs with a GPU at a time; left out, all there is room for. Ctrl-C stops the jobs, and the
        same call goes on. Raises BakeoffError where something failed; what, it prints before.
        """
        from bakeoff.commands.run_study import run_study
        from bakeoff.jobs.rounds import load_in_present_round

        layout = Layout(self.study.study)
        file = self.given if isinstance(self.given, Path) else _written(self.given, self.study, layout)
        for doubt in doubts_about(self.study, file):
            print(f"warning: {doubt}", file=sys.stderr)
        try:
            read = partial(load_in_present_round, file, list(self.overrides))
            status = run_study(read, file, self.overrides, str(cores), gpus, unlock=False)
        except Stopped as reason:
            raise KeyboardInterrupt(str(reason)) from None
        if status:
            raise BakeoffError(f"{self.study.study} is not finished; what stands above says why")
        return load(layout.folder)


def _written(content: Mapping[str, Any], read: Study, layout: Layout) -> Path:
    """The file of a study that was given as a mapping, beside its results. Raises BakeoffError for no plain values."""
    path = layout.folder / "study.yaml"
    absolute = {"plugins": [str(Path(file).absolute()) for file in read.plugins]} if read.plugins else {}
    try:
        text = yaml.safe_dump({**content, **absolute}, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise BakeoffError(f"the study has a value that is no plain one: {' '.join(map(str, error.args))}") from error
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
