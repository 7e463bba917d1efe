"""The only reader of run folders: writes the tables that figures and reports are made from.

runs.csv         one row per planned run, in the study's order; status "missing" where no result stands
experiments.csv  one row per planned experiment: counts, and means, deviations and intervals over seeds
history.parquet  one row per run and epoch
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import BakeoffError
from bakeoff.files import write_atomically
from bakeoff.results.result import FINISHED
from bakeoff.study.matrix import FACETS, Experiment, Run
from bakeoff.study.paths import Layout
from bakeoff.study.specification import specify
from bakeoff.study.study import Study, runs

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KEYS = (*FACETS, "seed")
STATUSES = (*FINISHED, "missing")
SPLITS = ("train", "train_last", "validation", "validation_last", "test", "test_last", "test_max")
SCORE_PREFIXES = ("train_", "validation_", "test_")
COSTS = (
    "parameters",
    "macs",
    "batch_size",
    "accumulate",
    "training_seconds",
    "seconds_per_epoch",
    "images_per_second",
    "cpu_seconds",
    "gpu_seconds",
    "energy_kwh",
    "peak_host_memory_bytes",
    "peak_device_memory_bytes",
)
TOTALS = ("training_seconds", "cpu_seconds", "gpu_seconds", "energy_kwh")  # what adds up over runs
PEAKS = ("peak_host_memory_bytes", "peak_device_memory_bytes")
WHOLE = ("best_epoch", "epochs", "parameters", "macs", "batch_size", "accumulate", *PEAKS, "threads")
PROVENANCE = (
    "device",
    "threads",
    "platform",
    "python",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "bakeoff",
    "git_commit",
    "git_dirty",
    "started",
    "finished",
)
STALE = "the result here belongs to an older specification of the run"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Tables:
    """The summary of a study, as read back from its folder."""

    runs: "pd.DataFrame"
    experiments: "pd.DataFrame"


def summarize(study: Study, layout: Layout) -> None:
    """Write results/<study>/summary/{runs.csv,experiments.csv,history.parquet} from whatever runs exist.

    A result whose specification is not the study's present one counts as missing.
    Raises BakeoffError naming the file when a result or a history cannot be understood.
    """
    import pyarrow.parquet as parquet

    planned = runs(study)
    rows = [_row(study, layout, run) for run in planned]
    table = _runs_table(rows, _score_names(study, rows))
    finished = [run for run, row in zip(planned, rows, strict=True) if row["status"] != "missing"]
    history = _history(finished, [layout.run(run).history for run in finished], study.metric)
    with write_atomically(layout.summary / "runs.csv") as path:
        table.to_csv(path, index=False)
    with write_atomically(layout.summary / "experiments.csv") as path:
        experiments_table(table).to_csv(path, index=False)
    with write_atomically(layout.summary / "history.parquet") as path:
        parquet.write_table(history, path, compression="zstd")


def read_tables(layout: Layout) -> Tables:
    """The tables of runs and experiments that `summarize` wrote. Raises BakeoffError when there are none."""
    return Tables(_read_csv(layout.summary / "runs.csv"), _read_csv(layout.summary / "experiments.csv"))


def read_history(layout: Layout, columns: Iterable[str]) -> "pd.DataFrame":
    """The epochs of all finished runs: the keys of the run, `epoch` and those of `columns` that exist.

    Raises BakeoffError when `summarize` has not written it.
    """
    import pyarrow.parquet as parquet

    path = layout.summary / "history.parquet"
    try:
        present = parquet.read_schema(path).names
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error}; run `bakeoff summarize` first") from error
    wanted = [*KEYS, "epoch", *(column for column in columns if column in present)]
    history: pd.DataFrame = parquet.read_table(path, columns=wanted).to_pandas()
    return history


def score_columns(table: "pd.DataFrame") -> list[str]:
    """The columns of a table of runs that hold metrics of a split: `test_accuracy`, `test_last_loss`."""
    return [name for name in map(str, table.columns) if name.startswith(SCORE_PREFIXES)]


def by_experiment(table: "pd.DataFrame") -> "Iterator[tuple[Experiment, pd.DataFrame]]":
    """The rows of each experiment, in the order of first appearance."""
    for key, rows in table.groupby(list(FACETS), sort=False, observed=True):
        yield Experiment(*map(str, key)), rows


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a table as mappings."""
    return [dict(zip(map(str, table.columns), row, strict=True)) for row in table.itertuples(index=False, name=None)]


