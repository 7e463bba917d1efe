"""Epochs of all finished runs in one table: history.parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bakeoff.results.result import unusable
from bakeoff.study.matrix import FACETS, Run

KEYS = (*FACETS, "seed")


def history_table(finished: Sequence[Run], paths: Sequence[Path], metric: str) -> pa.Table:
    """All epochs of all finished runs, in the order of the runs.

    Runs with the same columns are parsed as one text: a parse per file would take minutes for thousands.
    """
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
        raise unusable(path, error.strerror or str(error)) from error
    names = header.strip().split(b",")
    if b"epoch" not in names or len(set(names)) < len(names):
        raise unusable(path, "its first line does not name the columns")
    return header.strip(), body if body.endswith(b"\n") or not body else body + b"\n"


def _parse(header: bytes, texts: list[bytes], lines: list[int], paths: list[Path]) -> pa.Table:
    """The rows of histories that share a header. Raises BakeoffError naming the first file that does not parse."""
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
            raise unusable(paths[0], str(error)) from error
        for text, count, path in zip(texts, lines, paths, strict=True):
            _parse(header, [text], [count], [path])
        raise
    return table


def _empty_history(metric: str) -> pa.Table:
    """The columns that every history has, so that a table without runs has them as well."""
    scores = [f"{split}_{name}" for split in ("train", "validation") for name in dict.fromkeys(("loss", metric))]
    names = ["learning_rate", *scores, "seconds"]
    return pa.table({"epoch": pa.array([], pa.int64())} | {name: pa.array([], pa.float64()) for name in names})


def _key_column(values: list[Any], owner: Any, name: str) -> Any:
    """One of a run's keys, repeated for its epochs; names as a dictionary, since there are few of them."""
    if name == "seed":
        return pa.array(np.asarray(values, dtype=np.int64)[owner])
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    indices = np.asarray([codes[value] for value in values], dtype=np.int32)[owner]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(list(codes), pa.string()))
