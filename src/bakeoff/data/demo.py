"""Generated datasets in the on-disk formats of real ones, so that a study can be tried without a download.

Every class or label has a grating of its own colour, direction and fineness, under noise: learnable, and small.
"""

import colorsys
import csv
import gzip
import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.prepare import check_dataset
from bakeoff.data.source import Pixels
from bakeoff.data.sources.listing import below
from bakeoff.data.sources.tiny_imagenet import FOLDER as TINY_IMAGENET_FOLDER
from bakeoff.data.sources.voc import CLASSES as VOC_CLASSES
from bakeoff.data.sources.voc import FOLDERS as VOC_FOLDERS
from bakeoff.errors import BakeoffError
from bakeoff.files import write_json
from bakeoff.study.arguments import nearest
from bakeoff.study.entries import Dataset
from bakeoff.study.study import Study

MARKER = "demo-data.json"  # in the folder: which places in it are generated
COLORS = ["red", "orange", "yellow", "lime", "green", "mint", "sky", "blue", "violet", "magenta", "rose"]  # by hue
CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

Labels = NDArray[np.bool_]  # [N, K]


@dataclass(frozen=True)
class Format:
    """One format. `places(entry)` are the paths that a dataset takes up; `write(folder, entry, random)` writes it."""

    name: str
    description: str
    places: Callable[[Dataset], Sequence[str]]
    write: Callable[[Path, Dataset, np.random.Generator], None]


def write_demo_data(study: Study, folder: Path) -> list[str]:
    """Write a generated dataset for each of the study's into `folder`; returns the places in it, ordered.

    Always the same files. Raises BakeoffError, before anything is written, for a dataset that is not looked for below
    data_root or has no format here, and for a place with files that this function has not made.
    """
    formats = {name: find_format(study, name) for name in study.datasets}
    places = sorted({place for name, found in formats.items() for place in found.places(study.datasets[name])})
    made = _made(folder)
    for place in places:
        if (folder / place).exists() and place not in made:
            raise BakeoffError(
                f"{folder / place} is there, and is no generated data; give a folder that has none of the data"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / MARKER, sorted(made | set(places)))
    for name, found in formats.items():
        found.write(folder, study.datasets[name], np.random.default_rng(0))
    return places


def find_format(study: Study, name: str) -> Format:
    """The format that a dataset of the study is read from. Raises BakeoffError."""
    entry, where = study.datasets[name], f"datasets.{name}"
    check_dataset(study, name)
    if entry.root is not None:
        raise BakeoffError(f"{where}.root: the data is read from {entry.root} whatever data_root says; remove root")
    key = f"torchvision/{entry.arguments['dataset']}" if entry.source == "torchvision" else entry.source
    if key not in FORMATS:
        raise BakeoffError(f"{where}: no data can be generated for {key!r}; {nearest(key, FORMATS)}")
    return FORMATS[key]


def pictures(labels: Labels, height: int, width: int, random: np.random.Generator) -> Pixels:
    """Images uint8 [N, height, width, 3] of `labels`: the sum of a grating for each label, and noise."""
    count, classes = labels.shape
    y, x = np.mgrid[:height, :width] / max(height, width)
    gratings = np.empty((classes, height, width, 3))
    for label in range(classes):
        angle, waves = np.pi * label / classes, 2 + label % 3
        wave = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)))
        color = np.array(colorsys.hsv_to_rgb(label / classes, 1, 1)) - 0.4
        gratings[label] = (1 + wave)[..., None] * color
    noise = random.normal(0, 20, (count, height, width, 3))
    images = 110 + 90 * np.tensordot(labels.astype(np.float64), gratings, 1) + noise
    return np.clip(images, 0, 255).astype(np.uint8)


def _of_classes(classes: int, each: int) -> tuple[NDArray[np.int64], Labels]:
    """`each` images of every class, in turn: class numbers [N], and the same as [N, K]."""
    numbers = np.tile(np.arange(classes), each)
    return numbers, np.eye(classes, dtype=bool)[numbers]


