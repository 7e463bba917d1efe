"""Reading a study file: every problem with its line and key, and what is allowed."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bakeoff.errors import BakeoffError, Keys
from bakeoff.study.arguments import nearest
from bakeoff.study.cut_by_cut import cut_by_cut
from bakeoff.study.cuts import cuts_of
from bakeoff.study.entries import EarlyStopping, Head, InitFrom, Loss, Normalize, PerClass, Recipe, Resources, Strict
from bakeoff.study.matrix import AXES, Block
from bakeoff.study.metrics import METRICS
from bakeoff.study.plausibility import as_fraction, impossible, questionable
from bakeoff.study.race_rules import Rounds
from bakeoff.study.spaces import FIXED, Space
from bakeoff.study.study import Published, Rungs, Study, StudyError, parent, runs
from bakeoff.study.tasks import check_metric, task_of
from bakeoff.study.tuning import Tuning
from bakeoff.study.tuning_problems import tuning_problems
from bakeoff.study.understood import understood
from bakeoff.study.yaml_file import located, read_yaml

# The keys of a study whose values take a fixed set of keys, beside recipes.
KEYS: dict[str, type[Strict]] = {
    "experiments": Rungs,
    "published": Published,
    "exclude": Block,
    "early_stopping": EarlyStopping,
    "head": Head,
    "init_from": InitFrom,
    "loss": Loss,
    "normalize": Normalize,
    "per_class": PerClass,
    "resources": Resources,
    "seeds": Rounds,
    "tuning": Tuning,
}

# What may have a space in place of the value of a key.
WITH_SPACES = ("Architecture", "Head", "Recipe", "Schedule", "EarlyStopping", "Loss")


def load_study(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study file; `overrides` replace its top-level keys. Raises StudyError."""
    return parse_study({**read_yaml(path), **(overrides or {})}, path)


def parse_study(config: Mapping[str, Any], path: Path | None = None) -> Study:
    """The study that a mapping means, cut by cut, in its smoke form when it says `smoke: true`.

    Plugin files lie beside `path`, the study file; it is read again only to find the lines of problems.
    Raises StudyError with every problem.
    """
    try:
        study = _with_plugins(understood(config), path.parent if path else Path())
        # The first hide what may follow.
        checks = (_unknown_names, _misfits, _empty_matrix, _unknown_origins, _broken_chains, tuning_problems)
        problems = next((found for check in checks if (found := list(check(study)))), [])
        study = study if problems else cut_by_cut(study)
    except ValidationError as error:
        # Unknown keys before missing ones: `epoch` is unknown, and therefore `epochs` missing.
        telling = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        problems = [_explained(problem) for problem in telling]
    except BakeoffError as error:
        problems = [error]
    if problems:
        raise StudyError("\n".join(located(problem, path) for problem in problems))
    return study


def warnings(study: Study, path: Path | None = None) -> list[str]:
    """What a study may say and hardly means, each with its place in the study file `path`. It stops nothing."""
    return [located(doubt, path) for doubt in questionable(study.as_written)]


def schema() -> dict[str, Any]:
    """The JSON schema of a study file."""
    found = Study.model_json_schema()
    found["$defs"]["Space"] = Space.model_json_schema()
    for name in WITH_SPACES:
        properties = found["$defs"][name]["properties"]
        for key in properties.keys() - {*itertools.chain(*FIXED.values())}:
            said = {part: properties[key].pop(part) for part in ("description", "default") if part in properties[key]}
            properties[key] = {"anyOf": [properties[key], {"$ref": "#/$defs/Space"}], **said}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _with_plugins(study: Study, folder: Path) -> Study:
    """The study with the paths of its plugin files, which lie in `folder`. Raises BakeoffError for names that clash."""
    if not study.plugins:
        return study
    study = study.model_copy(update={"plugins": tuple(str(folder / file) for file in study.plugins)})
    names = [Path(file).name for file in study.plugins]
    if len(set(names)) < len(names):
        raise BakeoffError(f"two files have the same name: {', '.join(sorted(names))}", ["plugins"])
    seen = {("metric", name): "Bakeoff" for name in METRICS}
    for item in study.declarations:
        if (item.kind, item.name) in seen:
            taken = f"{item.kind} {item.name!r} is registered by {seen[item.kind, item.name]} already"
            raise BakeoffError(f"{item.place}: {taken}; give one of the two another name", ["plugins"])
        seen[item.kind, item.name] = item.place
    return study


def _explained(problem: Any) -> BakeoffError:
    """One of pydantic's errors as ours: what was found, and what is allowed."""
    keys = [key for key in problem["loc"] if key != "[key]" and not _is_branch(key)]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = f"unknown key; {nearest(str(keys[-1]), _model_at(keys[:-1]).model_fields)}"
    elif problem["type"] == "missing":
        message = "is required and is missing"
    elif problem["type"] == "model_type":
        message = f"expected a mapping of keys; found {problem['input']!r}"
    elif not message.startswith(repr(problem["input"])) and not isinstance(problem["input"], dict | list):
        message = f"{message}; found {problem['input']!r}{_advice(problem)}"
    return BakeoffError(message, keys)


