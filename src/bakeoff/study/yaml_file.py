"""A YAML file: its content, the lines of its keys, and values that YAML reads as something else than is written."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from bakeoff.errors import BakeoffError, Keys
from bakeoff.study.study import StudyError

# Not ruamel.yaml, which keeps the lines of keys: it is 30 times slower, and reads `1e-3` and a key `y` as other types.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOTHING = "tag:yaml.org,2002:null"
# Never meant as the name of a key, though YAML 1.1 reads `on`, `no`, `null` and `2024-05-01` so.
NO_NAMES = ("tag:yaml.org,2002:bool", NOTHING, "tag:yaml.org,2002:timestamp")
LEADING_ZERO = re.compile(r"[-+]?0[\d_]*\d")
BASE_60 = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises StudyError with the line of what cannot be read, of keys that are given twice, and of names and numbers that
    YAML takes for something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        advice = "name a study file that is there, as `bakeoff run my_study.yaml` does"
        raise StudyError(f"{path}: cannot be read: {error.strerror}; {advice}") from error
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text: {error}") from error
    content = _content(text, lambda line: f"{path}:{line}", str(path))
    if not isinstance(content, dict):
        raise StudyError(f"{path}: expected a mapping of keys; found {type(content).__name__}")
    return content


def read_value(text: str, place: str) -> Any:
    """The value of a top-level key, written at `place`: in one line of YAML. Raises StudyError as `read_yaml` does."""
    return _content(text, lambda line: place, place, depth=1)


def located(error: BakeoffError, path: Path | None) -> str:
    """An error with its place, as far as it is known: `config.yaml:14: optimizers.sgd.lr: must be above 0`.

    `path` is the YAML file that the error's keys are in.
    """
    if path is None:
        return str(error)
    line = _line(path, error.keys)
    return f"{path}:{line}: {error}" if line else f"{path}: {error}"


def number_or_text(text: str) -> Any:
    """What a text means as a value of YAML: a number, true, false, or the text; `010` and `1:30` stay text."""
    if LEADING_ZERO.fullmatch(text) or BASE_60.fullmatch(text):
        return text
    try:
        value = yaml.load(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError):
        return text
    return value if isinstance(value, int | float) else text


def _content(text: str, at: Callable[[int], str], somewhere: str, depth: int = 0) -> Any:
    """What YAML means, whose root is as deep in a study. `at` a line, or `somewhere`, is what a StudyError names."""
    try:
        loader = LOADER(text)
        root = loader.get_single_node()
        if traps := [f"{at(node.start_mark.line + 1)}: {message}" for node, message in _traps(root, depth)]:
            raise StudyError("\n".join(dict.fromkeys(traps)))
        return loader.construct_document(root) if root is not None else None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: 2024-13-45 as a date
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or error
        if mark and "\t" in (text.splitlines()[mark.line : mark.line + 1] or [""])[0]:
            problem = "the line has a tab; YAML is indented with blanks"
        raise StudyError(f"{at(mark.line + 1) if mark else somewhere}: is not YAML: {problem}") from error


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


def _traps(node: yaml.Node | None, depth: int = 0) -> Iterator[tuple[yaml.Node, str]]:
    """Nodes that YAML reads otherwise than people do, and what to write instead."""
    if isinstance(node, yaml.ScalarNode) and not node.style:
        if LEADING_ZERO.fullmatch(node.value):
            yield (
                node,
                f"{node.value}: YAML reads numbers that begin with 0 as octal; write it without the 0, or quote it",
            )
        elif BASE_60.fullmatch(node.value):
            yield node, f"{node.value}: YAML reads it as a number in base 60; quote it"
    seen = set()
    for name, key, value in _children(node):
        if isinstance(node, yaml.MappingNode):
            if name in seen:
                yield key, f"the key {name!r} is given twice; keep one of the two"
            seen.add(name)
            if key.tag.endswith(":int") and value.tag == NOTHING and not value.value:  # {lr: 0,001}
                yield key, f"{name} stands alone after a comma; a decimal number takes a point, as 0.001 does"
            # At the top and among names of entries a number is none either; deeper a key may be one.
            elif key.tag in NO_NAMES or (depth < 2 and key.tag.endswith((":int", ":float"))):
                yield key, f'YAML reads the name {name or "~"} as {_as_read(key)}; quote it: "{name or "~"}"'
        yield from _traps(value, depth + 1)


def _as_read(node: yaml.Node) -> str:
    kind = node.tag.rpartition(":")[2]
    return {"bool": "true or false", "null": "nothing", "timestamp": "a date"}.get(kind, "a number")


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Of each value in a mapping or list: its key (in a list its number), where that stands, and the value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(number), item, item) for number, item in enumerate(node.value))
