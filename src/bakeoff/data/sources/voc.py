"""Pascal VOC as a dataset for multi-label classification, and other data with annotations in its format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from bakeoff.data.source import PixelsOrFiles, Request, Source, SourceData, check_test_share
from bakeoff.data.sources.downloads import folder_to_write
from bakeoff.data.sources.listing import no_folder
from bakeoff.data.sources.voc_annotations import CLASSES, classes_found, read_annotation
from bakeoff.data.sources.voc_layouts import (
    Example,
    Layout,
    Wanted,
    absent_parts,
    find_image_sets,
    find_split_folders,
)
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import SPLITS
from bakeoff.study.metrics import IGNORED

FOLDERS = {
    "2007": "VOCdevkit/VOC2007",
    "2007-test": "VOCdevkit/VOC2007",
    "2008": "VOCdevkit/VOC2008",
    "2009": "VOCdevkit/VOC2009",
    "2010": "VOCdevkit/VOC2010",
    "2011": "TrainVal/VOCdevkit/VOC2011",
    "2012": "VOCdevkit/VOC2012",
}
LATEST = "2012"
DIFFICULT = {"ignore": IGNORED, "negative": 0, "positive": 1}  # the label of a class that has only difficult objects
FOUND = "found"


def load(
    request: Request,
    *,
    year: int | str | None = None,
    difficult: str = "ignore",
    classes: str | Sequence[str] | None = None,
    train: str | None = None,
    validation: str | None = None,
    test: str | float | None = None,
) -> SourceData:
    """Read root/VOCdevkit/VOC<year>, 2012 by default; let torchvision download it first where it is missing.

    Without `year`, data of one's own may also lie in root/ImageSets/Main, root/Annotations and root/JPEGImages (as CVAT
    exports them), in root/train and root/test with each annotation beside its image (Roboflow), or so in root itself
    with a share for `test` (labelImg).

    An image has the classes of the objects in its annotation. `classes` are all that there are, or `found` for those
    that any annotation names; by default they are Pascal's twenty. When all objects of a class are marked difficult,
    losses and metrics ignore that class for the image (label 255), as the VOC evaluation does; `difficult` may also
    make it negative or positive.

    `train`, `validation` and `test` name image sets (ImageSets/Main/NAME.txt, such as trainval) or folders. By default
    image sets are train, val and test where the test set has annotations (VOC2007; `2007-test` insists on them).
    Otherwise, as for VOC2012, whose test annotations are not public, the image set val is the test split, and
    validation is split off train. `test` may also be a share of the training images. Raises BakeoffError naming file
    and line.
    """
    share, test_set = (None, test) if isinstance(test, str | None) else (test, None)
    wanted = Wanted(train, validation, test_set, share, own_test=str(year) == "2007-test")
    layout = _find(request, None if year is None else str(year), wanted, own=classes is not None)
    sets = layout.sets(wanted)
    examples = {split: layout.examples(name) for split, name in sets.items()}
    _check_disjoint(examples, sets)
    annotations = {split: [read_annotation(one.annotation) for one in found] for split, found in examples.items()}
    if classes == FOUND:
        names = classes_found(one for found in annotations.values() for one in found)
    else:
        names = CLASSES if classes is None else list(classes)
    splits: dict[str, tuple[PixelsOrFiles, np.ndarray[Any, np.dtype[np.uint8]]]] = {
        split: (
            [one.image for one in examples[split]],
            np.stack([one.labels(names, DIFFICULT[difficult]) for one in found]),
        )
        for split, found in annotations.items()
    }
    if classes is None:
        _check_pascal(splits["train"][1])
    return SourceData(splits, names, "multi-label", share)


def _find(request: Request, year: str | None, wanted: Wanted, own: bool) -> Layout:
    """Where the data lie, downloaded if need be; data with classes of their `own` cannot be."""
    folder = request.root / FOLDERS[year or LATEST]
    found: Layout | None = find_image_sets(folder)
    if found is None and year is None:
        found = find_image_sets(request.root) or find_split_folders(request.root, wanted)
    if found is not None:
        return found
    if own:
        places = f"{request.root}/ImageSets/Main, Annotations and JPEGImages, or {request.root}/train and test with "
        raise BakeoffError(
            f"{request.root} has no annotated images; expected {places if year is None else folder}"
            + ("an .xml file beside each image, or the same in root itself with test: 0.2" if year is None else "")
        )
    _download(year or LATEST, request, [f"{FOLDERS[year or LATEST]}/{part}" for part in absent_parts(folder)])
    downloaded = find_image_sets(folder)
    if downloaded is None:
        raise BakeoffError(f"{folder} lacks {', '.join(absent_parts(folder))}; delete it to download it again")
    return downloaded


def _check_pascal(labels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    absent = [name for name, shown in zip(CLASSES, (labels == 1).any(axis=0), strict=True) if not shown]
    if absent:
        raise BakeoffError(
            f"{len(absent)} of Pascal's {len(CLASSES)} classes have no training image: {', '.join(absent)}. "
            "For data with classes of their own, set classes: found, or classes: to the list of all",
        )


def _check_disjoint(examples: Mapping[str, list[Example]], sets: dict[str, str]) -> None:
    set_of: dict[Path, str] = {}
    for split, found in examples.items():
        for example in found:
            if example.image in set_of:
                raise BakeoffError(
                    f"{example.image} is in the image sets {set_of[example.image]} and {sets[split]}; "
                    "an image may be in one split only, and only once"
                )
            set_of[example.image] = sets[split]


def _download(year: str, request: Request, missing: list[str]) -> None:
    """Let torchvision download the archive of a year. Raises BakeoffError when it cannot."""
    from torchvision.datasets import VOCDetection

    try:
        with folder_to_write(request):
            for image_set in ("train", "test") if year.startswith("2007") else ("train",):
                VOCDetection(str(request.root), year=year.removesuffix("-test"), image_set=image_set, download=True)
    except (URLError, OSError, RuntimeError) as error:
        raise BakeoffError(
            f"VOC {year} is not in {request.root} (missing: {', '.join(missing)}), and the download "
            f"failed: {error}. Unpack the archive there, set root to the folder that has VOCdevkit, or run where the "
            "network can be reached"
        ) from error


def _check(arguments: dict[str, Any]) -> None:
    year, difficult = arguments.get("year"), arguments.get("difficult", "ignore")
    if year is not None and str(year) not in FOLDERS:
        raise BakeoffError(f"found {year}; allowed: {', '.join(FOLDERS)}", ["year"])
    if difficult not in DIFFICULT:
        raise BakeoffError(f"found {difficult!r}; {nearest(difficult, DIFFICULT)}", ["difficult"])
    for split in SPLITS:
        share = split == "test" and isinstance(arguments.get(split), int | float)
        if not isinstance(arguments.get(split), str | None) and not share:
            raise BakeoffError(f"found {arguments[split]!r}; allowed: the name of an image set, such as val", [split])
    if not isinstance(arguments.get("test"), str):
        check_test_share(arguments)
    classes = arguments.get("classes")
    if classes is None or classes == FOUND:
        return
    if not isinstance(classes, list) or not classes or any(not isinstance(name, str) for name in classes):
        raise BakeoffError(f"found {classes!r}; allowed: {FOUND}, or a list of names", ["classes"])


def _missing(root: Path, arguments: dict[str, Any]) -> str | None:
    """Pascal's own data can be downloaded; other data cannot."""
    return no_folder(root) if arguments.get("classes") is not None and not root.is_dir() else None


VOC = Source("voc", "Pascal VOC's annotations: which classes are in an image (multi-label)", load, _check, _missing)
