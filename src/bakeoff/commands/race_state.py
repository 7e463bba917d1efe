"""Seeds until decided, in words for the terminal: which round it is, who is in the race, what comes at most."""

from collections.abc import Sequence

from bakeoff.jobs.rounds import Decision, Look, is_over, planned_with, read_record, seeds_by_experiment
from bakeoff.study.matrix import Experiment
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study

ENDS = {
    "best": "{leader} is the best",
    "within_indifference": "{leader} is the best, or behind by no more than does not matter",
    "more_images": "undecided, and no more seeds would decide it: it takes more test images; {leader} leads",
    "open": "still open after the last look; {leader} leads",
    "alone": "{leader} is the only one with a score for every seed, so there is nothing to compare",
    "none": "no experiment has a score for every seed",
}


def round_lines(study: Study, layout: Layout) -> list[str]:
    """Which round it is and what comes at most, or how the race ended; nothing where seeds are fixed."""
    if study.rounds is None:
        return []
    looks = read_record(study, layout).looks
    looks = looks[: planned_with(len(looks))]
    if is_over(study, looks):
        return [f"the race is over: {line}" for line in _ends(study, looks)]
    racing, seeds = _racing(study, looks), study.rounds.looks[len(looks)]
    most = len(racing) * (study.rounds.looks[-1] - seeds)
    then = f", then at most {most} runs more" if most else ", the last one"
    who = f"{len(racing)} of {len(study.cells)} experiments are in the race"
    return [f"round {len(looks) + 1} of at most {len(study.rounds.looks)}, to {seeds} seeds: {who}{then}"]


def next_lines(study: Study, layout: Layout) -> list[str]:
    """What the last look has decided, and what comes next, for the end of a round."""
    if study.rounds is None or not (looks := read_record(study, layout).looks):
        return []
    left = [
        f"{key} dropped out: {_why(decision, key)}"
        for decision in looks[-1].decisions.values()
        for key in decision.left
    ]
    if is_over(study, looks):
        return [*left, *round_lines(study, layout)]
    return [*left, *round_lines(study, layout), "type the same command again for this round"]


def _ends(study: Study, looks: Sequence[Look]) -> list[str]:
    found = [(name, each, look.seeds) for look in looks for name, each in look.decisions.items() if each.stop]
    several = len(study.datasets) > 1
    return [
        f"{f'on {name} ' if several else ''}after {seeds} seeds, {ENDS[each.stop].format(leader=each.leader)}"
        for name, each, seeds in found
    ]


def _racing(study: Study, looks: Sequence[Look]) -> list[Experiment]:
    assert study.rounds is not None
    now = seeds_by_experiment(study, looks)
    return [cell for cell in study.cells if now[cell] == study.rounds.looks[len(looks)]]


def _why(decision: Decision, key: str) -> str:
    beaten_by = decision.beaten_by.get(key)
    return f"{beaten_by} is ahead" if beaten_by else decision.left[key].replace("_", " ")
