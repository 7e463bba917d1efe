"""What the looks of a race have decided, in rounds.json: which runs there are follows from it.

A look is appended once, and stays. The file holds no times: the same results give the same file. Its rule, data and
experiments are those of the first look, so that a study that has changed since is told from it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bakeoff.data.content import prepared_content
from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.study.matrix import Experiment
from bakeoff.study.overrides import load
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder, digest, specify
from bakeoff.study.study import Study

PLANNED_WITH = "BAKEOFF_LOOKS"  # in the environment of Snakemake's jobs: how many looks it has planned its round with
RESTART = "`bakeoff run --restart-rounds`"
Content = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """What one look at a dataset decided; experiments are named by their keys.

    `left` says of those that leave why: `behind`, or the status of a run without a score; `beaten_by` says by whom.
    `better` are pairs, the better one first. `stop` says why the race is over; it is empty while it goes on.
    """

    leader: str
    left: dict[str, str]
    beaten_by: dict[str, str]
    better: list[list[str]]
    stop: str


@dataclass(frozen=True)
class Look:
    """The decisions at a number of seeds, by dataset; datasets whose race was over have none."""

    seeds: int
    decisions: dict[str, Decision]


@dataclass(frozen=True)
class Record:
    """The content of rounds.json. `before` are the races that were begun anew after something had been decided."""

    rule: Content = field(default_factory=dict)
    data: dict[str, str | None] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    before: tuple[Content, ...] = ()


def load_in_present_round(study_file: Path, overrides: list[str]) -> Study:
    """The study of a file, changed by `--set` values, in its present round."""
    study = load(study_file, overrides)
    return in_present_round(study, Layout(study.study))


def in_present_round(study: Study, layout: Layout) -> Study:
    """The study with the seeds that its experiments have by what was decided.

    Jobs of Snakemake see the round that it has planned. Raises BakeoffError when rounds.json is damaged, or the study
    has changed since its first look.
    """
    if study.rounds is None:
        return study
    looks = read_record(study, layout).looks
    return study.in_round(seeds_by_experiment(study, looks[: planned_with(len(looks))]))


def planned_with(known: int) -> int:
    """How many looks count in this process: all that are known, but in a job of Snakemake."""
    return int(os.environ.get(PLANNED_WITH, known))


def seeds_by_experiment(study: Study, looks: Sequence[Look]) -> dict[Experiment, int]:
    """How many seeds each experiment has after these looks: those of the next one, unless it left or the race ended."""
    assert study.rounds is not None
    steps = study.rounds.looks
    return {cell: _last_look(cell, looks, steps) for cell in study.cells}


def _last_look(cell: Experiment, looks: Sequence[Look], steps: Sequence[int]) -> int:
    for look in looks:
        decision = look.decisions.get(cell.dataset)
        if decision is not None and (decision.stop or cell.key in decision.left):
            return look.seeds
    return steps[min(len(looks), len(steps) - 1)]


def is_over(study: Study, looks: Sequence[Look]) -> bool:
    """Whether the races on all datasets have ended."""
    ended = {name for look in looks for name, decision in look.decisions.items() if decision.stop}
    return ended >= {cell.dataset for cell in study.cells}


def read_record(study: Study, layout: Layout) -> Record:
    """What was decided, as far as anything was. Raises BakeoffError where it is damaged, or of another study."""
    path = layout.rounds
    if not path.exists():
        return Record()
    content = _read(path)
    if content["study"] != study.study:
        raise BakeoffError(f"{path}: is of the study {content['study']!r}, not of {study.study!r}; move it away")
    record = _record(content)
    if record.looks and study.rounds is not None:
        _check_unchanged(record, _now(study), path)
    return record


def append_looks(study: Study, layout: Layout, replayed: Sequence[Look]) -> None:
    """Write what the finished results decide and rounds.json lacks.

    Raises BakeoffError where the results decide otherwise than it says.
    """
    record = read_record(study, layout)
    for number, (known, found) in enumerate(zip(record.looks, replayed, strict=False), 1):
        if known != found:
            raise BakeoffError(
                f"{layout.rounds}: the finished results contradict look {number} ({known.seeds} seeds): "
                f"{_difference(known, found)}; results have changed since. Bring them back, or begin anew: {RESTART}"
            )
    if new := tuple(replayed[len(record.looks) :]):
        now = _now(study)
        _write(study, layout, Record(now.rule, now.data, now.experiments, (*record.looks, *new), record.before))


def begin_anew(study: Study, layout: Layout) -> int:
    """Forget what was decided, but that it was. Returns how many looks that were."""
    path = layout.rounds
    if not path.exists():
        return 0
    try:
        record = _record(_read(path))
        told: Content = {"rule": record.rule, "looks": [look.seeds for look in record.looks]}
        before = record.before
    except BakeoffError:  # damaged: nobody knows what was seen
        told, before = {"rule": {}, "looks": []}, ()
        path.replace(path.with_suffix(".damaged"))
    _write(study, layout, Record(before=(*before, told)))
    return len(told["looks"])


def _now(study: Study) -> Record:
    """A record without looks: what decisions of the study as it is now would rest on."""
    assert study.rounds is not None
    rule = study.rounds.model_dump(mode="json") | {"weights": list(study.rounds.weights), "metric": study.metric}
    return Record(
        rule=rule,
        data={name: prepared_content(data_folder(study, name)) for name in study.datasets},
        experiments={cell.key: specify(study, cell.run(0)).experiment_hash for cell in study.cells},
    )


def _check_unchanged(record: Record, now: Record, path: Path) -> None:
    """Raise BakeoffError for what has changed since the first look."""
    changed = [f"{key} is {now.rule.get(key)}" for key, value in record.rule.items() if now.rule.get(key) != value]
    was = [f"{key} {value}" for key, value in record.rule.items() if now.rule.get(key) != value]
    added = [f"{key} is new" for key in now.experiments if key not in record.experiments]
    gone = [f"{key} is gone" for key in record.experiments if key not in now.experiments]
    other = [
        f"{key} is specified otherwise"
        for key, value in now.experiments.items()
        if record.experiments.get(key, value) != value
    ]
    data = [
        f"the data of {name} are others"
        for name, value in now.data.items()
        if value is not None and record.data.get(name) not in (None, value)
    ]
    if found := changed + added + gone + other + data:
        before = f" (it was: {', '.join(was)})" if was else ""
        shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        raise BakeoffError(
            f"{path}: the race has begun, and {shown}{before}; what was seen may not change the rule. "
            f"Undo the change, or begin anew, which costs the promised error level: {RESTART}"
        )


def _difference(known: Look, found: Look) -> str:
    for name in {**known.decisions, **found.decisions}:
        ours, theirs = known.decisions.get(name), found.decisions.get(name)
        if ours != theirs:
            return f"on {name} it says {_told(ours)}, they say {_told(theirs)}"
    return f"it is at {known.seeds} seeds, theirs at {found.seeds}"


def _told(decision: Decision | None) -> str:
    if decision is None:
        return "nothing"
    left = ", ".join(decision.left) or "nobody"
    return f"{left} left and {len(decision.better)} verdicts" + (f", {decision.stop}" if decision.stop else "")


def _read(path: Path) -> Content:
    try:
        content = dict(json.loads(path.read_text(encoding="utf-8")))
        checksum = content.pop("checksum")
        if checksum != digest(content):
            raise ValueError("its checksum is another")
        return content
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(
            f"{path}: is damaged ({error}); remove it and type the same command again: "
            "the same is decided from the finished results, and nothing is trained twice"
        ) from error


def _record(content: Mapping[str, Any]) -> Record:
    looks = (
        Look(look["seeds"], {name: Decision(**decision) for name, decision in look["decisions"].items()})
        for look in content["looks"]
    )
    return Record(content["rule"], content["data"], content["experiments"], tuple(looks), tuple(content["before"]))


def _write(study: Study, layout: Layout, record: Record) -> None:
    content = json.loads(json.dumps({"study": study.study, **asdict(record)}))
    write_json(layout.rounds, content | {"checksum": digest(content)})
