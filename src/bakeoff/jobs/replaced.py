"""Finished runs that a study would train again, because what decides them has changed: said before it happens."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff.jobs.seen import states_seen
from bakeoff.results.result import DamagedResult, read_result
from bakeoff.study.matrix import Experiment, Run
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from bakeoff.study.trainings import NotChosen, tracked, training_of

MOST_NAMED = 3  # changes that a line names
MANY = 5  # so many say that it may be another study


def runs_to_replace(study: Study, layout: Layout, states: Mapping[str, str] | None = None) -> list[str]:
    """A line for each change of the study that takes finished runs out of it: what was, what is, and which runs.

    `states` are what Snakemake tracks of runs, by their keys, where they are known: there may be thousands.
    """
    seen = states_seen(layout)
    by_cell: dict[Experiment, list[Run]] = defaultdict(list)
    for run in runs(study):
        if layout.run(run).result.exists():
            state = tracked(study, run) if states is None else states[run.key]
            if seen.get(run.key) != state:
                by_cell[run.experiment].append(run)
    by_change: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for found in by_cell.values():
        if changes := _changes(study, layout, found[0]):
            by_change[changes] += [run.key for run in found]
    return [_line(study, changes, keys) for changes, keys in by_change.items()]


def _changes(study: Study, layout: Layout, run: Run) -> tuple[str, ...]:
    """What is different in the specification of a finished run; nothing where it is the same, or is not known."""
    try:
        result = read_result(layout.run(run).result)
        content = training_of(study, layout, run).specification.content
    except (DamagedResult, NotChosen):  # the first is said elsewhere; the second waits for a selection
        return ()
    if result is None or result.spec == content:
        return ()
    was, is_now = dict(_flat(result.spec)), dict(_flat(content))
    return tuple(
        f"{name} was {was.get(name, 'not there')} and is {is_now.get(name, 'not there')}"
        for name in dict.fromkeys((*was, *is_now))
        if was.get(name) != is_now.get(name)
    )


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every value with the names that lead to it, joined by dots."""
    for name, value in content.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}", repr(value)


def _line(study: Study, changes: tuple[str, ...], keys: list[str]) -> str:
    which = f"{keys[0]} is finished and" if len(keys) == 1 else f"{len(keys)} finished runs, {keys[0]} among them,"
    named = "; ".join(changes[:MOST_NAMED])
    if len(changes) > MOST_NAMED:
        named += f"; and {len(changes) - MOST_NAMED} more"
    advice = "to keep what is there, add an entry with a name of its own"
    if len(changes) >= MANY:
        advice = f"if this is another study than the one that was trained, change its name, {study.study!r}"
    return f"{which} will be trained again and replaced: {named}; {advice}"
