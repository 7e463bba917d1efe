"""The same image in two splits: found by a hash of its prepared pixels, named, and refused where the study says so.

Files of the same bytes have the same pixels, so their bytes need no comparing; the same pixels in another format are
found, too. A JPEG that was compressed again is another image.
"""

import hashlib
import itertools
import sys
from collections.abc import Mapping
from typing import Any

from bakeoff.data.choose import Split
from bakeoff.errors import BakeoffError
from bakeoff.study.entries import SPLITS, Duplicates

MOST_PAIRS = 100  # that a card names for two splits
MOST_SHOWN = 3

Shared = dict[str, Any]


def find_duplicates(splits: Mapping[str, Split]) -> list[Shared]:
    """A record for each two splits that share images, as the card has it; takes a moment for 60,000 small images.

    `splits` are the two; `images` counts those of the second that the first has, too; `pairs` are the names of the
    first hundred of them: [in the first, in the second].
    """
    rows = {split: _rows_by_pixels(splits[split]) for split in SPLITS}
    found = []
    for first, second in itertools.combinations(SPLITS, 2):
        common = [pixels for pixels in rows[second] if pixels in rows[first]]
        if common:
            pairs = [
                [splits[split].name(rows[split][pixels][0], split) for split in (first, second)]
                for pixels in common[:MOST_PAIRS]
            ]
            images = sum(len(rows[second][pixels]) for pixels in common)
            found.append({"splits": [first, second], "images": images, "pairs": pairs})
    return found


def judge(found: list[Shared], policy: Duplicates, name: str) -> None:
    """Raise BakeoffError, print a warning or do nothing about images that splits of the dataset `name` share."""
    if not found or policy == "allow":
        return
    message = "; ".join(map(_sentence, found))
    if policy == "error":
        raise BakeoffError(f"{message}. Remove them from one split, or set duplicates: warn", ["duplicates"])
    advice = "set duplicates: error to refuse such data, duplicates: allow to hear no more of it"
    print(f"warning: datasets.{name}: {message}; {advice}", file=sys.stderr, flush=True)


def _rows_by_pixels(split: Split) -> dict[bytes, list[int]]:
    """The hash of an image's pixels → where it stands in the split. All images of a dataset have one shape."""
    rows: dict[bytes, list[int]] = {}
    images = (image for chunk in split.chunks() for image in chunk)
    for row, image in enumerate(images):
        rows.setdefault(hashlib.blake2b(image, digest_size=16).digest(), []).append(row)
    return rows


def _sentence(shared: Shared) -> str:
    first, second = shared["splits"]
    pairs = ", ".join(" = ".join(pair) for pair in shared["pairs"][:MOST_SHOWN])
    more = " and so on" if shared["images"] > MOST_SHOWN else ""
    verb = "image is" if shared["images"] == 1 else "images are"
    return f"{shared['images']:,} {second} {verb} in {first}, too: {pairs}{more}"
