"""Pascal VOC as a dataset for multi-label classification, in the folders that torchvision makes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.source import Labels, PixelsOrFiles, Request, Source, SourceData
from bakeoff.data.sources.downloads import folder_to_write
from bakeoff.data.sources.listing import below, names_in, read_lines
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import SPLITS
from bakeoff.study.metrics import IGNORED

CLASSES = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
]  # fmt: skip
LABEL_OF = {name: label for label, name in enumerate(CLASSES)}
FOLDERS = {
    "2007": "VOCdevkit/VOC2007",
    "2007-test": "VOCdevkit/VOC2007",
    "2008": "VOCdevkit/VOC2008",
    "2009": "VOCdevkit/VOC2009",
    "2010": "VOCdevkit/VOC2010",
    "2011": "TrainVal/VOCdevkit/VOC2011",
    "2012": "VOCdevkit/VOC2012",
}
PARTS = ("ImageSets/Main", "Annotations", "JPEGImages")
DIFFICULT = {"ignore": IGNORED, "negative": 0, "positive": 1}  # the label of a class that has only difficult objects


@dataclass(frozen=True)
class Folder:
    """One year's folder, and the names of the files in it."""

    path: Path
    images: frozenset[str]
    annotations: frozenset[str]

    def image_set(self, name: str) -> list[tuple[str, str]]:
        """The images that ImageSets/Main/NAME.txt names, each with the line where it does."""
        file = below(self.path / "ImageSets/Main", f"{name}.txt", "image set: ")
        lines = enumerate(read_lines(file), 1)
        return [(line.split()[0], f"{file}:{at}") for at, line in lines if line.strip()]


def load(
    request: Request,
    *,
    year: int | str = 2012,
    difficult: str = "ignore",
    train: str | None = None,
    validation: str | None = None,
    test: str | None = None,
) -> SourceData:
    """Read root/VOCdevkit/VOC<year>; let torchvision download it first where it is missing.

    An image has the classes of the objects in its annotation. When all its objects of a class are marked difficult,
    losses and metrics ignore that class for the image (label 255), as the VOC evaluation does; `difficult` may also
    make it negative or positive.

    `train`, `validation` and `test` name image sets (ImageSets/Main/NAME.txt, such as trainval). By default they are
    train, val and test where the test set has annotations (VOC2007; `2007-test` insists on them). Otherwise, as for
    VOC2012, whose test annotations are not public, the image set val is the test split, and validation is split off
    train. Raises BakeoffError naming file and line.
    """
    key = str(year)
    missing = [f"{FOLDERS[key]}/{name}" for name in PARTS if not (request.root / FOLDERS[key] / name).is_dir()]
    if missing:
        _download(key, request, missing)
    path = request.root / FOLDERS[key]
    folder = Folder(path, names_in(path / "JPEGImages"), names_in(path / "Annotations"))
    own_test = test is None and (key == "2007-test" or _has_annotated_test(folder))
    sets = {"train": train or "train", "test": test or ("test" if own_test else "val")}
    if validation or (own_test and train is None):
        sets["validation"] = validation or "val"
    splits = {split: _split(folder, name, DIFFICULT[difficult]) for split, name in sets.items()}
    _check_disjoint(splits, sets)
    return SourceData(splits, CLASSES, "multi-label")


