"""`bakeoff merge`: results of a study from two machines, joined. Finished runs of one are taken into the other's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.jobs.handover import take
from bakeoff.results.result import DamagedResult, Result, check_files, read_result
from bakeoff.results.study_folder import layout_of
from bakeoff.study.matrix import FACETS, Experiment
from bakeoff.study.paths import Layout, RunPaths

SHOWN = 3  # differences that an error names
AXES = ("architecture", "optimizer", "recipe")  # parts of a specification that are an entry of the study
TRIALS = "trials/"
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Finished:
    """A run or a trial with a result: its folder below that of the study, its files there, and the result."""

    name: str
    paths: RunPaths
    result: Result


def merge(into: Path, other: Path) -> list[str]:
    """Take the finished runs and trials of `other` that `into` lacks; both are folders results/NAME. Returns lines for
    the user.

    Each run appears whole or not at all, and what `into` has stays. Raises BakeoffError, before anything is written,
    where the two are not of the same study: the same entries under the same names, and the same images.
    """
    here, there = layout_of(into), layout_of(other)
    if here.folder.samefile(there.folder):
        raise BakeoffError(f"{into}, {other}: are the same folder")
    damaged: list[str] = []
    ours = {found.name: found for found in _finished(here, [])}
    theirs = {found.name: found for found in _finished(there, damaged)}
    _check_same_study([*ours.values(), *theirs.values()])
    taken = [name for name in theirs if name not in ours]
    for name in taken:
        take(theirs[name].paths, _paths(here, name), name)
    unfinished = sum(1 for _ in there.folder.glob("state/**/progress.json"))
    counted = f"{len(taken)} runs taken from {other}, {len(theirs) - len(taken)} were there"
    left = [f"{unfinished} unfinished runs were left: they go on where they began"] if unfinished else []
    return [counted, *left, *(f"not taken: {why}" for why in damaged), "bakeoff run makes the report of all"]


def _finished(layout: Layout, damaged: list[str]) -> Iterator[Finished]:
    """Runs and trials whose files are whole; what is wrong with others is added to `damaged`."""
    cell = "/".join("*" * len(FACETS))
    for pattern in (f"runs/{cell}/seed*/result.json", f"trials/{cell}/*/seed*/result.json"):
        for path in sorted(layout.folder.glob(pattern)):
            folder = path.parent.relative_to(layout.folder)
            name = str(folder.relative_to("runs") if folder.parts[0] == "runs" else folder)
            paths = _paths(layout, name)
            try:
                if (result := read_result(path)) is not None:
                    check_files(paths, result)
                    yield Finished(name, paths, result)
            except DamagedResult as error:
                damaged.append(error.message)


def _paths(layout: Layout, name: str) -> RunPaths:
    """The files of a run DATASET/…/seedN, or of a trial trials/DATASET/…/PLACE/seedN."""
    *cell, seed = name.split("/")
    if name.startswith(TRIALS):
        _, *cell, place = cell
        layout = layout.at(place)
    return layout.run(Experiment(*cell).run(int(seed.removeprefix("seed"))))


def _check_same_study(found: Sequence[Finished]) -> None:
    """Raise BakeoffError where two results say different things about what is the same in a study."""
    tuned = {one.result.run.experiment for one in found if one.name.startswith(TRIALS)}
    known: dict[str, tuple[Any, Finished]] = {}
    for one in found:
        for what, value in _said(one, one.result.run.experiment in tuned).items():
            first, where = known.setdefault(what, (value, one))
            if first != value:
                told = [f"{name} is {a!r} and {b!r}" for name, a, b in _differences(what, first, value)]
                more = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
                places = f"{where.paths.folder}, {one.paths.folder}"
                raise BakeoffError(f"{places}: not of the same study: {'; '.join(told[:SHOWN])}{more}")


def _said(one: Finished, is_tuned: bool) -> dict[str, Any]:
    """What a result says about its study, by names that mean the same in every result. The entries of a tuned
    experiment have values of its own."""
    spec, run = one.result.spec, one.result.run
    said = {"metric": spec.get("metric"), "beta": spec.get("beta"), f"datasets.{run.dataset}": spec.get("dataset")}
    if not is_tuned:
        said |= {f"{axis}s.{getattr(run, axis)}": spec.get(axis) for axis in AXES}
    said[one.name.rpartition("/")[0]] = _without_seeds(spec)
    if one.result.data is not None:  # 0.1.0 did not say of which data
        said[f"the short name of the images of {run.dataset}"] = one.result.data
    return said


def _without_seeds(spec: Content) -> dict[str, Any]:
    """What all seeds of an experiment share, also that of the run it starts from."""
    shared = {key: value for key, value in spec.items() if key != "seed"}
    origin = shared.get("init_from")
    return shared | {"init_from": _without_seeds(origin)} if origin else shared


def _differences(name: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    """Dotted name and both values of each difference between nested mappings."""
    if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        yield name, a, b
        return
    for key in dict.fromkeys((*a, *b)):
        if a.get(key) != b.get(key):
            yield from _differences(f"{name}.{key}", a.get(key), b.get(key))
