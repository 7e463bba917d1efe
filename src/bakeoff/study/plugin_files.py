"""A user's own models, sources, transforms and metrics: Python files that a study names under `plugins`.

Each is a function with a decorator of this module. Planning reads what a file registers from its text, without
importing it; commands that prepare data or train import it (`load_plugins`).
"""

import ast
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bakeoff.errors import BakeoffError, under
from bakeoff.study.metrics import METRICS, Metric, Task

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declaration:
    """A name that a plugin file registers; `options` are the decorator's keyword arguments."""

    kind: str
    name: str
    file: Path
    line: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Plugin:
    """A registered function."""

    name: str
    description: str
    build: Callable[..., Any]


# Filled when plugin files are imported; Bakeoff's registries look here after their own records.
REGISTRIES: dict[str, dict[str, Plugin]] = {"model": {}, "source": {}, "transform": {}, "metric": {}, "influence": {}}
_imported: set[str] = set()  # paths of plugin files, to find their frames in tracebacks


def model(name: str) -> Callable[[Function], Function]:
    """Register `build(images, **arguments) -> nn.Module`, input [B, channels, height, width], output [B, classes].

    `images` has channels, height, width and classes; the keyword arguments are what a study may give.
    """
    return _register("model", name)


def source(name: str) -> Callable[[Function], Function]:
    """Register `load(request, *, ...) -> SourceData`; bakeoff.data.source describes both types."""
    return _register("source", name)


def transform(name: str) -> Callable[[Function], Function]:
    """Register `build(shape, **arguments)`, which returns `apply(images, generator) -> images`.

    `shape` is [channels, height, width]; `images` are uint8 [B, channels, height, width] on the device, and so
    is what it returns. Random numbers come from `generator`, which is on the CPU.
    """
    return _register("transform", name)


def metric(
    name: str, *, task: str = "multi-class", label: str = "", higher_is_better: bool = True, percent: bool = True
) -> Callable[[Function], Function]:
    """Register `compute(logits, labels) -> float` for a whole split.

    `logits` are float32 [N, classes]; `labels` are int64 [N], or for the task "multi-label" uint8 [N, labels] of 0, 1
    and 255 (ignored). `label` is its name in reports; `percent` shows a fraction as a percentage.
    """
    return _register("metric", name)


def influence(metric: str) -> Callable[[Function], Function]:
    """Register `compute(logits, labels) -> [N]`: the influences of the images of a split on a plugin's metric.

    An influence is how the metric changes with the weight of an image, per unit of weight of all; for a mean over
    images, (value - mean) / N. Without it, the metric is called on parts of the test split (a jackknife).
    """
    return _register("influence", metric)


@under("plugins")
def declared_in(path: Path) -> tuple[Declaration, ...]:
    """What a file registers, read from its text. Raises BakeoffError with file and line when it cannot be read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BakeoffError(f"{path} cannot be read: {error.strerror}") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise BakeoffError(f"{path}{line}: is not Python: {error}") from error
    found = tuple(
        _declaration(decorator, path)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.ClassDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and _called(decorator) in REGISTRIES
    )
    if not found:
        kinds = ", ".join(f"@{kind}" for kind in REGISTRIES)
        advice = f"decorate a function with one of bakeoff.plugins: {kinds}"
        raise BakeoffError(f"{path} registers nothing; {advice}")
    return found


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@under("plugins")
def load_plugins(files: Iterable[str]) -> None:
    """Import plugin files, which registers what they declare. Raises BakeoffError when one cannot be imported."""
    for file in files:
        path = Path(file).resolve()
        specification = importlib.util.spec_from_file_location(f"bakeoff_plugin_{path.stem}", path)
        if specification is None or specification.loader is None:
            raise BakeoffError(f"{file} is not a Python file; its name must end in .py")
        module = importlib.util.module_from_spec(specification)
        sys.modules[specification.name] = module  # where dataclasses and pickle look for it
        _imported.add(str(path))
        try:
            specification.loader.exec_module(module)
        except Exception as error:  # a user's file raises whatever it likes
            raise BakeoffError(f"{file} cannot be imported: {reason(error)}") from error


def registered(kind: str, taken: Iterable[str]) -> dict[str, Plugin]:
    """What plugin files registered of a kind, by name. Raises BakeoffError for a name that is Bakeoff's own."""
    if both := sorted(REGISTRIES[kind].keys() & set(taken)):
        raise BakeoffError(f"{kind} {both[0]!r} is one of Bakeoff's own; give the plugin's another name")
    return REGISTRIES[kind]


def metrics_of(task: Task, known: Mapping[str, Metric]) -> dict[str, Plugin]:
    """The metrics of plugins that fit a task, by name. `known` are a study's: those that its plugin files declare.

    Raises BakeoffError for a name that is Bakeoff's own.
    """
    own = registered("metric", METRICS)
    return {name: metric for name, metric in own.items() if name in known and task in known[name].tasks}


def reason(error: BaseException) -> str:
    """What a user's function raised, and in which line: `KeyError: 'size' (my_parts.py:12)`."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _imported]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {lines[0]}' if lines else ''}{where}"


def _register(kind: str, name: str) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        summary = (function.__doc__ or "").strip().splitlines()
        REGISTRIES[kind][name] = Plugin(name, summary[0] if summary else "", function)
        return function

    return decorate


def _called(decorator: ast.Call) -> str:
    """The name of a decorator: `model` of `@model(...)` and of `@plugins.model(...)`."""
    function = decorator.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _declaration(decorator: ast.Call, path: Path) -> Declaration:
    kind, place = _called(decorator), f"{path}:{decorator.lineno}"
    try:
        names = [ast.literal_eval(argument) for argument in decorator.args]
        options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in decorator.keywords}
    except ValueError as error:
        advice = f"write @{kind}'s arguments as plain values; they are read without importing the file"
        raise BakeoffError(f"{place}: {advice}") from error
    name = names[0] if names else options.pop("name", None)
    if not isinstance(name, str):
        raise BakeoffError(f'{place}: @{kind} needs a name: @{kind}("my_{kind}")')
    return Declaration(kind, name, path, decorator.lineno, options)
