"""Walking folders of images: what never counts, and how names are compared and shown."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from bakeoff.data.sources.listing import natural, no_folder
from bakeoff.errors import BakeoffError

# What file managers, storage systems and archives leave behind, in lower case. Hidden entries never count either.
LEFT_BEHIND = frozenset(
    {
        "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "@recycle", "#recycle", "#snapshot",
        "$recycle.bin", "system volume information", "lost+found", "__pycache__",
    }
)  # fmt: skip
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tif", ".tiff", ".webp"}
)


def is_left_behind(name: str) -> bool:
    """Whether a file or folder of this name is hidden or a system's own: never an image, a class or a split."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def visible(folder: Path) -> list[Path]:
    """The entries of a folder that count, in natural order. Raises BakeoffError when there is no such folder."""
    if not folder.is_dir():
        raise BakeoffError(no_folder(folder))
    found = (entry for entry in folder.iterdir() if not is_left_behind(entry.name))
    return sorted(found, key=lambda entry: natural(entry.name))


def files_below(folder: Path) -> list[Path]:
    """The files that count in a folder and in the folders below it, links followed, in natural order.

    Raises BakeoffError for a link to a folder that it lies in, and OSError for a folder that cannot be read.
    """
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        folders[:] = [name for name in folders if not is_left_behind(name)]
        for name in folders:
            _check_link(Path(parent, name))
        found += [Path(parent, name) for name in names if not is_left_behind(name)]
    return sorted(found, key=lambda file: natural(file.relative_to(folder).as_posix()))


def holds_images(folder: Path) -> bool:
    """Whether images lie in a folder or one below it, as they do in a class and in a split."""
    places = [folder, *(entry for entry in visible(folder) if entry.is_dir())]
    return any(is_image(entry) for place in places for entry in place.iterdir())


def is_image(path: Path) -> bool:
    """Whether a file counts and is named as an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_left_behind(path.name)


def composed(name: str) -> str:
    """A name in the form in which two spellings of it are equal: macOS writes "ö" as "o" and a mark, Linux as typed."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class FoundNames:
    """The names in folders by their composed form. Each folder is read once."""

    known: dict[Path, dict[str, list[str]]] = field(default_factory=dict)

    def find(self, path: Path, root: Path) -> Path:
        """The path below `root` that is spelled like `path` but for the form of Unicode; `path` where there is none.

        Raises BakeoffError where two are.
        """
        found = root
        for part in path.relative_to(root).parts:
            alike = self._names(found).get(composed(part), [])
            if not alike:
                return path
            if part not in alike and len(alike) > 1:
                raise BakeoffError(
                    f"{found} has two names {part!r}, one with composed and one with decomposed letters; rename one"
                )
            found /= part if part in alike else alike[0]
        return found

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self.known:
            names: dict[str, list[str]] = {}
            for entry in folder.iterdir() if folder.is_dir() else ():
                names.setdefault(composed(entry.name), []).append(entry.name)
            self.known[folder] = names
        return self.known[folder]


def _check_link(folder: Path) -> None:
    if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
        raise BakeoffError(f"{folder} is a link to a folder that it lies in, so its images would never end; remove it")


def _refuse(error: OSError) -> None:
    """Without this, os.walk passes over a folder that cannot be read."""
    raise error
