"""The study as it is carried out: each cut of a repeated dataset is a dataset of its own.

So whatever prepares, trains, waits for or exports runs knows nothing of cuts.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from bakeoff.errors import BakeoffError
from bakeoff.study.cuts import cuts_of
from bakeoff.study.entries import Dataset
from bakeoff.study.matrix import Block
from bakeoff.study.study import Study

ABlock = TypeVar("ABlock", bound=Block)


def cut_by_cut(study: Study) -> Study:
    """The study with `digits-split1`, `digits-split2` in place of a dataset `digits` with `splits: 2`.

    Blocks that name `digits` mean all of its cuts. Raises BakeoffError for a cut with the name of another dataset.
    """
    cuts = {name: cuts_of(name, entry) for name, entry in study.datasets.items()}
    if not any(cuts.values()):
        return study
    named = {name: [cut.name for cut in found] or [name] for name, found in cuts.items()}
    datasets: dict[str, Dataset] = {}
    for name, entry in study.datasets.items():
        once = entry.model_copy(update={"splits": None, "folds": None})
        for each in named[name]:
            if each in datasets or (each != name and each in study.datasets):
                message = f"is also what a cut of {name!r} is called; give one of the two another name"
                raise BakeoffError(message, ["datasets", each if each in study.datasets else name])
            datasets[each] = once
    fields = {field: getattr(study, field) for field in Study.model_fields}
    changed = {
        "datasets": datasets,
        "experiments": _meaning_cuts(study.experiments, named),
        "exclude": _meaning_cuts(study.exclude, named),
    }
    made = Study.model_construct(study.model_fields_set, **fields | changed)
    return made.cutting({cut.name: cut for found in cuts.values() for cut in found}, study)


def _meaning_cuts(blocks: Sequence[ABlock], named: Mapping[str, Sequence[str]]) -> tuple[ABlock, ...]:
    return tuple(
        block if block.datasets is None
        else block.model_copy(update={"datasets": tuple(each for name in block.datasets for each in named[name])})
        for block in blocks
    )  # fmt: skip