def experiments_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """One row per experiment of a table of runs, in the order of first appearance.

    For every score the mean, the standard deviation (ddof=1) and the two-sided 95 % t-interval
    mean ± t(0.975, n-1) · std / sqrt(n) over the n completed runs; no deviation and interval for n < 2, and no interval
    of scores that are all the same: they do not say how far off they may be.
    `training_seconds` and the other costs are means over completed runs, `training_seconds_total` and the other totals
    sums over all finished ones, peaks of memory the maximum.
    """
    import numpy as np
    import pandas as pd
    from scipy.special import stdtrit

    facets = [table[facet] for facet in FACETS]
    status = table["status"]
    counts = {name: (status == name).groupby(facets, sort=False).sum() for name in STATUSES}
    planned = status.groupby(facets, sort=False).size()
    completed = table.where(status == "completed")
    names = score_columns(table)
    scores = completed[names].astype("float64").groupby(facets, sort=False)
    lowest, highest, count = scores.min(), scores.max(), scores.count()
    varied = highest > lowest
    # Whatever is rounded: equal scores have their own mean, and no deviation.
    mean = scores.mean().clip(lowest, highest)
    deviation = scores.std(ddof=1).where(varied | (count < 2), 0.0)
    half = deviation.where(varied) * stdtrit(count - 1, (1 + CONFIDENCE) / 2) / np.sqrt(count)
    columns: dict[str, Any] = {"planned": planned, **counts}
    for score in names:
        columns[f"{score}_mean"] = mean[score]
        columns[f"{score}_std"] = deviation[score]
        columns[f"{score}_low"] = mean[score] - half[score]
        columns[f"{score}_high"] = mean[score] + half[score]
    for name in ("best_epoch", "epochs", "training_seconds", "seconds_per_epoch", "images_per_second"):
        columns[name] = completed[name].astype("float64").groupby(facets, sort=False).mean()
    for name in ("parameters", "macs"):
        columns[name] = table[name].groupby(facets, sort=False).mean()
    for name in TOTALS:
        columns[f"{name}_total"] = table[name].groupby(facets, sort=False).sum(min_count=1)
    for name in PEAKS:
        columns[name] = table[name].groupby(facets, sort=False).max()
    return pd.DataFrame(columns).reset_index()


def _row(study: Study, layout: Layout, run: Run) -> dict[str, Any]:
    """The row of one planned run in runs.csv."""
    path = layout.run(run).result
    row: dict[str, Any] = {**asdict(run), "status": "missing", "message": ""}
    result = _load_result(path)
    if result is None:
        return {**row, "message": _failure(layout, run)}
    # As `write_json` does, what is not finite becomes null.
    wanted = json.loads(json.dumps(specify(study, run).content), parse_constant=lambda _: None)
    if result["spec"] != wanted:
        return {**row, "message": STALE}
    metrics = result["metrics"]
    row |= {"status": result["status"], "message": result.get("message") or ""}
    row |= {name: _number(path, name, metrics.get(name)) for name in ("best_epoch", "epochs")}
    for split in SPLITS:
        scores = metrics.get(split) or {}
        if not isinstance(scores, dict):
            raise _corrupt(path, f"metrics.{split} is no mapping")
        row |= {f"{split}_{name}": _number(path, f"{split}.{name}", value) for name, value in scores.items()}
    if row["status"] == "completed" and row.get(f"test_{study.metric}") is None:
        raise _corrupt(path, f"a completed run without metrics.test.{study.metric}")
    row |= {name: _number(path, name, result["cost"].get(name)) for name in COSTS}
    return row | {name: result["provenance"].get(name) for name in PROVENANCE}