def _of_labels(labels: int, count: int) -> Labels:
    """One or two labels for each image, every label as often as the others."""
    rows, found = np.arange(count), np.zeros((count, labels), bool)
    found[rows, rows % labels] = True
    second = rows[rows % 2 == 0]
    found[second, (second + 3 + second // labels) % labels] = True
    return found


def _save(pixels: Pixels, path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _write_text(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _made(folder: Path) -> set[str]:
    """The places in a folder that are generated."""
    path = folder / MARKER
    try:
        return set(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return set()
    except (ValueError, TypeError) as error:
        raise BakeoffError(
            f"{path}: is no list of generated data: {error}; delete it, or give another folder"
        ) from error


# --- the formats ---


def _mnist_like(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    raw = folder / entry.arguments["dataset"] / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for part, each in (("train", 12), ("t10k", 4)):
        numbers, labels = _of_classes(10, each)
        images = pictures(labels, 28, 28, random).mean(axis=3).astype(np.uint8)
        for name, array in (("images-idx3", images), ("labels-idx1", numbers.astype(np.uint8))):
            sizes = np.array(array.shape, ">u4").tobytes()
            content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
            (raw / f"{part}-{name}-ubyte").write_bytes(content)
            (raw / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))


def _mnist_places(entry: Dataset) -> list[str]:
    return [entry.arguments["dataset"]]


def _cifar10(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    base = folder / "cifar-10-batches-py"
    base.mkdir(parents=True, exist_ok=True)
    for name, each in (*((f"data_batch_{number}", 3) for number in range(1, 6)), ("test_batch", 4)):
        numbers, labels = _of_classes(10, each)
        batch = {
            "batch_label": name,
            "labels": numbers.tolist(),
            "data": pictures(labels, 32, 32, random).transpose(0, 3, 1, 2).reshape(len(numbers), -1),
            "filenames": [f"{name}_{row}.png" for row in range(len(numbers))],
        }
        (base / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {"num_cases_per_batch": 30, "label_names": CIFAR10_CLASSES, "num_vis": 3072}
    (base / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))


def _voc(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    year = str(entry.arguments.get("year", 2012))
    base, height, width = folder / VOC_FOLDERS[year], 48, 64
    sets = ("train", "val", "test") if year.startswith("2007") else ("train", "val")
    named: dict[str, list[str]] = {}
    for number, image_set in enumerate(sets):
        labels = _of_labels(len(VOC_CLASSES), 60)
        named[image_set] = [f"{year[:4]}_{number}{row:05}" for row in range(len(labels))]
        for row, (name, image) in enumerate(
            zip(named[image_set], pictures(labels, height, width, random), strict=True)
        ):
            _save(image, base / "JPEGImages" / f"{name}.jpg")
            objects = [(VOC_CLASSES[label], False) for label in np.flatnonzero(labels[row])]
            if row % 10 == 0:
                objects.append((VOC_CLASSES[(row // 10 + 9) % len(VOC_CLASSES)], True))
            annotation = _voc_annotation(base.name, f"{name}.jpg", height, width, objects)
            _write_text(base / "Annotations" / f"{name}.xml", annotation)
    named["trainval"] = named["train"] + named["val"]
    for image_set, names in named.items():
        _write_text(base / "ImageSets/Main" / f"{image_set}.txt", names)


def _voc_annotation(folder: str, file: str, height: int, width: int, objects: Sequence[tuple[str, bool]]) -> list[str]:
    lines = [
        f"<annotation><folder>{folder}</folder><filename>{file}</filename>",
        "<source><database>generated by bakeoff demo-data</database></source>",
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size><segmented>0</segmented>",
    ]
    for name, difficult in objects:
        lines.append(
            f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated>"
            f"<difficult>{int(difficult)}</difficult>"
            f"<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{width}</xmax><ymax>{height}</ymax></bndbox></object>"
        )
    return [*lines, "</annotation>"]


def _tiny_imagenet(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    base = folder / TINY_IMAGENET_FOLDER
    wordnet = [f"n{1000 + number:08}" for number in range(4)]
    _write_text(base / "wnids.txt", wordnet)
    _write_text(base / "words.txt", [f"{number}\tgenerated {at}" for at, number in enumerate(wordnet)])
    numbers, labels = _of_classes(len(wordnet), 10)
    boxes: dict[str, list[str]] = {number: [] for number in wordnet}
    for label, image in zip(numbers, pictures(labels, 64, 64, random), strict=True):
        name = f"{wordnet[label]}_{len(boxes[wordnet[label]])}.JPEG"
        _save(image, base / "train" / wordnet[label] / "images" / name)
        boxes[wordnet[label]].append(f"{name}\t0\t0\t63\t63")
    for number, lines in boxes.items():
        _write_text(base / "train" / number / f"{number}_boxes.txt", lines)
    numbers, labels = _of_classes(len(wordnet), 4)
    for row, image in enumerate(pictures(labels, 64, 64, random)):
        _save(image, base / "val/images" / f"val_{row}.JPEG")
    lines = [f"val_{row}.JPEG\t{wordnet[label]}\t0\t0\t63\t63" for row, label in enumerate(numbers)]
    _write_text(base / "val/val_annotations.txt", lines)


def _csv(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    """Colours are classes, tags, or the columns that the entry names."""
    told = entry.arguments
    table = below(folder, told["table"], "table")
    images = below(folder, told["folder"], "folder") if told.get("folder") else table.parent
    if told.get("label"):
        names, labels = COLORS, _of_classes(len(COLORS), 14)[1]
    else:
        names = told.get("labels") or COLORS
        labels = _of_labels(len(names), 120)
    suffix = told.get("suffix", "")
    extension = "" if PurePosixPath(f"x{suffix}").suffix else ".jpg"
    cells = [f"demo_{row:03}{extension}" for row in range(len(labels))]
    for cell, image in zip(cells, pictures(labels, 48, 64, random), strict=True):
        _save(image, images / f"{cell}{suffix}")

    columns = {told.get("image", "image"): cells}
    if told.get("labels"):
        columns |= {name: [str(int(value)) for value in labels[:, at]] for at, name in enumerate(names)}
    else:
        between = told.get("separator", " ")
        columns[told.get("label") or told["tags"]] = [
            between.join(name for name, value in zip(names, row, strict=True) if value) for row in labels
        ]
    if told.get("split"):  # whole rounds through the classes, so that every split has every one
        ends = [len(labels) * 6 // 10 // len(names) * len(names), len(labels) * 8 // 10 // len(names) * len(names)]
        columns[told["split"]] = [
            "train" if row < ends[0] else "validation" if row < ends[1] else "test" for row in range(len(labels))
        ]
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=told.get("delimiter") or ("\t" if table.suffix == ".tsv" else ","))
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _csv_places(entry: Dataset) -> list[str]:
    table = PurePosixPath(entry.arguments["table"])
    images = PurePosixPath(entry.arguments.get("folder") or table.parent)
    return [str(place) for place in (table, images) if place != PurePosixPath(".")]


def _folder(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    for split, each in (("train", 14), ("test", 4)):
        if split == "test" and entry.arguments.get("test"):
            continue
        numbers, labels = _of_classes(len(COLORS), each)
        for row, image in enumerate(pictures(labels, 48, 64, random)):
            _save(image, folder / split / COLORS[numbers[row]] / f"{row}.png")


def _nothing(folder: Path, entry: Dataset, random: np.random.Generator) -> None:
    pass


FORMATS: dict[str, Format] = {
    record.name: record
    for record in (
        Format("digits", "nothing: the images ship with scikit-learn", lambda entry: [], _nothing),
        *(
            Format(f"torchvision/{name}", "IDX files, plain and gzipped", _mnist_places, _mnist_like)
            for name in ("MNIST", "FashionMNIST", "KMNIST")
        ),
        Format("torchvision/CIFAR10", "pickled batches", lambda entry: ["cifar-10-batches-py"], _cifar10),
        Format(
            "voc",
            "images, annotations (some objects difficult) and image sets",
            lambda entry: [VOC_FOLDERS[str(entry.arguments.get("year", 2012))]],
            _voc,
        ),
        Format(
            "tiny_imagenet",
            "four classes in the tree of the archive",
            lambda entry: [TINY_IMAGENET_FOLDER],
            _tiny_imagenet,
        ),
        Format("csv", "a table and a folder of images", _csv_places, _csv),
        Format("folder", "a folder for each split and class", lambda entry: ["train", "test"], _folder),
    )
}
