"""For which seeds verdicts were given: who adds seeds afterwards and looks again errs more often, and is told so.

seed_lists.json is only appended to. What decides is what was planned: a report of half a study is no look of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.jobs.rounds import read_record
from bakeoff.study.paths import Layout
from bakeoff.study.specification import specify
from bakeoff.study.study import Study


@dataclass(frozen=True)
class SeedList:
    """Seeds with which experiments were compared by a metric; `experiments` maps their keys to specifications."""

    seeds: tuple[int, ...]
    metric: str
    experiments: Mapping[str, str]

    def concerns(self, other: "SeedList") -> bool:
        """Whether two experiments or more are the same, so that a verdict on them was seen."""
        same = [key for key, value in self.experiments.items() if other.experiments.get(key) == value]
        return self.metric == other.metric and len(same) > 1


def looked_at(study: Study, layout: Layout) -> list[SeedList]:
    """The seeds with which experiments of the study were compared before, the first look first.

    Those of a race count where seeds are fixed now. Raises BakeoffError when the record is damaged.
    """
    present = _present(study)
    found = [*_read(layout.seed_lists), *(_of_race(study, layout) if study.rounds is None else [])]
    others = [item for item in found if study.rounds or set(item.seeds) != set(present.seeds)]
    return [item for item in others if item.concerns(present)]


def note_seeds(study: Study, layout: Layout) -> None:
    """Append the seeds of a study whose verdicts are about to be shown; a race has a record of its own."""
    known, present = _read(layout.seed_lists), _present(study)
    if study.rounds is None and present not in known:
        content = [asdict(item) for item in (*known, present)]
        write_json(layout.seed_lists, content)


def _present(study: Study) -> SeedList:
    cells = list(study.cells)
    seeds = study.seeds_of(cells[0])
    return SeedList(
        seeds, study.metric, {cell.key: specify(study, cell.run(seeds[0])).experiment_hash for cell in cells}
    )


def _of_race(study: Study, layout: Layout) -> list[SeedList]:
    if not layout.rounds.exists():
        return []
    record = read_record(study, layout)
    metric = str(record.rule.get("metric", study.metric))
    return [SeedList(tuple(range(look.seeds)), metric, record.experiments) for look in record.looks]


def _read(path: Path) -> list[SeedList]:
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [SeedList(tuple(item["seeds"]), item["metric"], item["experiments"]) for item in content]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BakeoffError(
            f"{path}: is damaged ({error}); remove it; then the report no longer knows which seeds were looked at"
        ) from error
