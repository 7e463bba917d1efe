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
    of_visible_files,
    open_splits,
    parameters_of,
    root_cause,
)
from bakeoff.data.sources.torchvision_reading import read_with_torchvision
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest


def _listed_files(kind: Any, arguments: Arguments) -> list[tuple[str, str | None]]:
    """(path below root, MD5 sum) of the files that a class lists: CIFAR and STL10 in train_list, test_list and meta,
    SVHN and USPS in split_list. Other classes list none."""
    meta = [(kind.meta["filename"], kind.meta["md5"])] if hasattr(kind, "meta") else []
    files = [*getattr(kind, "train_list", []), *getattr(kind, "test_list", []), *meta]
    in_splits = [file[1:] for split, file in getattr(kind, "split_list", {}).items() if split in ("train", "test")]
    return [(f"{kind.base_folder}/{file}", md5) for file, md5 in files] + [(file, md5) for file, md5 in in_splits]


def _without_md5(kind: Any) -> dict[str, Any]:
    """The same lists without MD5 sums: with them torchvision only asks whether the files are there."""
    lists = {name: getattr(kind, name) for name in ("train_list", "test_list") if hasattr(kind, name)}
    changes: dict[str, Any] = {name: [[file, None] for file, _ in files] for name, files in lists.items()}
    if hasattr(kind, "meta"):
        changes["meta"] = {**kind.meta, "md5": None}
    if hasattr(kind, "split_list"):
        changes["split_list"] = {split: [url, file, None] for split, (url, file, _) in kind.split_list.items()}
    return changes


@dataclass(frozen=True)
class Known:
    """What Bakeoff knows of a class beyond what the class says itself.

    `files(kind, arguments)` are (path below root, MD5 sum or None) of the files that it reads; of `train_list` only the
    first `train_files` are needed. `read` gets the images and labels. `allowed` are the values that an argument may
    have. `advice` says where else the files can be had.
    """

    name: str
    files: Callable[[Any, Arguments], Sequence[tuple[str, str | None]]] = _listed_files
    read: Callable[[Wanted], SourceData] = read_with_torchvision
    train_files: int | None = None
    allowed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    advice: str = ""


DEBIAN = "; Debian's package dataset-fashion-mnist puts them into /usr/share/datasets/fashion-mnist"
EMNIST_SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
KNOWN = {
    record.name: record
    for record in (
        Known("MNIST", mnist_files, read_mnist),
        Known("FashionMNIST", mnist_files, read_mnist, advice=DEBIAN),
        Known("KMNIST", mnist_files, read_mnist),
        Known("EMNIST", mnist_files, read_mnist, allowed={"split": EMNIST_SPLITS}),
        Known("STL10", train_files=2),  # the third, of 2.6 GB, holds images without labels
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
    known, kind = KNOWN.get(dataset, Known(dataset)), of_visible_files(find_class(dataset))
    if not check_md5:
        kind = type(dataset, (kind,), _without_md5(kind))
    if known.train_files:
        kind = type(dataset, (kind,), {"train_list": kind.train_list[: known.train_files]})
    files = [(request.root / file, md5) for file, md5 in known.files(kind, arguments)]
    wanted = Wanted(kind, request, arguments, files)
    try:
        data = known.read(wanted)
    except NotThere as absent:
        _download(wanted, str(absent), known.advice)
        try:
            data = known.read(wanted)
        except NotThere as still:
            raise _unavailable(wanted, str(still), known.advice) from still
    return _with_test_split(data, test)


def _with_test_split(data: SourceData, test: float | None) -> SourceData:
    if "test" in data.splits:
        if test is not None:
            raise BakeoffError(f"this dataset has a test split of its own; remove test: {test}", ["test"])
        return data
    if test is None:
        raise BakeoffError("this dataset has no test split; set test: 0.2 to split one off")
    return replace(data, test_share=test)


def _download(wanted: Wanted, missing: str, advice: str) -> None:
    """Let torchvision download the dataset. Raises BakeoffError when it cannot."""
    if "download" not in parameters_of(wanted.kind):
        raise _unavailable(wanted, missing, advice, ", and torchvision cannot download it")
    try:
        with folder_to_write(wanted.request):
            for _ in open_splits(wanted, download=True):
                pass
    except (NotThere, RuntimeError, URLError, OSError) as error:
        raise _unavailable(wanted, missing, advice, f", and the download failed: {root_cause(error)}") from error


def _unavailable(wanted: Wanted, missing: str, advice: str, reason: str = "") -> BakeoffError:
    return BakeoffError(
        f"torchvision's {wanted.name} is not in {wanted.request.root} (missing: {missing})"
        f"{reason}. Put the files there, set root to the folder that has them, or run where the network can be reached"
        f"{advice}"
    )


def _check(arguments: dict[str, Any]) -> None:
    name = str(arguments["dataset"])
    own = {key: value for key, value in arguments.items() if key not in ("dataset", "test", "check_md5")}
    check_class_arguments(find_class(name), own)
    for key, allowed in KNOWN.get(name, Known(name)).allowed.items():
        if key in own and own[key] not in allowed:
            raise BakeoffError(f"found {own[key]!r}; {nearest(own[key], allowed)}", [key])


TORCHVISION = Source(
    "torchvision", "a classification dataset of torchvision.datasets, by class name", load, _check, asks_torch=True
)
