"""A dataset that is split repeatedly is decoded once. Its cuts are drawn from what was decoded, and then it is removed.

The decoded images lie beside the prepared cuts, in `results/data/<dataset>-<hash>.decoded/`. Snakemake knows nothing of
them: it deletes what a job declares before it begins, and the cuts are jobs of their own.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from bakeoff.data.arrays import write_array
from bakeoff.data.card import verify
from bakeoff.data.choose import Split, check_repeatable, choose
from bakeoff.data.loading import check_content, decoded
from bakeoff.data.source import SourceData
from bakeoff.data.source_files import Stamps, changed_source, files_read, read_source_files, write_source_files
from bakeoff.files import write_atomically, write_json
from bakeoff.study.specification import DatasetSpecification, digest

WHOLE = "decoded.json"  # written last: what is beside it is whole
NOT_DECODING = ("validation", "per_class", "limit")  # keys of an entry that decide only which images a cut has


def load_cut(specification: DatasetSpecification, threads: int) -> tuple[SourceData, dict[str, Split], Stamps]:
    """What the source has, the three splits of a cut, and the files that the images come from.

    Of several processes, one decodes and the others wait. Raises BakeoffError as `load_dataset` does, and where the
    source has a test split of its own.
    """
    folder = decoded_folder(specification)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / WHOLE).is_file() or changed_source(folder) is not None:
            _decode(specification, folder, threads)
        data, splits = _read(folder)
        stamps = read_source_files(folder) or {}
    chosen = choose(splits, data, specification.entry, specification.split_seed, specification.cut)
    check_content(chosen, data)
    return data, chosen, stamps


def remove_if_all_are_whole(specification: DatasetSpecification) -> None:
    """Remove the decoded images once every cut of the dataset has been prepared from them."""
    folder = decoded_folder(specification)
    with FileLock(f"{folder}.lock"):
        if (folder / WHOLE).is_file() and all(_is_made_of(folder, cut) for cut in specification.siblings):
            (folder / WHOLE).unlink()
            shutil.rmtree(folder)


def decoded_folder(specification: DatasetSpecification) -> Path:
    """Where the decoded images of a dataset lie, for all of its cuts."""
    content = {key: value for key, value in specification.content.items() if key in ("entry", "plugins")}
    content["entry"] = {key: value for key, value in content["entry"].items() if key not in NOT_DECODING}
    return specification.folder.with_name(f"{specification.entry_name}-{digest(content)[:8]}.decoded")


def _decode(specification: DatasetSpecification, folder: Path, threads: int) -> None:
    def all_of_them(data: SourceData, splits: dict[str, Split]) -> dict[str, Split]:
        assert specification.cut is not None
        check_repeatable(data, specification.cut)  # before anything is decoded
        return splits

    with files_read(besides=folder) as stamps:
        data, splits = decoded(specification, threads, all_of_them)
        folder.mkdir(exist_ok=True)
        (folder / WHOLE).unlink(missing_ok=True)
        for split, part in splits.items():
            for name, parts in (("images", part.chunks()), ("labels", [part.chosen_labels])):
                with write_atomically(folder / f"{split}_{name}.npy") as temporary:
                    write_array(temporary, parts, len(part))
    write_source_files(folder, stamps)
    about = {key: getattr(data, key) for key in ("classes", "task", "test_share", "skipped", "warnings")}
    write_json(folder / WHOLE, about | {"names": {split: part.names for split, part in splits.items()}})


def _read(folder: Path) -> tuple[SourceData, dict[str, Split]]:
    """The whole splits of the source, whose images are mapped, not read."""
    about: dict[str, Any] = json.loads((folder / WHOLE).read_text(encoding="utf-8"))
    names = about.pop("names")
    splits = {
        split: Split(
            np.load(folder / f"{split}_images.npy", mmap_mode="r"),
            np.load(folder / f"{split}_labels.npy"),
            names=names[split],
        )
        for split in names
    }
    arrays = {split: (part.array, part.labels) for split, part in splits.items()}
    return replace(SourceData(arrays, []), **about, fitted=True), splits


def _is_made_of(folder: Path, cut: Path) -> bool:
    """Whether a cut is whole, and made from the same files as the decoded images are."""
    return not verify(cut) and read_source_files(cut) == read_source_files(folder)
