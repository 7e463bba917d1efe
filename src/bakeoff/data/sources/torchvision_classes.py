"""Opening a class of torchvision.datasets: its parameters, its splits, its files, and what can be wrong with them."""

import inspect
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from bakeoff.data.source import Request
from bakeoff.data.sources.walking import is_left_behind
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments, nearest

BASE_CLASSES = {"DatasetFolder", "VisionDataset"}
# What the classes call our splits, the likeliest first.
SPLIT_NAMES = {
    "train": ("train", "trainval", "train-standard"),
    "test": ("test", "val", "valid"),
    "validation": ("val", "valid"),
}
GIVEN = frozenset(
    {"self", "root", "train", "split", "transform", "target_transform", "transforms", "download", "loader"}
)

Arguments = Mapping[str, Any]  # those of the class that a study gives


class NotThere(Exception):
    """The files of a dataset are not in its folder."""


class _UnknownSplit(Exception):
    """A class has no split of that name."""


@dataclass(frozen=True)
class Wanted:
    """A class as a study asks for it. `files` are those that it reads, each with its MD5 sum or None, if it says so."""

    kind: Any
    request: Request
    arguments: Arguments
    files: list[tuple[Path, str | None]]

    @property
    def name(self) -> str:
        return self.kind.__name__


def find_class(name: str) -> Any:
    """The class of that name. Raises BakeoffError."""
    from torchvision import datasets

    names = [item for item in datasets.__all__ if item not in BASE_CLASSES and inspect.isclass(getattr(datasets, item))]
    if name not in names:
        raise BakeoffError(f"torchvision has no dataset {name!r}; {nearest(name, names)}", ["dataset"])
    return getattr(datasets, name)


def of_visible_files(kind: Any) -> Any:
    """The same class; one that walks folders, such as ImageFolder, without what never counts (`is_left_behind`)."""
    from torchvision.datasets import DatasetFolder

    if not issubclass(kind, DatasetFolder):
        return kind

    def find_classes(self: Any, directory: str) -> tuple[list[str], dict[str, int]]:
        names = [name for name in kind.find_classes(self, directory)[0] if not is_left_behind(name)]
        return names, {name: number for number, name in enumerate(names)}

    def make_dataset(directory: str, *arguments: Any, **named: Any) -> list[tuple[str, int]]:
        samples = kind.make_dataset(directory, *arguments, **named)
        return [(file, label) for file, label in samples if _is_visible(Path(file).relative_to(directory))]

    return type(kind.__name__, (kind,), {"find_classes": find_classes, "make_dataset": staticmethod(make_dataset)})


def parameters_of(kind: Any) -> dict[str, inspect.Parameter]:
    """The named parameters of a class. Some classes pass **kwargs on: then those of their parents, too."""
    found: dict[str, inspect.Parameter] = {}
    for ancestor in kind.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        own = inspect.signature(ancestor.__init__).parameters
        named = {name: p for name, p in own.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        found = {**named, **found}
        if len(named) == len(own):  # no **kwargs: what its parents take is out of reach
            break
    return found


def check_class_arguments(kind: Any, arguments: Arguments) -> None:
    """Raise BakeoffError for an argument that the class does not take, or that Bakeoff gives itself."""

    def all_named() -> None:
        pass

    parameters = parameters_of(kind)
    # EMNIST has both `train` and `split`: there `split` is the study's to say.
    given = GIVEN - {"split"} if {"train", "split"} <= set(parameters) else GIVEN
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters.values() if p.name not in given]
    all_named.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    check_arguments(all_named, arguments, kind.__name__)


def open_splits(wanted: Wanted, download: bool = False) -> Iterator[tuple[str, Any]]:
    """(our name of a split, the dataset object) for each split that the class has.

    Raises NotThere for missing files, and BakeoffError for damaged files or values that the class refuses.
    """
    parameters, arguments = parameters_of(wanted.kind), dict(wanted.arguments)
    if download and "download" in parameters:
        arguments["download"] = True
    if "train" in parameters:
        for split in ("train", "test"):
            yield split, _construct(wanted, {**arguments, "train": split == "train"})
    elif "split" not in parameters:
        yield "train", _construct(wanted, arguments)
    else:
        used: set[str] = set()
        for split, names in SPLIT_NAMES.items():
            for name in names:
                if name in used:
                    continue
                try:
                    dataset = _construct(wanted, {**arguments, "split": name})
                except _UnknownSplit:
                    continue
                used.add(name)
                yield split, dataset
                break


def _is_visible(path: Path) -> bool:
    return not any(is_left_behind(part) for part in path.parts)


def _construct(wanted: Wanted, arguments: Arguments) -> Any:
    root = {"root": str(wanted.request.root)} if "root" in parameters_of(wanted.kind) else {}
    try:
        return wanted.kind(**root, **arguments)
    except ValueError as error:
        if "split" in arguments and "split" in str(error):
            raise _UnknownSplit from error
        raise BakeoffError(f"{wanted.name} refuses {arguments}: {error}") from error
    except ImportError as error:
        raise BakeoffError(f"{wanted.name} needs another package: {error}") from error
    except (RuntimeError, URLError, OSError) as error:
        raise _file_problem(wanted, error) from error
    except (EOFError, KeyError, pickle.UnpicklingError) as error:
        raise _unreadable(wanted, error) from error


def _file_problem(wanted: Wanted, error: Exception) -> NotThere | BakeoffError:
    """Why a class could not read its files: they are not the original ones, are missing, or are damaged."""
    from torchvision.datasets.utils import check_integrity

    present = [(path, md5) for path, md5 in wanted.files if path.is_file()]
    changed = [path for path, md5 in present if md5 is not None and not check_integrity(path, md5)]
    if changed:
        return BakeoffError(
            f"{', '.join(map(str, changed))}: not the original file (its MD5 sum differs). "
            "Fetch the dataset again, or set check_md5: false to take the files as they are"
        )
    missing = [path.relative_to(wanted.request.root).as_posix() for path, _ in wanted.files if not path.is_file()]
    if wanted.files and not missing:
        return _unreadable(wanted, error)
    return NotThere(", ".join(missing) or str(error))


def _unreadable(wanted: Wanted, error: Exception) -> BakeoffError:
    return BakeoffError(
        f"{wanted.name} in {wanted.request.root} cannot be read: {root_cause(error)}. "
        "The files are damaged or of another version; fetch them again"
    )


def root_cause(error: BaseException) -> str:
    """The last line of what the first of a chain of errors says."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
