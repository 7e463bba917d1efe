"""The paired comparison of two results, for a terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from bakeoff.analysis.labels import short_labels
from bakeoff.analysis.paired import FEWEST_SEEDS, LEVEL, Verdict
from bakeoff.analysis.two_results import Comparison, Pair, Results
from bakeoff.study.matrix import Experiment
from bakeoff.study.metrics import Metric

NONE = "–"
WORDS = {
    Verdict.BETTER: "[green]A better[/]",
    Verdict.WORSE: "[green]B better[/]",
    Verdict.NOT_DISTINGUISHABLE: "not clear",
    Verdict.TOO_FEW_SEEDS: "too few seeds",
    Verdict.IDENTICAL: "the same",
    Verdict.CONSTANT_DIFFERENCE: "constant",
}
EXPLAINED = {
    Verdict.NOT_DISTINGUISHABLE: "not clear, ~n: with about n seeds the difference found would be, in four of five "
    "studies; without n, not with 1,000 either.",
    Verdict.TOO_FEW_SEEDS: f"too few seeds: a verdict takes {FEWEST_SEEDS} that both have.",
    Verdict.CONSTANT_DIFFERENCE: "constant: the same difference with every seed, so that nothing says how sure it is.",
}


def comparison_text(a: Results, b: Results, found: Comparison) -> RenderableType:
    """A row for each pair, and below it how it was made and what was left out."""
    heading = [f"A: {escape(str(a.folder))}", f"B: {escape(str(b.folder))}"]
    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    if a.is_study:
        table.add_column("experiment", overflow="fold", min_width=12)
    for column in ("seeds", "A", "B", "A − B", "95 % interval", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=9)
    labels = short_labels([pair.a for pair in found.pairs])
    for row, pair in enumerate(found.pairs):
        name = [escape(labels[pair.a])] if a.is_study else []
        table.add_row(*name, *_numbers(found, row, pair), _verdict(found, row))
    return Group(*heading, table, *_notes(a, b, found))


def _numbers(found: Comparison, row: int, pair: Pair) -> list[str]:
    metric, spread = found.metric, found.judgement.spread
    ends = sorted((_signed(metric) * spread.low[row], _signed(metric) * spread.high[row]))
    interval = f"{_difference(ends[0], metric)} … {_difference(ends[1], metric)}" if ends[0] == ends[0] else NONE
    p_holm = found.judgement.p_holm[row]
    return [
        str(spread.count[row]),
        _score(pair.mean_a, metric),
        _score(pair.mean_b, metric),
        _difference(_signed(metric) * spread.mean[row], metric),
        interval,
        NONE if p_holm != p_holm else f"{p_holm:.2g}" if p_holm >= 1e-4 else "<0.0001",
    ]


def _verdict(found: Comparison, row: int) -> str:
    verdict, needed = found.judgement.verdicts[row], found.seeds_needed[row]
    known = verdict is Verdict.NOT_DISTINGUISHABLE and needed == needed
    return WORDS[verdict] + (f", ~{needed:.0f}" if known else "")


def _notes(a: Results, b: Results, found: Comparison) -> list[str]:
    metric, judgement = found.metric, found.judgement
    unit = " in per cent" if metric.percent else ""
    notes = [
        f"Test {metric.label}{unit}, means over the seeds that both have; differences are paired by seed. "
        f"p: paired t-test, corrected by Holm for {_count(judgement.count, 'comparison')}. "
        f"A verdict needs p ≤ {LEVEL:.2g} and sign flips that agree.",
    ]
    notes += [text for verdict, text in EXPLAINED.items() if verdict in judgement.verdicts]
    notes += [_of_single_runs(pair) for pair in found.pairs if pair.images is not None]
    unpaired = sum(pair.unpaired for pair in found.pairs)
    if unpaired:
        notes.append(f"Left out: {_count(unpaired, 'run')} whose seed only one of the two has completed.")
    for name, results in (("A", a), ("B", b)):
        if results.other:
            notes.append(f"{name}: {_count(sum(results.other.values()), 'run')} diverged or did not fit in memory.")
    for name, cells in (("A", found.only_a), ("B", found.only_b)):
        if cells:
            notes.append(f"Only in {name}: {_listed(cells)}.")
    others = [pair.a for pair in found.pairs if not pair.same_data]
    if others:
        notes.append(f"[yellow]Not the same data, or not split alike: {_listed(others)}.[/]")
    return notes


def _of_single_runs(pair: Pair) -> str:
    only_a, only_b, p_value = pair.images or (0, 0, 1.0)
    p = f"= {p_value:.2g}" if p_value >= 1e-4 else "< 0.0001"
    return (
        f"{escape(pair.a.key)}, the one seed that both have: A alone is right on {_count(only_a, 'test image')}, "
        f"B alone on {only_b:,} (McNemar's exact test, p {p}, corrected by Holm); another seed may say otherwise."
    )


def _listed(cells: list[Experiment]) -> str:
    return escape(", ".join(cell.key for cell in cells[:5]) + (f" and {len(cells) - 5} more" if len(cells) > 5 else ""))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _signed(metric: Metric) -> float:
    return 1.0 if metric.higher_is_better else -1.0


def _score(value: float, metric: Metric) -> str:
    return NONE if value != value else f"{100 * value:.2f}" if metric.percent else f"{value:.3g}"


def _difference(value: float, metric: Metric) -> str:
    return NONE if value != value else f"{100 * value:+.2f}" if metric.percent else f"{value:+.2g}"
