"""A study's folder of results read by itself: no study file is needed, nor that anything was summarized."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from bakeoff.errors import BakeoffError
from bakeoff.results.result import DamagedResult, Result, check_files, read_result, unusable
from bakeoff.results.summary import finished_row, runs_table
from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.metrics import METRICS, Metric
from bakeoff.study.paths import Layout, RunPaths

FACETS_AND_SEED = 5  # folders between runs/ and the files of a run


def layout_of(folder: Path) -> Layout:
    """Where the files of results/<study> are. Raises BakeoffError for another folder."""
    if not (folder / "runs").is_dir():
        known = [path.parent for path in sorted(folder.glob("*/runs"))]
        advice = f"; did you mean {known[0]}?" if known else "; name the folder of a study, results/NAME"
        raise BakeoffError(f"{folder}: there are no results of a study here{advice}")
    return Layout(folder.name, folder.parent)


def finished_runs(layout: Layout) -> dict[Run, RunPaths]:
    """The runs that have a result, in the order of the summary where there is one; others follow by name.

    Raises BakeoffError where there is none.
    """
    pattern = "/".join("*" * FACETS_AND_SEED)
    found = [_run_of(path.parent) for path in layout.runs.glob(f"{pattern}/result.json")]
    if not found:
        raise BakeoffError(f"{layout.folder}: no run is finished; bakeoff status says how far the study is")
    order = {run: at for at, run in enumerate(_summarized(layout))}
    return {run: layout.run(run) for run in sorted(found, key=lambda run: (order.get(run, len(order)), run))}


def usable_results(runs: Mapping[Run, RunPaths]) -> tuple[dict[Run, Result], dict[Run, str]]:
    """The results that can be used, and why the others cannot."""
    results, damaged = dict[Run, Result](), dict[Run, str]()
    for run, paths in runs.items():
        try:
            if (result := read_result(paths.result)) is not None:
                check_files(paths, result, sizes_only=True)
                results[run] = result
        except DamagedResult as error:
            damaged[run] = str(error)
    return results, damaged


def table_of_runs(results: Mapping[Run, Result], damaged: Mapping[Run, str]) -> pd.DataFrame:
    """The table of runs, as runs.csv has it; damaged results are "missing", with the reason as message."""
    rows = [finished_row(result) for result in results.values()]
    rows += [asdict(run) | {"status": "missing", "message": message} for run, message in damaged.items()]
    leading = leading_metric(results)
    names = {leading, *(name for result in results.values() for name in result.metrics.split("validation"))}
    metrics = METRICS | {name: Metric(name, name.replace("_", " ")) for name in sorted(names - METRICS.keys())}
    return runs_table(rows, metrics, metrics[leading])


def leading_metric(results: Mapping[Run, Result]) -> str:
    """The metric that chose the epochs. Raises BakeoffError where results of two studies are mixed."""
    found = dict.fromkeys(str(result.spec.get("metric")) for result in results.values())
    if len(found) != 1:
        raise BakeoffError(f"the runs were led by different metrics: {', '.join(found)}; bakeoff run trains them alike")
    return next(iter(found))


def mixed_experiments(results: Mapping[Run, Result]) -> list[Experiment]:
    """Experiments whose seeds were not trained alike: some are left of what a study said before."""
    settings: dict[Experiment, list[object]] = {}
    for run, result in results.items():
        spec = {key: value for key, value in result.spec.items() if key not in ("seed", "init_from")}
        settings.setdefault(run.experiment, []).append(spec)
    return [cell for cell, specs in settings.items() if any(spec != specs[0] for spec in specs)]


def _run_of(folder: Path) -> Run:
    """The run whose files a folder holds, by its path."""
    dataset, architecture, optimizer, recipe, seed = folder.parts[-FACETS_AND_SEED:]
    number = seed.removeprefix("seed")
    if not number.isdecimal() or number == seed:
        raise unusable(folder / "result.json", "its folder is not called seedN")
    return Run(dataset, architecture, optimizer, recipe, int(number))


def _summarized(layout: Layout) -> list[Run]:
    """The runs of the summary in its order, which is the study's; none where nothing was summarized."""
    try:
        names = pd.read_csv(
            layout.summary / "runs.csv", usecols=range(FACETS_AND_SEED), dtype=str, keep_default_na=False
        )
    except (OSError, ValueError):  # it gives no more than an order
        return []
    return [
        Run(str(row[0]), str(row[1]), str(row[2]), str(row[3]), int(row[4])) for row in names.itertuples(index=False)
    ]
