"""What happens to a new image: the very same as to those that the network was trained on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bakeoff.data.decoding import decode_picture, open_picture, reason
from bakeoff.data.loading import request_of
from bakeoff.data.source import Pixels, Request
from bakeoff.errors import BakeoffError
from bakeoff.results.result import Result
from bakeoff.results.weights_file import NetworkInput
from bakeoff.study.entries import Dataset
from bakeoff.study.specification import DatasetSpecification

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = (1, 3)  # L and RGB


class BadImage(BakeoffError):
    """A file that is no image, or none that the network takes."""


@dataclass(frozen=True)
class Preparation:
    """How an image becomes uint8 pixels of `shape` [channels, height, width]: what the entry of the dataset says."""

    request: Request
    shape: tuple[int, int, int]

    def pixels(self, picture: "Image | Path | str") -> Pixels:
        """The pixels of a picture or of a file, uint8 [channels, height, width]. Raises BadImage."""
        name = picture if isinstance(picture, Path | str) else "the picture"
        try:
            image = open_picture(Path(picture)) if isinstance(picture, Path | str) else picture
            pixels, _ = decode_picture(image, self.request)
        except MemoryError:
            raise
        except Exception as error:  # on a broken file, Pillow's readers may raise anything
            said = error.message.removeprefix(f"{name}: ") if isinstance(error, BakeoffError) else reason(error)
            raise BadImage(f"{name}: {said}") from error
        if pixels.shape != self.shape:
            raise BadImage(
                f"{name}: has {pixels.shape[1]}x{pixels.shape[2]} pixels (height x width), and the network was trained "
                f"on {self.shape[1]}x{self.shape[2]}, to which its dataset resizes nothing; resize the image first"
            )
        return pixels


def preparation_of(result: Result, taken: NetworkInput) -> Preparation:
    """The preparation of the images of a run. Raises BakeoffError for channels that no image file has."""
    channels = taken.shape[0]
    if channels not in CHANNELS:
        raise BakeoffError(f"{result.run.key}: takes images of {channels} channels; image files have 1 or 3 here")
    content = dict(result.spec["dataset"])
    entry = Dataset.model_validate(content["entry"])
    root = Path(entry.root or ".")
    specification = DatasetSpecification(result.run.dataset, entry, root, content["split_seed"], content)
    # Of a source that has arrays, the entry may leave the mode open.
    mode: Literal["L", "RGB"] = "L" if channels == 1 else "RGB"
    return Preparation(replace(request_of(specification, threads=1), mode=mode, scratch=None), taken.shape)