def _failure(layout: Layout, run: Run) -> str:
    """Why a run that has no result failed, as its process wrote it; empty where none has."""
    try:
        progress = json.loads(layout.run(run).progress.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not begun; or half-written by a machine that lost power
        return ""
    return f"failed: {progress['failed']}; see {layout.run(run).log}" if progress.get("failed") else ""


def _load_result(path: Path) -> dict[str, Any] | None:
    """The content of a result.json with its parts in place; None when there is no such file."""
    try:
        content = json.loads(path.read_bytes(), parse_constant=lambda _: None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _corrupt(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _corrupt(path, f"is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _corrupt(path, "holds no mapping")
    for part in ("spec", "metrics", "cost", "provenance"):
        if not isinstance(content.get(part), dict):
            raise _corrupt(path, f"has no {part!r}")
    if content.get("status") not in FINISHED:
        raise _corrupt(path, f"status is {content.get('status')!r}; allowed: {', '.join(FINISHED)}")
    return content


def _number(path: Path, name: str, value: Any) -> float | int | None:
    if value is None:
        return None
    whole = name in WHOLE
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value != int(value)):
        raise _corrupt(path, f"{name} is {value!r}; expected a {'whole ' if whole else ''}number")
    return int(value) if whole else float(value)


def _corrupt(path: Path, problem: str) -> BakeoffError:
    return BakeoffError(f"{path}: cannot use this file of a run: {problem}; delete the run's folder and train it again")


def _score_names(study: Study, rows: list[dict[str, Any]]) -> list[str]:
    """The columns of scores: the loss, the metrics of the task that the study's is for, and what else is found."""
    found = {column for row in rows for column in row if column.startswith(SCORE_PREFIXES)}
    tasks = study.leading_metric.tasks
    always = {
        name
        for name, metric in study.metrics.items()
        if name == "loss" or (metric.tasks == tasks and metric.every_epoch)
    }
    return [
        column for split in SPLITS for name in study.metrics if (column := f"{split}_{name}") in found or name in always
    ]


def _runs_table(rows: list[dict[str, Any]], scores: list[str]) -> "pd.DataFrame":
    import pandas as pd

    columns = [*KEYS, "status", "message", "best_epoch", "epochs", *scores, *COSTS, *PROVENANCE]
    table = pd.DataFrame.from_records(rows, columns=columns)
    types = {name: "float64" for name in (*scores, *COSTS)} | {name: "Int64" for name in WHOLE}
    return table.astype(types)


def _read_csv(path: Path) -> "pd.DataFrame":
    import pandas as pd

    text = ("message", *(name for name in PROVENANCE if name not in WHOLE))
    try:
        # A dataset may be called "001" or "NA": names stay text, and only an empty field is a missing one.
        table = pd.read_csv(
            path,
            dtype={name: str for name in (*FACETS, "status", *text)},
            keep_default_na=False,
            na_values=[""],
        )
    except OSError as error:
        raise BakeoffError(f"{path}: cannot read it: {error.strerror}; run `bakeoff summarize` first") from error
    present = [name for name in text if name in table]
    return table.fillna({name: "" for name in present})


def _history(finished: list[Run], paths: list[Path], metric: str) -> "pa.Table":
    """All epochs of all finished runs, in the order of the runs.

    Runs with the same columns are parsed as one text: a parse per file would take minutes for thousands.
    """
    import numpy as np
    import pyarrow as pa

    bodies: dict[bytes, list[bytes]] = {}
    members: dict[bytes, list[int]] = {}
    for index, path in enumerate(paths):
        header, body = _split_history(path)
        bodies.setdefault(header, []).append(body)
        members.setdefault(header, []).append(index)
    parts, owners = [_empty_history(metric)], [np.empty(0, dtype=np.int64)]
    for header, texts in bodies.items():
        lines = [text.count(b"\n") for text in texts]
        parts.append(_parse(header, texts, lines, [paths[index] for index in members[header]]))
        owners.append(np.repeat(members[header], lines))
        texts.clear()
    epochs, owner = pa.concat_tables(parts, promote_options="default"), np.concatenate(owners)
    if len(bodies) > 1:
        order = np.argsort(owner, kind="stable")
        epochs, owner = epochs.take(order), owner[order]
    for position, name in enumerate(KEYS):
        epochs = epochs.add_column(position, name, _key_column([getattr(run, name) for run in finished], owner, name))
    return epochs


def _split_history(path: Path) -> tuple[bytes, bytes]:
    """Header and rows of a history.csv; the rows end with a newline unless there are none."""
    try:
        header, _, body = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise _corrupt(path, error.strerror or str(error)) from error
    names = header.strip().split(b",")
    if b"epoch" not in names or len(set(names)) < len(names):
        raise _corrupt(path, "its first line does not name the columns")
    return header.strip(), body if body.endswith(b"\n") or not body else body + b"\n"


def _parse(header: bytes, texts: list[bytes], lines: list[int], paths: list[Path]) -> "pa.Table":
    """The rows of histories that share a header. Raises BakeoffError naming the first file that does not parse."""
    import pyarrow as pa
    from pyarrow import csv

    names = header.decode().split(",")
    types = {name: pa.int64() if name == "epoch" else pa.float64() for name in names}
    if not any(lines):
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    try:
        table = csv.read_csv(
            pa.BufferReader(b"".join(texts)),
            read_options=csv.ReadOptions(column_names=names),
            parse_options=csv.ParseOptions(ignore_empty_lines=False, newlines_in_values=False),
            convert_options=csv.ConvertOptions(column_types=types),
        )
        # Owners are counted by lines, so every line must have become a row with an epoch.
        if table.num_rows != sum(lines) or table["epoch"].null_count:
            raise pa.ArrowInvalid("a line without an epoch")
    except pa.ArrowInvalid as error:
        if len(texts) == 1:
            raise _corrupt(paths[0], str(error)) from error
        for text, count, path in zip(texts, lines, paths, strict=True):
            _parse(header, [text], [count], [path])
        raise
    return table


def _empty_history(metric: str) -> "pa.Table":
    """The columns that every history has, so that a table without runs has them as well."""
    import pyarrow as pa

    scores = [f"{split}_{name}" for split in ("train", "validation") for name in dict.fromkeys(("loss", metric))]
    names = ["learning_rate", *scores, "seconds"]
    return pa.table({"epoch": pa.array([], pa.int64())} | {name: pa.array([], pa.float64()) for name in names})


def _key_column(values: list[Any], owner: Any, name: str) -> Any:
    """One of a run's keys, repeated for its epochs; names as a dictionary, since there are few of them."""
    import numpy as np
    import pyarrow as pa

    if name == "seed":
        return pa.array(np.asarray(values, dtype=np.int64)[owner])
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    indices = np.asarray([codes[value] for value in values], dtype=np.int32)[owner]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(list(codes), pa.string()))
