"""The transforms that have a batched form."""

from bakeoff.data.transforms.blur import GAUSSIAN_BLUR
from bakeoff.data.transforms.color import COLOR
from bakeoff.data.transforms.crop import RANDOM_CROP
from bakeoff.data.transforms.erasing import RANDOM_ERASING
from bakeoff.data.transforms.flips import FLIPS
from bakeoff.data.transforms.geometry import GEOMETRY
from bakeoff.data.transforms.record import BatchTransform
from bakeoff.data.transforms.tones import TONE

BATCHED: dict[str, BatchTransform] = {
    record.name: record for record in (*FLIPS, RANDOM_CROP, *GEOMETRY, *COLOR, *TONE, GAUSSIAN_BLUR, RANDOM_ERASING)
}
