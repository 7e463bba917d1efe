"""What a source of images is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [N, C, H, W]
Labels = NDArray[np.int64]  # [N]


@dataclass(frozen=True)
class Request:
    """The keys of a dataset entry that every source understands.

    `where` names the entry in messages; `scratch` is a folder for arrays too large for memory.
    """

    where: str
    root: Path
    resize: tuple[int, int] | None = None
    mode: Literal["L", "RGB"] | None = None
    on_bad_image: Literal["error", "skip"] = "error"
    split_seed: int = 0
    threads: int = 1
    scratch: Path | None = None


@dataclass(frozen=True)
class SourceData:
    """Images and labels of the splits train, test and maybe validation; the names of skipped files."""

    splits: dict[str, tuple[Pixels, Labels]]
    classes: list[str]
    skipped: list[str] = field(default_factory=list)


def _nothing_to_check(where: str, arguments: dict[str, Any]) -> None:
    pass


@dataclass(frozen=True)
class Source:
    """One kind of source.

    `load(request, *, ...)` reads it; its keyword-only parameters are the arguments a dataset entry may
    give. `check(where, arguments)` raises BakeoffError for values that can be refused without the data.
    """

    name: str
    description: str
    load: Callable[..., SourceData]
    check: Callable[[str, dict[str, Any]], None] = _nothing_to_check
