"""The paired comparison of two results, for a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from bakeoff.analysis.labels import short_labels
from bakeoff.analysis.paired import LEVEL, Verdict
from bakeoff.analysis.two_results import Comparison, Results, compare, read_results
from bakeoff.report.verdicts import corrected_p, quoted_ends
from bakeoff.results.summary_tables import records
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric
from bakeoff.study.race_rules import FEWEST_SEEDS

NONE = "–"
WORDS = {
    Verdict.BETTER: "[green]A better[/]",
    Verdict.WORSE: "[green]B better[/]",
    Verdict.BETTER_ON_THESE_IMAGES: "A better here",
    Verdict.WORSE_ON_THESE_IMAGES: "B better here",
    Verdict.NOT_DISTINGUISHABLE: "not distinguishable",
    Verdict.TOO_FEW_SEEDS: "too few seeds",
    Verdict.IDENTICAL: "the same",
    Verdict.CONSTANT_DIFFERENCE: "constant",
}
EXPLAINED = {
    Verdict.NOT_DISTINGUISHABLE: "~n: about n seeds would show the difference found, in four of five studies. Without "
    "n, not even 1,000 seeds would.",
    Verdict.TOO_FEW_SEEDS: f"too few seeds: a verdict takes {FEWEST_SEEDS} seeds that both have.",
    Verdict.CONSTANT_DIFFERENCE: "constant: the same difference with every seed, so nothing says how sure it is.",
}


def compared(folder_a: Path, folder_b: Path, metric: str | None) -> RenderableType:
    """A row for each pair; below, how the comparison was made and what was left out."""
    a, b = read_results(folder_a), read_results(folder_b)
    found = compare(a, b, metric)
    heading = [f"A: {escape(str(a.folder))}", f"B: {escape(str(b.folder))}"]
    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    if a.is_study:
        table.add_column("experiment", overflow="fold", min_width=12)
    for column in ("seeds", "A", "B", "A − B", "95 % interval", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=9)
    rows = records(found.pairs)
    labels = short_labels([Experiment(*row["a"].split("/")) for row in rows])
    for row, label in zip(rows, labels.values(), strict=True):
        table.add_row(*([escape(label)] if a.is_study else []), *_cells(row, found.metric))
    return Group(*heading, table, *_notes(a, b, found, rows))


def _cells(row: dict[str, Any], metric: Metric) -> list[str]:
    """The columns of numbers of a pair, then its verdict."""
    (low, high), p_holm, needed = quoted_ends(row), corrected_p(row), row["seeds_needed"]
    return [
        str(row["seeds"]),
        _score(row["mean_a"], metric),
        _score(row["mean_b"], metric),
        _difference(row["difference"], metric),
        f"{_difference(low, metric)} … {_difference(high, metric)}" if low == low else NONE,
        NONE if p_holm != p_holm else f"{p_holm:.2g}" if p_holm >= 1e-4 else "<0.0001",
        WORDS[Verdict(row["verdict"])] + ("" if pd.isna(needed) else f", ~{needed}"),
    ]


def _notes(a: Results, b: Results, found: Comparison, rows: Sequence[dict[str, Any]]) -> list[str]:
    unit = " in per cent" if found.metric.percent else ""
    notes = [
        f"Test {found.metric.label}{unit}: means over the seeds that both have; differences are paired by seed. "
        "Intervals are for other images of the kind and other seeds. p: t-test with both, Holm-corrected over "
        f"{_count(rows[0]['comparisons'], 'comparison')}. A verdict takes p ≤ {LEVEL:.2g}. “Better here” means on "
        "these test images only, and p is then over seeds alone.",
    ]
    notes += [text for verdict, text in EXPLAINED.items() if any(row["verdict"] == verdict for row in rows)]
    notes += [_of_single_runs(row) for row in records(found.single_runs)]
    if one_sided := sum(row["one_sided"] for row in rows):
        notes.append(f"Left out: {_count(one_sided, 'run')} with a seed that only one of the two has completed.")
    failed, alone = {"A": a.not_completed, "B": b.not_completed}, {"A": found.only_a, "B": found.only_b}
    notes += [
        f"{name}: {_count(n, 'run')} diverged, did not fit in memory or had no score."
        for name, n in failed.items()
        if n
    ]
    notes += [f"Only in {name}: {_listed([cell.key for cell in cells])}." for name, cells in alone.items() if cells]
    if others := [row["a"] for row in rows if not row["same_data"]]:
        notes.append(f"[yellow]Not the same data, or not split alike: {_listed(others)}.[/]")
    return notes


def _of_single_runs(row: dict[str, Any]) -> str:
    p = f"= {row['p_holm']:.2g}" if row["p_holm"] >= 1e-4 else "< 0.0001"
    return (
        f"{escape(row['a'])}, the one seed that both have: A alone is right on {_count(row['only_a'], 'test image')}, "
        f"B alone on {row['only_b']:,} (McNemar's exact test, p {p}, Holm-corrected); another seed may say otherwise."
    )


def _listed(keys: Sequence[str]) -> str:
    return escape(", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else ""))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _score(value: float, metric: Metric) -> str:
    return NONE if value != value else f"{100 * value:.2f}" if metric.percent else f"{value:.3g}"


def _difference(value: float, metric: Metric) -> str:
    return NONE if value != value else f"{100 * value:+.2f}" if metric.percent else f"{value:+.2g}"
