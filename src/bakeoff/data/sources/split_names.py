"""The names that people give to splits, and the folders of a root that have them."""

import re
from collections.abc import Collection
from pathlib import Path

from bakeoff.data.sources.walking import holds_images, visible
from bakeoff.errors import BakeoffError

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}  # in lower case
ALLOWED = "allowed, in any case: " + "; ".join(", ".join(names) for names in SPLIT_NAMES.values())
LIKE_A_SPLIT = re.compile(
    rf"({'|'.join(SPLIT_OF)}|eval|evaluation|hold-?out)[-_ .]*(set|split|data|images)?[-_ .]*\d*", re.IGNORECASE
)


def split_folders(root: Path, ignored: Collection[str] = ()) -> dict[str, Path]:
    """Split → the folder of `root` that is named so, in any case and spelling of `SPLIT_NAMES`.

    No images are passed over silently. Raises BakeoffError for two folders of one split, for a folder that is named
    almost like a split, and for one with images (in it or one folder below) beside a training folder. Those in
    `ignored` do not count.
    """
    folders = [entry for entry in visible(root) if entry.is_dir()]
    if absent := set(ignored) - {folder.name for folder in folders}:
        raise BakeoffError(f"{root} has no folder {min(absent)!r}", ["ignore"])
    folders = [folder for folder in folders if folder.name not in ignored]
    found: dict[str, Path] = {}
    for folder in folders:
        split = SPLIT_OF.get(folder.name.lower())
        if split in found:
            raise BakeoffError(f"{found[split]} and {folder} are both the {split} split; keep one of the two")
        if split is not None:
            found[split] = folder
    for folder in folders:
        if folder not in found.values():
            _check_other(folder, found.get("train"))
    return {split: found[split] for split in SPLIT_NAMES if split in found}


def _check_other(folder: Path, train: Path | None) -> None:
    advice = f"{ALLOWED}. Rename it, move it elsewhere, or set ignore: [{folder.name}]"
    if LIKE_A_SPLIT.fullmatch(folder.name):
        raise BakeoffError(f"{folder} looks like a split, but is not named as one; {advice}")
    if train is not None and holds_images(folder):
        raise BakeoffError(
            f"{folder} has images, and beside {train} it is no split; {advice}. "
            f"If {train.name} is a class, move all classes into a folder {train}"
        )