def read_annotation(file: Path, difficult: int) -> NDArray[np.uint8]:
    """The labels uint8 [20] of an annotation; classes with only difficult objects get `difficult`.

    Raises BakeoffError for XML that cannot be read, that has a document type, or whose objects are not VOC's.
    """
    labels = np.zeros(len(CLASSES), np.uint8)
    parser = ElementTree.XMLParser(target=_WithoutDoctype())
    try:
        root = ElementTree.fromstring(file.read_bytes(), parser)
    except ElementTree.ParseError as error:
        raise BakeoffError(f"{file}:{error.position[0]}: cannot be read as an annotation: {error}") from error
    except (OSError, ValueError, LookupError) as error:
        raise BakeoffError(f"{file}: cannot be read as an annotation: {error}") from error
    if root.tag != "annotation":
        raise BakeoffError(f"{file}: is not an annotation: it holds <{root.tag}>, expected <annotation>")
    for thing in root.findall("object"):
        name, hard = (thing.findtext("name") or "").strip(), (thing.findtext("difficult") or "0").strip()
        if name not in LABEL_OF:
            raise BakeoffError(f"{file}: an object is named {name!r}; {nearest(name, CLASSES)}")
        if hard not in ("0", "1"):
            raise BakeoffError(f"{file}: an object of class {name} has difficult {hard!r}; allowed: 0, 1")
        if hard == "0":
            labels[LABEL_OF[name]] = 1
        elif labels[LABEL_OF[name]] != 1:
            labels[LABEL_OF[name]] = difficult
    return labels


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Refuses a document type, which could define entities that expand without end. VOC's annotations have none."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"it has a <!DOCTYPE {name}>")


def _has_annotated_test(folder: Folder) -> bool:
    if not (folder.path / "ImageSets/Main/test.txt").is_file():
        return False
    return any(f"{name}.xml" in folder.annotations for name, _ in folder.image_set("test"))


def _split(folder: Folder, image_set: str, difficult: int) -> tuple[PixelsOrFiles, Labels]:
    files, labels = [], []
    for name, place in folder.image_set(image_set):
        for kind, there, file in (
            ("image", folder.images, f"{name}.jpg"), ("annotation", folder.annotations, f"{name}.xml"),
        ):  # fmt: skip
            if file not in there:
                raise BakeoffError(f"{place}: {name!r} has no {kind} {file} in {folder.path}")
        files.append(folder.path / "JPEGImages" / f"{name}.jpg")
        labels.append(read_annotation(folder.path / "Annotations" / f"{name}.xml", difficult))
    if not files:
        raise BakeoffError(f"the image set {image_set} in {folder.path} is empty")
    return files, np.stack(labels)


def _check_disjoint(splits: dict[str, tuple[PixelsOrFiles, Labels]], sets: dict[str, str]) -> None:
    set_of: dict[object, str] = {}
    for split, (files, _) in splits.items():
        for file in files:
            if file in set_of:
                raise BakeoffError(
                    f"{file} is in the image sets {set_of[file]} and {sets[split]}; "
                    "an image may be in one split only, and only once"
                )
            set_of[file] = sets[split]


def _download(key: str, request: Request, missing: list[str]) -> None:
    """Let torchvision download the archive of a year. Raises BakeoffError when it cannot."""
    from torchvision.datasets import VOCDetection

    try:
        with folder_to_write(request):
            for image_set in ("train", "test") if key.startswith("2007") else ("train",):
                VOCDetection(str(request.root), year=key.removesuffix("-test"), image_set=image_set, download=True)
    except (URLError, OSError, RuntimeError) as error:
        raise BakeoffError(
            f"VOC {key} is not in {request.root} (missing: {', '.join(missing)}), and the download "
            f"failed: {error}. Unpack the archive there, set root to the folder that has VOCdevkit, or run where the "
            "network can be reached"
        ) from error


def _check(arguments: dict[str, Any]) -> None:
    year, difficult = str(arguments.get("year", 2012)), arguments.get("difficult", "ignore")
    if year not in FOLDERS:
        raise BakeoffError(f"found {year}; allowed: {', '.join(FOLDERS)}", ["year"])
    if difficult not in DIFFICULT:
        raise BakeoffError(f"found {difficult!r}; {nearest(difficult, DIFFICULT)}", ["difficult"])
    for split in SPLITS:
        if not isinstance(arguments.get(split), str | None):
            raise BakeoffError(f"found {arguments[split]!r}; allowed: the name of an image set, such as val", [split])


VOC = Source("voc", "Pascal VOC: which of 20 classes are in an image (multi-label)", load, _check)
