"""The smoke form of a study: it builds everything that the study builds, and computes next to nothing.

Works on the content of a study file and knows nothing of what it means.
"""

from collections.abc import Mapping
from typing import Any

from bakeoff.language import language_of

IMAGES = 48  # in a split; one of each class where there are more classes
SIDE = 32  # pixels
BATCH = 16
TRIALS = 2
CUTS = 2  # of a dataset that is split repeatedly

Content = dict[str, Any]


def smoke_form(study: Mapping[str, Any]) -> Content:
    """The study with one seed, one epoch, and few and small images, under the name `<study>-smoke`.

    What is built stays: architectures (with random weights of the same names and shapes for pretrained ones),
    optimizers, schedules, augmentations, losses, and which run starts from which. `study` is the content of the
    study file, as the models coerced it. The result says `smoke: false`, so it is not shrunk again.
    """
    given = study.get("seeds", (0,))
    seeds = given if isinstance(given, list | tuple) else (0,)  # a race has nothing to decide here
    said = language_of(study.get("language", "en"))
    sizes = [size for entry in study["datasets"].values() for size in _sizes(entry).values()]
    shrunk = any(_at_most(size, SIDE) != size for size in sizes)
    return {
        **study,
        "study": f"{study['study']}-smoke",
        "title": said.say("{title} (smoke run: the numbers mean nothing)", title=study.get("title") or study["study"]),
        "smoke": False,
        "seeds": seeds[:1],
        "datasets": {name: _dataset(entry) for name, entry in study["datasets"].items()},
        "architectures": {
            name: entry | ({"pretrained": "random"} if entry.get("pretrained") is True else {})
            for name, entry in study["architectures"].items()
        },
        "recipes": {name: _recipe(entry, seeds[0], shrunk) for name, entry in study["recipes"].items()},
        **({"tuning": _tuning(study["tuning"])} if study.get("tuning") else {}),
    }


def _tuning(entry: Content) -> Content:
    """The least that does what the study does: two trials, the better of which goes on where trials are halved."""
    halving = 2 if entry.get("halving") else None
    few = {"trials": TRIALS, "seeds": list(entry.get("seeds", [1000]))[:1], "epochs": halving or 1, "studies": 1}
    return {**entry, **few, "halving": halving}


def _dataset(entry: Content) -> Content:
    sizes = {key: _at_most(size, SIDE) for key, size in _sizes(entry).items()}
    generated = {"check_md5": False} if entry["source"] == "torchvision" else {}  # for `bakeoff demo-data`
    kept = {key: value for key, value in entry.items() if key != "per_class"}
    kept |= {key: min(entry[key], CUTS) for key in ("splits", "folds") if entry.get(key) is not None}
    return {**kept, **sizes, **generated, "limit": _at_most(entry.get("limit") or IMAGES, IMAGES)}


def _recipe(entry: Content, seed: int, shrunk: bool) -> Content:
    changed: Content = {"epochs": 1, "batch_size": min(entry.get("batch_size", BATCH), BATCH), "compile": False}
    if entry.get("schedule"):
        changed["schedule"] = {**entry["schedule"], "warmup": 0}
    if shrunk and entry.get("augment"):
        changed["augment"] = [_resized(transform) for transform in entry["augment"]]
    if (entry.get("init_from") or {}).get("seed") is not None:
        changed["init_from"] = {**entry["init_from"], "seed": seed}
    return {**entry, **changed, "early_stopping": None}


def _resized(value: Any) -> Any:
    """A transform whose `size`, and that of its parts, fits the smaller images."""
    if isinstance(value, Mapping):
        return {name: _at_most(item, SIDE) if name == "size" else _resized(item) for name, item in value.items()}
    return [_resized(item) for item in value] if isinstance(value, list | tuple) else value


def _sizes(entry: Content) -> Content:
    return {key: entry[key] for key in ("resize", "center_crop") if entry.get(key) is not None}


def _at_most(size: Any, most: int) -> Any:
    """A size, or each side of it, cut to `most`. What is no size is left to the check of transforms."""
    if isinstance(size, list | tuple):
        return type(size)(_at_most(side, most) for side in size)
    return min(size, most) if isinstance(size, int) else size
