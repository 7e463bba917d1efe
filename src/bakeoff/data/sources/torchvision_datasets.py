"""The classification datasets of torchvision, by class name."""

import inspect
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.pixels import collect
from bakeoff.data.source import Labels, Pixels, Request, Source, SourceData
from bakeoff.data.sources.idx import find_idx, read_idx
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments, nearest

# What the classes call our splits, the likeliest first.
SPLIT_NAMES = {
    "train": ("train", "trainval", "train-standard"),
    "test": ("test", "val", "valid"),
    "validation": ("val", "valid"),
}
OURS = frozenset(
    {"self", "root", "train", "split", "transform", "target_transform", "transforms", "download", "loader"}
)
MNIST_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class NotThere(Exception):
    """The files of a dataset are not in its folder."""


def load(
    request: Request, *, dataset: str, test: float | None = None, check_md5: bool = True, **arguments: Any
) -> SourceData:
    """Read torchvision.datasets.DATASET from `root`; download it first where its files are missing.

    `test` is the share of test images for a dataset without a test split. With `check_md5: false` files
    that are not the original ones are taken as they are (CIFAR, SVHN, STL10). Further arguments are the class's own.
    MNIST-like files may also lie in `root` itself, plain or gzipped. Nothing is written to a root that has the files.
    """
    kind = _dataset_class(dataset, request.where)
    _check_class_arguments(kind, arguments, request.where)
    if not check_md5:
        kind = _without_md5(kind)
    if dataset == "STL10":
        kind = _without_unlabeled(kind)
    read = _read_idx_splits if _is_mnist_like(kind) else _read_class
    try:
        data = read(kind, request, arguments)
    except NotThere as absent:
        _download(kind, request, arguments, str(absent))
        try:
            data = read(kind, request, arguments)
        except NotThere as still:
            raise _unavailable(kind, request, str(still)) from still
    return _with_test_split(data, test, request)


def _dataset_class(name: str, where: str) -> Any:
    from torchvision import datasets

    names = [item for item in datasets.__all__ if inspect.isclass(getattr(datasets, item))]
    if name not in names:
        raise BakeoffError(f"{where}.dataset: torchvision has no dataset {name!r}; {nearest(name, names)}")
    return getattr(datasets, name)


def _check_class_arguments(kind: Any, arguments: dict[str, Any], where: str) -> None:
    """Some classes pass **kwargs to their parents; the parents' names count, and no others."""

    def everything() -> None:
        pass

    parameters = _parameters(kind)
    ignored = OURS - {"split"} if {"train", "split"} <= set(parameters) else OURS
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters.values() if p.name not in ignored]
    everything.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    check_arguments(everything, arguments, f"{where} ({kind.__name__})")


