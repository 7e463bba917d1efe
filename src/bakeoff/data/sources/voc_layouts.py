"""Where images and annotations in Pascal VOC's format lie: image sets as VOC has them, or a folder for each split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bakeoff.data.sources.listing import below, read_lines
from bakeoff.data.sources.split_names import split_folders
from bakeoff.data.sources.walking import composed, files_below, is_image, visible
from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import nearest

PARTS = ("ImageSets/Main", "Annotations", "JPEGImages")


@dataclass(frozen=True)
class Example:
    """An image and its annotation."""

    image: Path
    annotation: Path


@dataclass(frozen=True)
class Wanted:
    """The sets that an entry names for the splits; None where it leaves that to the layout.

    `test_share` of the training images becomes the test split. `own_test` insists on the set test.
    """

    train: str | None
    validation: str | None
    test: str | None
    test_share: float | None
    own_test: bool


class Layout(Protocol):
    """A way to lay out files."""

    def sets(self, wanted: Wanted) -> dict[str, str]:
        """Split → the name of its set. Raises BakeoffError."""

    def examples(self, name: str) -> list[Example]:
        """The images of a set. Raises BakeoffError naming what is missing."""


@dataclass(frozen=True)
class ImageSets:
    """Pascal's own: ImageSets/Main/NAME.txt names files of JPEGImages and Annotations, without their suffix."""

    folder: Path
    images: dict[str, list[Path]]
    annotations: dict[str, list[Path]]

    def sets(self, wanted: Wanted) -> dict[str, str]:
        drawn = wanted.test_share is not None
        own_test = wanted.test is None and not drawn and (wanted.own_test or self._has_annotated_test())
        sets = {"train": wanted.train or "train"}
        if not drawn:
            sets["test"] = wanted.test or ("test" if own_test else "val")
        unnamed = wanted.train is None and (own_test or (drawn and "val" in self._names()))
        if wanted.validation or unnamed:
            sets["validation"] = wanted.validation or "val"
        return sets

    def examples(self, name: str) -> list[Example]:
        found = []
        for image, place in self._lines(name):
            paths = []
            for kind, there, suffix in (("image", self.images, ".jpg"), ("annotation", self.annotations, ".xml")):
                named = there.get(composed(image), [])
                exact = [file for file in named if file.suffix == suffix]
                if len(exact or named) != 1:
                    count = f"{len(named)} files" if named else f"no {kind} {image}{suffix}"
                    raise BakeoffError(f"{place}: {image!r} has {count} in {self.folder}")
                paths += exact or named
            found.append(Example(*paths))
        if not found:
            raise BakeoffError(f"the image set {name} in {self.folder} is empty")
        return found

    def _lines(self, name: str) -> list[tuple[str, str]]:
        """The images that a set names, and the line where it does."""
        file = below(self.folder / "ImageSets/Main", f"{name}.txt", "image set: ")
        if not file.is_file():
            raise BakeoffError(f"{self.folder} has no image set {name!r}; {nearest(name, self._names())}")
        lines = enumerate(read_lines(file), 1)
        return [(line.split()[0], f"{file}:{at}") for at, line in lines if line.strip()]

    def _names(self) -> list[str]:
        return [file.stem for file in visible(self.folder / "ImageSets/Main") if file.suffix == ".txt"]

    def _has_annotated_test(self) -> bool:
        return "test" in self._names() and any(composed(name) in self.annotations for name, _ in self._lines("test"))


@dataclass(frozen=True)
class SplitFolders:
    """A folder for each split, with the annotations beside the images, as Roboflow exports them."""

    root: Path
    folders: dict[str, Path]

    def sets(self, wanted: Wanted) -> dict[str, str]:
        named = {"train": wanted.train, "validation": wanted.validation, "test": wanted.test}
        sets = {split: name for split, name in named.items() if name is not None}
        for split, folder in self.folders.items():
            if split not in sets and folder.name not in sets.values():
                sets[split] = folder.name
        if "test" in sets and wanted.test_share is not None:
            raise BakeoffError(f"{self.root / sets['test']} is the test split; remove test: {wanted.test_share}")
        if "test" not in sets and wanted.test_share is None:
            raise BakeoffError(f"{self.root} has no folder test; set test: 0.2, or test: to the name of another folder")
        return sets if "train" in sets else {"train": "", **sets}

    def examples(self, name: str) -> list[Example]:
        folder = below(self.root, name) if name else self.root
        if not folder.is_dir():
            raise BakeoffError(f"there is no folder {folder}; {nearest(name, [f.name for f in self.folders.values()])}")
        files = files_below(folder)
        images, annotations = by_stem(folder, files, images=True), by_stem(folder, files, images=False)
        for stem in images.keys() ^ annotations.keys():
            (file, *_) = images.get(stem, []) + annotations.get(stem, [])
            absent = "annotation (.xml)" if stem in images else "image"
            raise BakeoffError(f"{file} has no {absent} of the same name beside it")
        if twice := next((found for found in images.values() if len(found) > 1), None):
            raise BakeoffError(f"{twice[0]} and {twice[1].name} share an annotation; rename one of them")
        if not images:
            raise BakeoffError(f"{folder} has no annotated images")
        return [Example(images[stem][0], annotations[stem][0]) for stem in images]


def find_image_sets(folder: Path) -> ImageSets | None:
    """The image sets in a folder that has all parts of Pascal's layout."""
    if absent_parts(folder):
        return None
    images, annotations = folder / "JPEGImages", folder / "Annotations"
    return ImageSets(
        folder,
        by_stem(images, files_below(images), images=True),
        by_stem(annotations, files_below(annotations), images=False),
    )


def find_split_folders(root: Path, wanted: Wanted) -> SplitFolders | None:
    """The folders of splits in `root`, or `root` alone where a share of its images becomes the test split."""
    if not root.is_dir():
        return None
    named = any((wanted.train, wanted.validation, wanted.test))
    folders = split_folders(root)
    beside = [] if named else [file for file in visible(root) if file.suffix.lower() == ".xml"]
    found = SplitFolders(root, folders)
    return found if "train" in folders or wanted.train or (beside and not folders) else None


def absent_parts(folder: Path) -> list[str]:
    """The parts of Pascal's layout that a folder lacks."""
    return [part for part in PARTS if not (folder / part).is_dir()]


def by_stem(folder: Path, files: Sequence[Path], images: bool) -> dict[str, list[Path]]:
    """The images or the annotations among the files below a folder, by their composed path without its suffix."""
    found: dict[str, list[Path]] = {}
    for file in files:
        if is_image(file) if images else file.suffix.lower() == ".xml":
            stem = file.relative_to(folder).with_suffix("").as_posix()
            found.setdefault(composed(stem), []).append(file)
    return found
