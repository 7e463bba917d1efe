"""The cuts of a dataset that is split repeatedly: `splits: 3` draws three, `folds: 5` are those of cross-validation."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bakeoff.study.entries import Dataset

Kind = Literal["split", "fold"]
KEYS: Mapping[Kind, str] = {"split": "splits", "fold": "folds"}  # those of a dataset's entry


@dataclass(frozen=True)
class Cut:
    """One way to cut a dataset into training, validation and test images. `number` counts from 1 to `count`."""

    of: str
    kind: Kind
    number: int
    count: int

    @property
    def name(self) -> str:
        """What it is called as a dataset of its own: `digits-split1`."""
        return f"{self.of}-{self.kind}{self.number}"

    @property
    def key(self) -> str:
        """The key of the dataset's entry that asks for it."""
        return KEYS[self.kind]

    @property
    def content(self) -> dict[str, Any]:
        """What it adds to the specification of the dataset. One more split changes none of the others; folds do."""
        return {"split": self.number} if self.kind == "split" else {"fold": [self.number, self.count]}

    def seed(self, split_seed: int) -> int:
        """The seed that it is drawn with, a whole number below 2**63. Randomness comes from names."""
        digest = hashlib.sha256(f"{split_seed}/{self.kind}/{self.number}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1


def cuts_of(name: str, entry: Dataset) -> tuple[Cut, ...]:
    """The cuts of a dataset, in their order; none where it is split once."""
    for kind, key in KEYS.items():
        if (count := getattr(entry, key)) is not None:
            return tuple(Cut(name, kind, number, count) for number in range(1, count + 1))
    return ()


def cut_in(name: str, content: Mapping[str, Any]) -> Cut | None:
    """The cut that a dataset's name and its specification tell of; None where it is split once.

    Its `count` is 0 where the specification does not say how many there are.
    """
    kind: Kind = "fold" if "fold" in content else "split"
    number, count = content["fold"] if "fold" in content else (content.get("split"), 0)
    ending = f"-{kind}{number}"
    return Cut(name.removesuffix(ending), kind, number, count) if number and name.endswith(ending) else None