def _parameters(kind: Any) -> dict[str, inspect.Parameter]:
    found: dict[str, inspect.Parameter] = {}
    for ancestor in kind.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        own = inspect.signature(ancestor.__init__).parameters
        named = {name: p for name, p in own.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        found = {**named, **found}
        if len(named) == len(own):  # no **kwargs: it hears nothing of its parents' parameters
            break
    return found


# --- MNIST and its relatives: read by ourselves, in any layout ---


def _is_mnist_like(kind: Any) -> bool:
    from torchvision.datasets import MNIST, QMNIST

    return issubclass(kind, MNIST) and not issubclass(kind, QMNIST)


def _idx_names(kind: Any, arguments: dict[str, Any]) -> tuple[str, ...]:
    if kind.__name__ != "EMNIST":
        return MNIST_FILES
    return tuple(
        f"emnist-{arguments['split']}-{part}-{content}-ubyte"
        for part in ("train", "test")
        for content in ("images-idx3", "labels-idx1")
    )


def _read_idx_splits(kind: Any, request: Request, arguments: dict[str, Any]) -> SourceData:
    root = request.root
    folders = [root / kind.__name__ / "raw", root / kind.__name__, root / "raw", root]
    names = _idx_names(kind, arguments)
    files = [find_idx(folders, name) for name in names]
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    if missing:
        raise NotThere(", ".join(missing))
    train_images, train_labels, test_images, test_labels = (read_idx(file) for file in files if file is not None)
    splits = {}
    for split, images, labels in (("train", train_images, train_labels), ("test", test_images, test_labels)):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise BakeoffError(
                f"{request.where}: the {split} files in {root} do not fit together: "
                f"images {list(images.shape)}, labels {list(labels.shape)}"
            )
        splits[split] = (images[:, None], labels.astype(np.int64))
    classes = list(kind.classes_split_dict[arguments["split"]] if kind.__name__ == "EMNIST" else kind.classes)
    return _from_zero(SourceData(splits, classes))


def _from_zero(data: SourceData) -> SourceData:
    """EMNIST's letters are counted from 1, with a class that has no image in front."""
    if data.classes[0] != "N/A":
        return data
    splits = {split: (images, labels - np.int64(1)) for split, (images, labels) in data.splits.items()}
    return replace(data, splits=splits, classes=data.classes[1:])


# --- every other class: read by torchvision ---


def _read_class(kind: Any, request: Request, arguments: dict[str, Any]) -> SourceData:
    splits: dict[str, tuple[Pixels, Labels]] = {}
    classes: list[str] = []
    skipped: list[str] = []
    fitted = False
    for split, dataset in _open_splits(kind, request, arguments):
        arrays = _arrays(dataset)
        if arrays is None:
            fitted = True
            arrays, unread = _iterate(dataset, split, request)
            skipped += unread
        splits[split] = arrays
        classes = classes or _classes(dataset)
    if not classes:
        highest = max(int(labels.max()) for _, labels in splits.values() if len(labels))
        classes = [str(label) for label in range(highest + 1)]
    return SourceData(splits, classes, fitted=fitted, skipped=skipped)


def _open_splits(
    kind: Any, request: Request, arguments: dict[str, Any], download: bool = False
) -> Iterator[tuple[str, Any]]:
    """(our name of a split, the dataset object) for each split that the class has."""
    parameters = _parameters(kind)
    if download and "download" in parameters:
        arguments = {**arguments, "download": True}
    if "train" in parameters:
        for split in ("train", "test"):
            yield split, _construct(kind, request, {**arguments, "train": split == "train"})
        return
    if "split" not in parameters:
        yield "train", _construct(kind, request, arguments)
        return
    used: set[str] = set()
    for split, names in SPLIT_NAMES.items():
        for name in names:
            if name in used:
                continue
            try:
                dataset = _construct(kind, request, {**arguments, "split": name})
            except _UnknownSplit:
                continue
            used.add(name)
            yield split, dataset
            break


class _UnknownSplit(Exception):
    """A class has no split of that name."""


def _construct(kind: Any, request: Request, arguments: dict[str, Any]) -> Any:
    from urllib.error import URLError

    root = {"root": str(request.root)} if "root" in _parameters(kind) else {}
    try:
        return kind(**root, **arguments)
    except ValueError as error:
        if "split" in arguments and "split" in str(error):
            raise _UnknownSplit from error
        raise BakeoffError(f"{request.where}: {kind.__name__} refuses {arguments}: {error}") from error
    except ImportError as error:
        raise BakeoffError(f"{request.where}: {kind.__name__} needs another package: {error}") from error
    except (RuntimeError, URLError, OSError) as error:
        wrong = _present_but_not_original(kind, request)
        if wrong:
            raise BakeoffError(
                f"{request.where}: {', '.join(map(str, wrong))}: not the original file (its MD5 sum differs). "
                "Fetch the dataset again, or set check_md5: false to take the files as they are"
            ) from error
        missing = _missing(kind, request, arguments)
        if _known_files(kind, request.root, arguments) and not missing:
            raise _unreadable(kind, request, error) from error
        raise NotThere(missing or str(error)) from error
    except (EOFError, KeyError, pickle.UnpicklingError) as error:
        raise _unreadable(kind, request, error) from error


def _arrays(dataset: Any) -> tuple[Pixels, Labels] | None:
    """The images and labels that the class holds as arrays, if it does."""
    labels = getattr(dataset, "targets", getattr(dataset, "labels", None))
    images = getattr(dataset, "data", None)
    if labels is not None and hasattr(images, "shape"):
        pixels, targets = np.asarray(images), np.asarray(labels)
        if pixels.dtype == np.uint8 and pixels.ndim in (3, 4) and len(targets) == len(pixels) and targets.ndim <= 2:
            if targets.ndim == 2:  # QMNIST: the class, then where the digit came from
                targets = targets[:, 0]
            return _channels_first(pixels), targets.astype(np.int64)
    return None


def _channels_first(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3:
        return pixels[:, None]
    return pixels.transpose(0, 3, 1, 2) if pixels.shape[-1] in (1, 3) else pixels


def _iterate(dataset: Any, split: str, request: Request) -> tuple[tuple[Pixels, Labels], list[str]]:
    """Images, in the mode and size asked for, with their labels, and the names of those skipped."""
    targets = np.full(len(dataset), -1, np.int64)

    def image(row: int) -> Any:
        picture, target = dataset[row]
        if isinstance(target, bool) or not hasattr(target, "__index__"):
            raise BakeoffError(
                f"{request.where}: {type(dataset).__name__} is no dataset for classification with labels in its "
                f"{split} split: a target is {target!r}"
            )
        targets[row] = int(target)
        return picture

    collected = collect(len(dataset), image, lambda row: f"{split} image {row}", request, request.mode or "RGB")
    return (collected.images, targets[collected.rows]), collected.skipped


def _classes(dataset: Any) -> list[str]:
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None) or []
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]


