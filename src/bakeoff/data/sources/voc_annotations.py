"""Annotations in Pascal VOC's format: which objects an image shows, and the labels that follow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.sources.listing import natural
from bakeoff.data.sources.walking import composed
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest

CLASSES = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
]  # fmt: skip
FLAGS = {"0": False, "1": True, "false": False, "true": True}


@dataclass(frozen=True)
class Annotation:
    """The objects of an image: the name of each, and whether it is marked difficult."""

    file: Path
    objects: list[tuple[str, bool]]

    def labels(self, classes: Sequence[str], difficult: int) -> NDArray[np.uint8]:
        """uint8 [classes]: 1 for those that the image shows, `difficult` where all objects of one are difficult.

        Raises BakeoffError for an object that has none of the classes.
        """
        number = {composed(name): at for at, name in enumerate(classes)}
        labels = np.zeros(len(classes), np.uint8)
        for name, hard in self.objects:
            if name not in number:
                raise BakeoffError(
                    f"{self.file}: an object is named {name!r}; {nearest(name, classes)}; "
                    "for other classes set classes: found, or classes: to the list of all"
                )
            if not hard:
                labels[number[name]] = 1
            elif labels[number[name]] != 1:
                labels[number[name]] = difficult
        return labels


def read_annotation(file: Path) -> Annotation:
    """What a file says, the names of objects composed.

    Raises BakeoffError for XML that cannot be read, that has a document type, or whose objects are not VOC's.
    """
    parser = ElementTree.XMLParser(target=_WithoutDoctype())
    try:
        root = ElementTree.fromstring(file.read_bytes(), parser)
    except ElementTree.ParseError as error:
        raise BakeoffError(f"{file}:{error.position[0]}: cannot be read as an annotation: {error}") from error
    except (OSError, ValueError, LookupError) as error:
        raise BakeoffError(f"{file}: cannot be read as an annotation: {error}") from error
    if root.tag != "annotation":
        raise BakeoffError(f"{file}: is not an annotation: it holds <{root.tag}>, expected <annotation>")
    objects = []
    for thing in root.findall("object"):
        name, hard = (thing.findtext("name") or "").strip(), (thing.findtext("difficult") or "0").strip()
        if not name:
            raise BakeoffError(f"{file}: an object has no name")
        if hard.lower() not in FLAGS:
            raise BakeoffError(f"{file}: an object of class {name} has difficult {hard!r}; allowed: 0, 1")
        objects.append((composed(name), FLAGS[hard.lower()]))
    return Annotation(file, objects)


def classes_found(annotations: Iterable[Annotation]) -> list[str]:
    """The names of all objects, in natural order."""
    return sorted({name for annotation in annotations for name, _ in annotation.objects}, key=natural)


class _WithoutDoctype(ElementTree.TreeBuilder):
    """Refuses a document type, which could define entities that expand without end. VOC's annotations have none."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"it has a <!DOCTYPE {name}>")
