import sys

import numpy as np
import pytest
from PIL import Image

import bakeoff.data.decoding as module
from bakeoff.data.decoding import fit
from bakeoff.data.pixels import to_array
from bakeoff.data.source import Request

RANDOM = np.random.default_rng(0)


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(40, 61), (61, 40), (37, 37), (20, 90), (9, 9), (33, 10)])
@pytest.mark.parametrize(
    ("resize", "crop"), [(32, (28, 28)), (32, (20, 31)), (None, (28, 15)), ((30, 21), (17, 17)), (16, (24, 25))]
)
def test_resize_and_center_crop_are_torchvisions(size, resize, crop):
    from torchvision.transforms import CenterCrop, Compose, Resize

    picture = noise(*size)
    steps = [] if resize is None else [Resize(resize, antialias=True)]
    theirs = np.asarray(Compose([*steps, CenterCrop(crop)])(picture)).transpose(2, 0, 1)
    assert np.array_equal(to_array(picture, resize, "RGB", crop), theirs)
    pixels = np.asarray(picture).transpose(2, 0, 1)[None]
    fitted = fit(np.repeat(pixels, 3, axis=0), np.array([0, 2]), Request("here", None, resize, crop))
    assert np.array_equal(fitted, np.stack([theirs] * 2))


def test_what_already_fits_is_not_copied():
    images = RANDOM.integers(0, 256, (4, 3, 8, 8), dtype=np.uint8)
    assert fit(images, None, Request("here", None, (8, 8))) is None
    assert fit(images, None, Request("here", None)) is None


def test_progress_is_a_line_now_and_then(monkeypatch, capsys):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    assert list(module._shown(iter("abcdefg"), "decoded", 0, 6 * module.BLOCK + 1)) == list("abcdefg")
    assert capsys.readouterr().err.splitlines() == [
        "decoded 192 of 385 images, 32/s",
        "decoded 384 of 385 images, 32/s",
    ]


def test_quiet_when_it_is_quick(capsys):
    list(module._shown(iter("abc"), "decoded", 0, 3 * module.BLOCK))
    assert capsys.readouterr().err == "" and sys.stderr is not None
