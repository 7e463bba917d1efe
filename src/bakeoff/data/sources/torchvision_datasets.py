"""The classification datasets of torchvision, by class name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.error import URLError

from bakeoff.data.source import Request, Source, SourceData
from bakeoff.data.sources.downloads import folder_to_write
from bakeoff.data.sources.mnist import mnist_files, read_mnist
from bakeoff.data.sources.torchvision_classes import (
    Arguments,
    NotThere,
    Wanted,
    check_class_arguments,
    find_class,
    open_splits,
    parameters_of,
    root_cause,
)
from bakeoff.data.sources.torchvision_reading import read_with_torchvision
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest

Files = Sequence[tuple[str, str | None]]  # path below root, MD5 sum where one is known


@dataclass(frozen=True)
class Known:
    """What Bakeoff knows of a class beyond its signature.

    `files(kind, arguments)` are those that the class reads. `changes(kind, check_md5)` are attributes that replace the
    class's own. `read` is how images and labels are had. `allowed` are the values of an argument, `advice` is for a
    user who lacks the files.
    """

    name: str
    files: Callable[[Any, Arguments], Files] = lambda kind, arguments: []
    changes: Callable[[Any, bool], dict[str, Any]] = lambda kind, check_md5: {}
    read: Callable[[Wanted], SourceData] = read_with_torchvision
    allowed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    advice: str = ""


# --- CIFAR and STL10 list their files as [name, MD5] in train_list and test_list, one more in meta ---


def _listed_files(kind: Any, arguments: Arguments) -> Files:
    meta = [(kind.meta["filename"], kind.meta["md5"])] if hasattr(kind, "meta") else []
    return [(f"{kind.base_folder}/{file}", md5) for file, md5 in (*kind.train_list, *kind.test_list, *meta)]


def _listed_changes(kind: Any, check_md5: bool) -> dict[str, Any]:
    """Without MD5 sums torchvision only asks whether the files are there."""
    if check_md5:
        return {}
    lists = {name: [[file, None] for file, _ in getattr(kind, name)] for name in ("train_list", "test_list")}
    return {**lists, "meta": {**kind.meta, "md5": None}} if hasattr(kind, "meta") else lists


def _stl10_changes(kind: Any, check_md5: bool) -> dict[str, Any]:
    """Leaves out the 2.6 GB of images without labels, which torchvision would otherwise insist on."""
    changes = _listed_changes(kind, check_md5)
    return {**changes, "train_list": changes.get("train_list", kind.train_list)[:2]}


# --- SVHN and USPS list theirs as split: [URL, name, MD5] in split_list ---


def _split_files(kind: Any, arguments: Arguments) -> Files:
    return [(kind.split_list[split][1], kind.split_list[split][2]) for split in ("train", "test")]


def _split_changes(kind: Any, check_md5: bool) -> dict[str, Any]:
    if check_md5:
        return {}
    return {"split_list": {split: [url, file, None] for split, (url, file, _) in kind.split_list.items()}}


DEBIAN = "Debian's package dataset-fashion-mnist puts them into /usr/share/datasets/fashion-mnist"
EMNIST_SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
KNOWN = {
    record.name: record
    for record in (
        Known("MNIST", mnist_files, read=read_mnist),
        Known("FashionMNIST", mnist_files, read=read_mnist, advice=DEBIAN),
        Known("KMNIST", mnist_files, read=read_mnist),
        Known("EMNIST", mnist_files, read=read_mnist, allowed={"split": EMNIST_SPLITS}),
        Known("CIFAR10", _listed_files, _listed_changes),
        Known("CIFAR100", _listed_files, _listed_changes),
        Known("STL10", _listed_files, _stl10_changes),
        Known("SVHN", _split_files, _split_changes),
        Known("USPS", _split_files, _split_changes),
    )
}


def load(
    request: Request, *, dataset: str, test: float | None = None, check_md5: bool = True, **arguments: Any
) -> SourceData:
    """Read torchvision.datasets.DATASET from `root`; download it first where its files are missing.

    `test` is the share of test images for a dataset without a test split. With `check_md5: false` files
    that are not the original ones are taken as they are (CIFAR, SVHN, STL10, USPS). Further arguments are the class's
    own. MNIST-like files may also lie in `root` itself, plain or gzipped. Nothing is written to a root that has the
    files.
    """
    _check(request.where, {"dataset": dataset, **arguments})
    known, kind = KNOWN.get(dataset, Known(dataset)), find_class(dataset, request.where)
    kind = type(kind.__name__, (kind,), known.changes(kind, check_md5))
    files = [(request.root / file, md5) for file, md5 in known.files(kind, arguments)]
    wanted = Wanted(kind, request, arguments, files)
    try:
        data = known.read(wanted)
    except NotThere as absent:
        _download(wanted, known, str(absent))
        try:
            data = known.read(wanted)
        except NotThere as still:
            raise _unavailable(wanted, known, str(still)) from still
    return _with_test_split(data, test, request)


def _with_test_split(data: SourceData, test: float | None, request: Request) -> SourceData:
    if "test" in data.splits:
        if test is not None:
            raise BakeoffError(f"{request.where}.test: this dataset has a test split of its own; remove test: {test}")
        return data
    if test is None:
        raise BakeoffError(f"{request.where}: this dataset has no test split; set test: 0.2 to split one off")
    return replace(data, test_share=test)


def _download(wanted: Wanted, known: Known, missing: str) -> None:
    """Let torchvision download the dataset. Raises BakeoffError when it cannot."""
    if "download" not in parameters_of(wanted.kind):
        raise _unavailable(wanted, known, missing, "torchvision cannot download it")
    try:
        with folder_to_write(wanted.request):
            for _ in open_splits(wanted, download=True):
                pass
    except (NotThere, RuntimeError, URLError, OSError) as error:
        raise _unavailable(wanted, known, missing, f"the download failed: {root_cause(error)}") from error


def _unavailable(wanted: Wanted, known: Known, missing: str, reason: str = "") -> BakeoffError:
    return BakeoffError(
        f"{wanted.request.where}: torchvision's {wanted.name} is not in {wanted.request.root} (missing: {missing})"
        + (f", and {reason}" if reason else "")
        + ". Put the files there, set root to the folder that has them, or run where the network can be reached"
        + (f"; {known.advice}" if known.advice else "")
    )


def _check(where: str, arguments: dict[str, Any]) -> None:
    name = str(arguments["dataset"])
    own = {key: value for key, value in arguments.items() if key not in ("dataset", "test", "check_md5")}
    check_class_arguments(find_class(name, where), own, where)
    for key, allowed in KNOWN[name].allowed.items() if name in KNOWN else ():
        if key in own and own[key] not in allowed:
            raise BakeoffError(f"{where}.{key}: found {own[key]!r}; {nearest(own[key], allowed)}")


TORCHVISION = Source("torchvision", "a classification dataset of torchvision.datasets, by class name", load, _check)