def _advice(problem: Any) -> str:
    """What was meant by a percentage in place of a share, and by a word that YAML takes for something else."""
    if problem["type"] == "less_than" and problem["ctx"]["lt"] == 1:
        return as_fraction(problem["input"])
    return "; quote what is text" if problem["type"] == "string_type" else ""


def _is_branch(key: str | int) -> bool:
    """Pydantic puts the branch of a union into the path of an error, which is no key of the file."""
    return isinstance(key, str) and (key in ("Normalize", "int", "float", "bool", "str") or "[" in key)


def _model_at(keys: Keys) -> type[Strict]:
    """What may stand at a place of a study file where not every key is allowed."""
    if not keys:
        return Study
    inner = [KEYS[str(key)] for key in (keys[0], *keys[2:]) if key in KEYS]  # keys[1] is the user's own name
    return inner[-1] if inner else Recipe


def _unknown_names(study: Study) -> Iterator[BakeoffError]:
    """Metrics that there are not, and names in blocks that are no entries of their axis."""
    choosing = [name for name, metric in study.metrics.items() if metric.every_epoch]
    if study.metric not in choosing:
        message = f"there is no metric {study.metric!r} to choose by; {nearest(study.metric, choosing)}"
        yield BakeoffError(message, ["metric"])
    for kind, axis in itertools.product(("experiments", "exclude"), AXES):
        entries = getattr(study, axis)
        for index, block in enumerate(getattr(study, kind)):
            for name in getattr(block, axis) or ():
                if name not in entries:
                    yield BakeoffError(f"{name!r} is no entry of {axis}; {nearest(name, entries)}", [kind, index, axis])
    for index, block in enumerate(study.experiments):
        for at, number in enumerate(block.published):
            if number.metric is not None and number.metric not in study.metrics:
                message = f"there is no metric {number.metric!r}; {nearest(number.metric, study.metrics)}"
                yield BakeoffError(message, ["experiments", index, "published", at, "metric"])


def _misfits(study: Study) -> Iterator[BakeoffError]:
    """Numbers that cannot be meant, and a metric that does not fit the data."""
    yield from impossible(study)
    yield from _no_race(study)
    yield from _no_cuts(study)
    for name, entry in study.datasets.items():
        if (task := task_of(entry)) is not None:
            try:
                check_metric(study.leading_metric, study.metrics, task, name)
            except BakeoffError as error:
                yield error


def _no_race(study: Study) -> Iterator[BakeoffError]:
    """What cannot be decided in rounds."""
    if study.rounds is None:
        return
    for name, recipe in study.recipes.items():
        if recipe.init_from:
            message = "cannot stand beside `seeds: {until: decided}`: the run it starts from may leave the race"
            yield BakeoffError(f"{message}; give a number of seeds", ["recipes", name, "init_from"])
    if study.rounds.claim == "other_images" and study.metric not in METRICS:
        message = f"there is no formula for what other images would do to {study.metric}; write claim: these_images"
        yield BakeoffError(message, ["seeds", "claim"])


def _no_cuts(study: Study) -> Iterator[BakeoffError]:
    """What stands beside no repeated splits: what is decided on one split is not decided on the others."""
    beside = {"`seeds: {until: decided}`": study.rounds, "`tuning`": study.tuning}
    for name, entry in study.datasets.items():
        for cut in cuts_of(name, entry)[:1]:
            for other in (said for said, value in beside.items() if value is not None):
                yield BakeoffError(
                    f"cannot stand beside {other}; leave one of the two out", ["datasets", name, cut.key]
                )


def _empty_matrix(study: Study) -> Iterator[BakeoffError]:
    if not study.cells:
        key = "exclude" if study.exclude else "experiments"
        yield BakeoffError("the matrix is empty: no experiment is left", [key])


def _unknown_origins(study: Study) -> Iterator[BakeoffError]:
    """Names and seeds in `init_from` that are not in the study."""
    seeds = study.seeds_of(next(iter(study.cells)))
    for recipe, entry in study.recipes.items():
        for key, value in (entry.init_from.model_dump(exclude_none=True) if entry.init_from else {}).items():
            allowed = [str(seed) for seed in seeds] if key == "seed" else list(getattr(study, f"{key}s"))
            if str(value) not in allowed:
                message = f"{value!r} is not in the study; {nearest(str(value), allowed)}"
                yield BakeoffError(message, ["recipes", recipe, "init_from", key])
            elif key == "dataset" and cuts_of(value, study.datasets[value]):
                message = f"{value!r} is split repeatedly; leave dataset out, and each run starts on its own cut"
                yield BakeoffError(message, ["recipes", recipe, "init_from", key])


def _broken_chains(study: Study) -> Iterator[BakeoffError]:
    """The first `init_from` that leads to a run outside the matrix, or back to where its chain started."""
    for run in runs(study):
        chain = [run]
        while (origin := parent(study, chain[-1])) is not None:
            keys = ["recipes", chain[-1].recipe, "init_from"]
            if origin.experiment not in study.cells or origin.seed not in study.seeds_of(origin.experiment):
                yield BakeoffError(f"{chain[-1].key} starts from {origin.key}, which is no run of this study", keys)
                return
            if origin in chain:
                circle = " → ".join(link.key for link in [*chain[chain.index(origin) :], origin])
                yield BakeoffError(f"runs start from each other in a circle: {circle}", keys)
                return
            chain.append(origin)
