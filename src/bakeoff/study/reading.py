"""Reading a study file: every problem with its line and key, and what is allowed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import EarlyStopping, Head, InitFrom, Loss, Normalize, PerClass, Recipe, Resources, Strict
from bakeoff.study.matrix import AXES, Block
from bakeoff.study.metrics import METRICS
from bakeoff.study.smoke import smoke_form
from bakeoff.study.study import Published, Rungs, Study, StudyError, parent, runs


def load_study(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study file; `overrides` replace its top-level keys. Raises StudyError."""
    return parse_study({**read_yaml(path), **(overrides or {})}, path)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises StudyError with the line of what cannot be read, or stands twice."""
    try:
        text = path.read_text(encoding="utf-8")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        twice = _key_that_stands_twice(yaml.compose(text, Loader=loader))
        content = yaml.load(text, Loader=loader)
    except OSError as error:
        raise StudyError(f"{path}: cannot read the study file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise StudyError(f"{path}{line}: is not YAML: {getattr(error, 'problem', error)}") from error
    if twice is not None:
        raise StudyError(
            f"{path}:{twice.start_mark.line + 1}: the key {twice.value!r} stands twice; keep one of the two"
        )
    if not isinstance(content, dict):
        raise StudyError(f"{path}: a study is a mapping of keys; found {type(content).__name__}")
    return content


def _key_that_stands_twice(node: yaml.Node | None) -> yaml.Node | None:
    """The second of two equal keys of a mapping: YAML readers silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                return key
            seen.add(key.value if isinstance(key.value, str) else None)
            if (found := _key_that_stands_twice(value)) is not None:
                return found
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if (found := _key_that_stands_twice(item)) is not None:
                return found
    return None


def parse_study(config: Mapping[str, Any], path: Path | None = None) -> Study:
    """The study that a mapping means, in its smoke form when it says `smoke: true`. Raises StudyError.

    `path` is only read to say the lines of problems.
    """
    try:
        study = Study.model_validate(dict(config))
        if study.smoke:
            study = Study.model_validate(smoke_form(study.model_dump(exclude_unset=True)))
    except ValidationError as error:
        raise StudyError(
            "\n".join(_explain(problem, path) for problem in _most_telling_first(error.errors()))
        ) from None
    if study.plugins:
        study = _with_plugins(study, path)
    problems = [place(path, keys) + message for keys, message in _inconsistencies(study)]
    if problems:
        raise StudyError("\n".join(problems))
    return study


def _with_plugins(study: Study, path: Path | None) -> Study:
    """The study with the paths of its plugin files, which lie beside the study file, and their names read."""
    folder = path.parent if path else Path()
    study = study.model_copy(update={"plugins": tuple(str(folder / file) for file in study.plugins)})
    names = [Path(file).name for file in study.plugins]
    if len(set(names)) < len(names):
        raise StudyError(place(path, ["plugins"]) + f"two files have the same name: {', '.join(sorted(names))}")
    try:
        declared = study.declarations
    except BakeoffError as error:
        raise StudyError(place(path, ["plugins"]) + str(error).removeprefix("plugins: ")) from None
    seen = {("metric", name): "Bakeoff" for name in METRICS}
    for item in declared:
        if (item.kind, item.name) in seen:
            first = seen[item.kind, item.name]
            message = f"{item.file}:{item.line}: {item.kind} {item.name!r} is registered by {first} already"
            raise StudyError(f"{place(path, ['plugins'])}{message}; give one of the two another name")
        seen[item.kind, item.name] = f"{item.file}:{item.line}"
    return study


def place(path: Path | None, keys: Sequence[str | int]) -> str:
    """`config.yaml:14: optimizers.sgd.lr: `, as far as it can be known."""
    dotted = ".".join(str(key) for key in keys)
    line = _line(path, keys) if path else None
    where = f"{path}:{line}: " if line else (f"{path}: " if path else "")
    return f"{where}{dotted}: " if dotted else where


