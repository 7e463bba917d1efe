"""MNIST and its relatives: four IDX files, read from any of the folders where people keep them."""

from pathlib import Path

import numpy as np

from bakeoff.data.source import SourceData
from bakeoff.data.sources.idx import find_idx, read_idx
from bakeoff.data.sources.torchvision_classes import Arguments, NotThere, Wanted
from bakeoff.errors import BakeoffError

CONTENTS = ("images-idx3", "labels-idx1")


def mnist_files(kind: type, arguments: Arguments) -> list[tuple[str, None]]:
    """Where torchvision puts the four files, below root. It knows checksums of the archives only."""
    prefixes = ["train", "t10k"]
    if kind.__name__ == "EMNIST":
        prefixes = [f"emnist-{arguments['split']}-{part}" for part in ("train", "test")]
    return [(f"{kind.__name__}/raw/{prefix}-{content}-ubyte", None) for prefix in prefixes for content in CONTENTS]


def read_mnist(wanted: Wanted) -> SourceData:
    """The files in root/CLASS/raw, root/CLASS, root/raw or root itself, plain or gzipped. Raises NotThere."""
    kind, root = wanted.kind, wanted.request.root
    folders = [root / kind.__name__ / "raw", root / kind.__name__, root / "raw", root]
    names = [Path(path).name for path, _ in mnist_files(kind, wanted.arguments)]
    files = [find_idx(folders, name) for name in names]
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    if missing:
        raise NotThere(", ".join(missing))
    train_images, train_labels, test_images, test_labels = (read_idx(file) for file in files if file is not None)
    classes = list(kind.classes_split_dict[wanted.arguments["split"]] if kind.__name__ == "EMNIST" else kind.classes)
    first = 1 if classes[0] == "N/A" else 0  # EMNIST counts its letters from 1, after a class without images
    splits = {}
    for split, images, labels in (("train", train_images, train_labels), ("test", test_images, test_labels)):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise BakeoffError(
                f"the {split} files in {root} do not fit together: "
                f"images {list(images.shape)}, labels {list(labels.shape)}"
            )
        splits[split] = (images[:, None], labels.astype(np.int64) - first)
    return SourceData(splits, classes[first:])
