"""Epochs of all finished runs in one table: history.parquet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bakeoff.results.result import unusable
from bakeoff.study.matrix import FACETS, Run

KEYS = (*FACETS, "seed")


def history_table(finished: Sequence[Run], paths: Sequence[Path], metric: str) -> pa.Table:
    """All epochs of all finished runs, in the order of the runs. A table without runs has the columns that every
    history has; `ended` is younger than some.

    Runs with the same columns are parsed as one text: a parse per file would take several times as long.
    Raises BakeoffError naming the first file that does not parse.
    """
    rows_by_header: dict[bytes, dict[int, bytes]] = {}
    for index, path in enumerate(paths):
        header, rows = _split_history(path)
        rows_by_header.setdefault(header, {})[index] = rows
    scores = [f"{split}_{name}" for split in ("train", "validation") for name in dict.fromkeys(("loss", metric))]
    tables, owners = [_parse(",".join(["epoch", "learning_rate", *scores, "seconds"]).encode(), [])], [np.empty(0, int)]
    for header, texts in rows_by_header.items():
        try:
            tables.append(_parse(header, texts.values()))
        except pa.ArrowInvalid:
            for index, rows in texts.items():
                try:
                    _parse(header, [rows])
                except pa.ArrowInvalid as error:
                    raise unusable(paths[index], str(error)) from error
            raise
        owners.append(np.repeat(list(texts), [rows.count(b"\n") for rows in texts.values()]))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    epochs = pa.concat_tables(tables, promote_options="default").take(order)
    for position, name in enumerate(KEYS):
        values = pa.array([getattr(run, name) for run in finished], pa.int64() if name == "seed" else pa.string())
        key = values if name == "seed" else values.dictionary_encode()  # there are few names
        epochs = epochs.add_column(position, name, key.take(pa.array(owner[order])))
    return epochs


def _split_history(path: Path) -> tuple[bytes, bytes]:
    """Header and rows of a history.csv; the rows end with a newline unless there are none."""
    try:
        header, _, rows = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    names = header.strip().split(b",")
    if b"epoch" not in names or len(set(names)) < len(names):
        raise unusable(path, "its first line does not name the columns")
    return header.strip(), rows if rows.endswith(b"\n") or not rows else rows + b"\n"


def _parse(header: bytes, rows: Iterable[bytes]) -> pa.Table:
    """The table of histories that share a header. Raises pa.ArrowInvalid unless every line is a row with an epoch."""
    types = {name: pa.int64() if name == "epoch" else pa.float64() for name in header.decode().split(",")}
    text = b"".join([header, b"\n", *rows])
    table = csv.read_csv(
        pa.BufferReader(text),
        parse_options=csv.ParseOptions(ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(column_types=types),
    )
    if table.num_rows != text.count(b"\n") - 1 or table["epoch"].null_count:
        raise pa.ArrowInvalid("a line without an epoch")
    return table