def _with_test_split(data: SourceData, test: float | None, request: Request) -> SourceData:
    if "test" in data.splits:
        if test is not None:
            raise BakeoffError(f"{request.where}.test: this dataset has a test split of its own; remove test: {test}")
        return data
    if test is None:
        raise BakeoffError(f"{request.where}: this dataset has no test split; set test: 0.2 to split one off")
    return replace(data, test_share=test)


# --- files: which there should be, which are missing, and getting them ---


def _without_md5(kind: Any) -> Any:
    """The class with its MD5 sums removed: torchvision then only asks whether the files are there."""
    changes: dict[str, Any] = {}
    for name in ("train_list", "test_list"):
        if hasattr(kind, name):
            changes[name] = [[file, None] for file, _ in getattr(kind, name)]
    if hasattr(kind, "meta"):
        changes["meta"] = {**kind.meta, "md5": None}
    if hasattr(kind, "split_list"):
        changes["split_list"] = {split: [url, file, None] for split, (url, file, _) in kind.split_list.items()}
    return type(kind.__name__, (kind,), changes)


def _without_unlabeled(kind: Any) -> Any:
    """STL10 without its 2.6 GB of images that have no label, which it would otherwise insist on."""
    return type(kind.__name__, (kind,), {"train_list": kind.train_list[:2]})


def _known_files(kind: Any, root: Path, arguments: dict[str, Any]) -> list[tuple[Path, str | None]]:
    """The files that a class reads, with their MD5 sums, as far as the class says."""
    if _is_mnist_like(kind):
        return [(root / kind.__name__ / "raw" / name, None) for name in _idx_names(kind, arguments)]
    if hasattr(kind, "split_list"):
        return [(root / kind.split_list[split][1], kind.split_list[split][2]) for split in ("train", "test")]
    listed = [*getattr(kind, "train_list", []), *getattr(kind, "test_list", [])]
    if hasattr(kind, "meta"):
        listed.append([kind.meta["filename"], kind.meta["md5"]])
    return [(root / getattr(kind, "base_folder", "") / file, md5) for file, md5 in listed]


def _missing(kind: Any, request: Request, arguments: dict[str, Any]) -> str:
    files = [path for path, _ in _known_files(kind, request.root, arguments) if not path.is_file()]
    return ", ".join(path.relative_to(request.root).as_posix() for path in files)


def _present_but_not_original(kind: Any, request: Request) -> list[Path]:
    from torchvision.datasets.utils import check_integrity

    if _is_mnist_like(kind):
        return []
    files = _known_files(kind, request.root, {})
    return [path for path, md5 in files if path.is_file() and md5 is not None and not check_integrity(path, md5)]


def _download(kind: Any, request: Request, arguments: dict[str, Any], missing: str) -> None:
    """Let torchvision download the dataset. Raises BakeoffError when it cannot."""
    from urllib.error import URLError

    if "download" not in _parameters(kind):
        raise _unavailable(kind, request, missing, "torchvision cannot download it")
    try:
        with folder_to_write(request):
            for _ in _open_splits(kind, request, arguments, download=True):
                pass
    except (NotThere, RuntimeError, URLError, OSError) as error:
        raise _unavailable(kind, request, missing, f"the download failed: {_root_cause(error)}") from error


@contextmanager
def folder_to_write(request: Request) -> Iterator[None]:
    """Only one download at a time, since datasets may share files; a failed one leaves no empty folders."""
    from filelock import FileLock

    root = request.root
    absent = [folder for folder in (root, *root.parents) if not folder.exists()]
    lock = FileLock(request.scratch.parent / ".download.lock") if request.scratch else nullcontext()
    with lock:
        root.mkdir(parents=True, exist_ok=True)
        before = set(root.rglob("*"))
        try:
            yield
        finally:
            added = [path for path in root.rglob("*") if path.is_dir() and path not in before]
            _remove_empty([*sorted(added, reverse=True), *absent])


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _unreadable(kind: Any, request: Request, error: Exception) -> BakeoffError:
    return BakeoffError(
        f"{request.where}: {kind.__name__} in {request.root} cannot be read: {_root_cause(error)}. "
        "The files are damaged or of another version; fetch them again"
    )


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _unavailable(kind: Any, request: Request, missing: str, reason: str = "") -> BakeoffError:
    advice = "Put the files there, set root to the folder that has them, or run where the network can be reached"
    if kind.__name__ == "FashionMNIST":
        advice += "; Debian's package dataset-fashion-mnist puts them into /usr/share/datasets/fashion-mnist"
    return BakeoffError(
        f"{request.where}: torchvision's {kind.__name__} is not in {request.root} (missing: {missing})"
        + (f", and {reason}" if reason else "")
        + f". {advice}"
    )


def _check(where: str, arguments: dict[str, Any]) -> None:
    own = {name: value for name, value in arguments.items() if name not in ("dataset", "test", "check_md5")}
    _check_class_arguments(_dataset_class(str(arguments["dataset"]), where), own, where)


TORCHVISION = Source("torchvision", "a classification dataset of torchvision.datasets, by class name", load, _check)
