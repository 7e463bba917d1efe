"""Reading a study file: every problem with its line and key, and what is allowed."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bakeoff.errors import BakeoffError, Keys
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import EarlyStopping, Head, InitFrom, Loss, Normalize, PerClass, Recipe, Resources, Strict
from bakeoff.study.matrix import AXES, Block
from bakeoff.study.metrics import METRICS
from bakeoff.study.smoke import smoke_form
from bakeoff.study.study import Published, Rungs, Study, StudyError, parent, runs

# Not ruamel.yaml, which keeps the lines of keys: it is 30 times slower, and reads `1e-3` and a key `y` as other types.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
}


def load_study(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study file; `overrides` replace its top-level keys. Raises StudyError."""
    return parse_study({**read_yaml(path), **(overrides or {})}, path)


def parse_study(config: Mapping[str, Any], path: Path | None = None) -> Study:
    """The study that a mapping means, in its smoke form when it says `smoke: true`.

    Plugin files lie beside `path`, the study file; it is read again only to find the lines of problems.
    Raises StudyError with every problem.
    """
    try:
        study = Study.model_validate(dict(config))
        if study.smoke:
            study = Study.model_validate(smoke_form(study.model_dump(exclude_unset=True)))
        study = _with_plugins(study, path.parent if path else Path())
        checks = (_unknown_names, _empty_matrix, _unknown_origins, _broken_chains)  # the first hide what may follow
        problems = next((found for check in checks if (found := list(check(study)))), [])
    except ValidationError as error:
        # Unknown keys before missing ones: `epoch` is unknown, and therefore `epochs` missing.
        telling = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        problems = [_explained(problem) for problem in telling]
    except BakeoffError as error:
        problems = [error]
    if problems:
        raise StudyError("\n".join(located(problem, path) for problem in problems))
    return study


def schema() -> dict[str, Any]:
    """The JSON schema of a study file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises StudyError with the line of what cannot be read or is given twice."""
    try:
        loader = LOADER(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        if (twice := _second_of_equal_keys(root)) is not None:
            line = twice.start_mark.line + 1
            raise StudyError(f"{path}:{line}: the key {twice.value!r} is given twice; keep one of the two")
        content = loader.construct_document(root) if root is not None else None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise StudyError(f"{path}{line}: is not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path}: expected a mapping of keys; found {type(content).__name__}")
    return content


def located(error: BakeoffError, path: Path | None) -> str:
    """An error with its place, as far as it is known: `config.yaml:14: optimizers.sgd.lr: must be above 0`.

    `path` is the YAML file that the error's keys are in.
    """
    if path is None:
        return str(error)
    line = _line(path, error.keys)
    return f"{path}:{line}: {error}" if line else f"{path}: {error}"


def _line(path: Path, keys: Keys) -> int | None:
    """The line of a key path in a YAML file, or of its deepest part that is there."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, yaml.YAMLError):
        return None
    line = 1
    for key in map(str, keys):
        children = {name: (start, value) for name, start, value in _children(node)}
        if key not in children:
            break
        start, node = children[key]
        line = start.start_mark.line + 1
    return line


def _second_of_equal_keys(node: yaml.Node | None) -> yaml.Node | None:
    """The second of two equal keys of a mapping, of which YAML readers would silently keep the last."""
    seen = set()
    for name, key, value in _children(node):
        if name in seen:
            return key
        seen.add(name)
        if (found := _second_of_equal_keys(value)) is not None:
            return found
    return None


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Of each value in a mapping or list: its key (in a list its number), where that stands, and the value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(number), item, item) for number, item in enumerate(node.value))


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
    elif not message.startswith(repr(problem["input"])) and not isinstance(problem["input"], dict | list):
        message = f"{message}; found {problem['input']!r}"
    return BakeoffError(message, keys)


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


def _empty_matrix(study: Study) -> Iterator[BakeoffError]:
    if not study.cells:
        key = "exclude" if study.exclude else "experiments"
        yield BakeoffError("the matrix is empty: no experiment is left", [key])


def _unknown_origins(study: Study) -> Iterator[BakeoffError]:
    """Names and seeds in `init_from` that are not in the study."""
    for recipe, entry in study.recipes.items():
        for key, value in (entry.init_from.model_dump(exclude_none=True) if entry.init_from else {}).items():
            allowed = [str(seed) for seed in study.seeds] if key == "seed" else list(getattr(study, f"{key}s"))
            if str(value) not in allowed:
                message = f"{value!r} is not in the study; {nearest(str(value), allowed)}"
                yield BakeoffError(message, ["recipes", recipe, "init_from", key])


def _broken_chains(study: Study) -> Iterator[BakeoffError]:
    """The first `init_from` that leads to a run outside the matrix, or back to where its chain started."""
    for run in runs(study):
        chain = [run]
        while (origin := parent(study, chain[-1])) is not None:
            keys = ["recipes", chain[-1].recipe, "init_from"]
            if origin.experiment not in study.cells or origin.seed not in study.seeds:
                yield BakeoffError(f"{chain[-1].key} starts from {origin.key}, which is no run of this study", keys)
                return
            if origin in chain:
                circle = " → ".join(link.key for link in [*chain[chain.index(origin) :], origin])
                yield BakeoffError(f"runs start from each other in a circle: {circle}", keys)
                return
            chain.append(origin)