def _line(path: Path, keys: Sequence[str | int]) -> int | None:
    """The line of a key path in a YAML file; of its deepest part that is there."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError):
        return None
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = [(name, value) for name, value in node.value if str(name.value) == str(key)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = [(node.value[key], node.value[key])]
        else:
            found = []
        if not found:
            break
        line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _most_telling_first(problems: Sequence[Any]) -> list[Any]:
    """Unknown keys before missing ones: `epoch` is unknown, and therefore `epochs` missing."""
    return sorted(problems, key=lambda problem: problem["type"] != "extra_forbidden")


def _explain(problem: Any, path: Path | None) -> str:
    """One line for one of pydantic's errors: place, what was found, what is allowed."""
    keys = [key for key in problem["loc"] if key != "[key]" and not _is_branch(key)]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = f"unknown key; {nearest(str(keys[-1]), _fields_at(keys[:-1]))}"
    elif problem["type"] == "missing":
        message = "is required and is missing"
    elif not message.startswith(repr(problem["input"])) and not isinstance(problem["input"], dict | list):
        message = f"{message}; found {problem['input']!r}"
    return place(path, keys) + message


def _is_branch(key: str | int) -> bool:
    """Pydantic puts the branch of a union into the path of an error; it is no key of the file."""
    return isinstance(key, str) and (key in ("Normalize", "int", "float", "bool", "str") or "[" in key)


def _fields_at(keys: Sequence[str | int]) -> list[str]:
    """The keys that may stand at a place of a study file."""
    if not keys:
        return list(Study.model_fields)
    if keys[0] == "experiments":
        return list((Published if "published" in keys else Rungs).model_fields)
    if keys[0] == "exclude":
        return list(Block.model_fields)
    nested: dict[str, type[Strict]] = {
        "early_stopping": EarlyStopping,
        "head": Head,
        "init_from": InitFrom,
        "loss": Loss,
        "normalize": Normalize,
        "per_class": PerClass,
        "resources": Resources,
    }
    inner = nested.get(str(keys[-1])) if len(keys) > 2 else None
    return list((inner or Recipe).model_fields)


def _inconsistencies(study: Study) -> list[tuple[list[str | int], str]]:
    """Problems between entries: (key path, message)."""
    problems: list[tuple[list[str | int], str]] = []
    choosing = [name for name, metric in study.metrics.items() if metric.every_epoch]
    if study.metric not in choosing:
        problems.append(
            (["metric"], f"there is no metric {study.metric!r} to choose by; {nearest(study.metric, choosing)}")
        )
    for kind in ("experiments", "exclude"):
        for index, block in enumerate(getattr(study, kind)):
            for axis in AXES:
                for name in getattr(block, axis) or ():
                    if name not in getattr(study, axis):
                        message = f"{name!r} is no entry of {axis}; {nearest(name, list(getattr(study, axis)))}"
                        problems.append(([kind, index, axis], message))
    for index, block in enumerate(study.experiments):
        for at, number in enumerate(block.published):
            if number.metric is not None and number.metric not in study.metrics:
                message = f"there is no metric {number.metric!r}; {nearest(number.metric, study.metrics)}"
                problems.append((["experiments", index, "published", at, "metric"], message))
    if problems:
        return problems
    if not study.cells:
        return [(["exclude" if study.exclude else "experiments"], "the matrix is empty: no experiment is left")]
    for name, recipe in study.recipes.items():
        for key, value in (recipe.init_from.model_dump(exclude_none=True) if recipe.init_from else {}).items():
            allowed = [str(seed) for seed in study.seeds] if key == "seed" else list(getattr(study, f"{key}s"))
            if str(value) not in allowed:
                problems.append(
                    (
                        ["recipes", name, "init_from", key],
                        f"{value!r} is not in the study; {nearest(str(value), allowed)}",
                    )
                )
    return problems or _broken_chains(study)


def _broken_chains(study: Study) -> list[tuple[list[str | int], str]]:
    """init_from edges that lead to a run outside the matrix, or back to where they started."""
    planned = study.cells
    for run in runs(study):
        chain = [run]
        while (origin := parent(study, chain[-1])) is not None:
            keys: list[str | int] = ["recipes", chain[-1].recipe, "init_from"]
            if origin.experiment not in planned or origin.seed not in study.seeds:
                return [(keys, f"{chain[-1].key} starts from {origin.key}, which is no run of this study")]
            if origin in chain:
                circle = " → ".join(link.key for link in [*chain[chain.index(origin) :], origin])
                return [(keys, f"runs start from each other in a circle: {circle}")]
            chain.append(origin)
    return []


def schema() -> dict[str, Any]:
    """The JSON schema of a study file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
