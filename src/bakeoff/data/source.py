"""What a source of images is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.study.metrics import Task

Pixels = NDArray[np.uint8]  # [N, C, H, W]
PixelRange = tuple[float, float]  # the values that become 0 and 255
PixelsOrFiles = Pixels | list[Path]  # files are decoded only after they are chosen
Labels = NDArray[np.int64] | NDArray[np.uint8]  # [N] class numbers, or [N, L] of 0, 1 and IGNORED


def label_layout(task: Task, images: int, classes: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The dtype and shape of an array of labels."""
    if task == "multi-label":
        return np.dtype(np.uint8), (images, classes)
    return np.dtype(np.int64), (images,)


@dataclass(frozen=True)
class Request:
    """The keys of a dataset entry that every source understands.

    `where` names the entry in messages; `scratch` is a folder for arrays that are too large for memory. `resize` is
    [height, width] or the shorter side, in pixels; `center_crop` is applied after it. `pixel_range` is that of images
    deeper than 8 bits.
    """

    where: str
    root: Path
    resize: int | tuple[int, int] | None = None
    center_crop: tuple[int, int] | None = None
    mode: Literal["L", "RGB"] | None = None
    pixel_range: PixelRange | None = None
    on_bad_image: Literal["error", "skip"] = "error"
    threads: int = 1
    scratch: Path | None = None


@dataclass(frozen=True)
class SourceData:
    """Images and labels of the splits train and maybe validation and test.

    Multi-class labels are int64 [N]. Multi-label ones are uint8 [N, L] with a column for each of `classes`, in which
    IGNORED (255) counts neither as positive nor as negative. `test_share` of the training images becomes the test
    split. `fitted` says that arrays already have the size and mode that the request asks for; `skipped` names files
    that could not be decoded. `warnings` are what a user should know of the images.
    """

    splits: Mapping[str, tuple[PixelsOrFiles, Labels]]
    classes: list[str]
    task: Task = "multi-class"
    test_share: float | None = None
    fitted: bool = False
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_test_share(arguments: dict[str, Any]) -> None:
    """Raise BakeoffError unless the argument `test` is a share or left out."""
    test = arguments.get("test")
    if test is not None and (isinstance(test, bool) or not isinstance(test, int | float) or not 0 < test < 1):
        raise BakeoffError(f"found {test!r}; allowed: a share between 0 and 1, such as 0.2", ["test"])


@dataclass(frozen=True)
class Source:
    """One kind of source.

    `load(request, *, ...)` reads it; its keyword-only parameters are the arguments that a dataset entry may give.
    `check(arguments)` raises BakeoffError for values that can be refused without reading data.
    `missing(root, arguments)` says which file or folder is not there that nothing can be read without, in a moment and
    without torch; None where all is there, or can be downloaded. `asks_torch` says that `check` imports torchvision.
    """

    name: str
    description: str
    load: Callable[..., SourceData]
    check: Callable[[dict[str, Any]], None] = lambda arguments: None
    missing: Callable[[Path, dict[str, Any]], str | None] = lambda root, arguments: None
    asks_torch: bool = False
