"""Pictures and arrays deeper than 8 bits: what becomes of their values, and what is said of the range that they use."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from PIL import Image, ImageOps
from pydantic import ValidationError

from bakeoff.data.decoding import decode_files
from bakeoff.data.depth import eight_bits
from bakeoff.data.pixels import ORIENTATION, shallow, to_array
from bakeoff.data.source import Request
from bakeoff.errors import BakeoffError
from bakeoff.study.entries import Dataset
from bakeoff.study.plugin_files import REGISTRIES, Plugin

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
HEADLESS_EXIF = bytes.fromhex("0008000201120003000000010001000001310002000000070000006e")


def reread(values: np.ndarray, format: str = "TIFF", **options: Any) -> Image.Image:
    """A picture as it comes from a file."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, format, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def pixels_of(picture: Image.Image, mode: str) -> np.ndarray:
    """[C, H, W]"""
    return to_array(shallow(picture)[0], None, mode)


def png_of_16_bit_color(values: np.ndarray) -> bytes:
    """Values [H, W, 3] as PNG with 16 bits per colour, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def folder_of(root: Path, save: Any) -> dict[str, Any]:
    """The entry of a folder in which `save(path, number)` has put four pictures for each class and split."""
    for number in range(16):
        path = root / ("train", "test")[number % 2] / ("cat", "dog")[number // 2 % 2] / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, number)
    return {"source": "folder", "root": str(root), "validation": 0.25, "mode": "L"}


def test_every_value_of_16_bits_becomes_the_nearest_of_8() -> None:
    values = np.arange(65536)
    assert np.array_equal(eight_bits(values, (0, 65535)), np.rint(values / 257))
    assert np.array_equal(
        eight_bits(np.array([-np.inf, 99, 100, 150, 200, np.inf]), (100, 200)), [0, 0, 0, 128, 255, 255]
    )


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4"])
def test_16_bits_are_scaled_in_every_order_of_bytes(dtype: str) -> None:
    assert np.array_equal(pixels_of(reread(GRAY.astype(dtype) * 257), "L")[0], GRAY)


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint16), (12, np.uint16), (14, np.uint16), (10, np.int32)])
def test_a_tiff_says_of_how_many_bits_its_pixels_are(bits: int, dtype: type) -> None:
    values = np.rint(GRAY.astype(float) * (2**bits - 1) / 255).astype(dtype)
    assert np.array_equal(pixels_of(reread(values, tiffinfo={281: 2**bits - 1}), "L")[0], GRAY)
    anything = reread(values, tiffinfo={281: 2**bits - 7})  # the largest value found, which says nothing of the range
    assert np.array_equal(pixels_of(anything, "L")[0], np.rint(values / 257))


def test_what_used_its_range_is_read_as_ever() -> None:
    fifteen = reread(GRAY.astype(np.uint16) * 128, tiffinfo={281: 32767})
    assert np.array_equal(pixels_of(fifteen, "L")[0], np.rint(GRAY.astype(int) * 128 / 257))


@pytest.mark.parametrize("factor", [1, 16])
def test_little_of_the_range_is_said_and_a_range_mends_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], factor: int
) -> None:
    entry = folder_of(tmp_path / "in", lambda path, _: Image.fromarray(GRAY.astype(np.uint16) * factor).save(path))
    (warning,) = prepare_entry(**entry).card["warnings"]
    assert "16 of 16 images" in warning and "train/cat/4.tif" in warning and f"0 to {255 * factor}" in warning
    assert f"warning: datasets.data: {warning}" in capfd.readouterr().err
    data = prepare_entry(**entry, pixel_range=[0, 255 * factor])
    assert np.array_equal(data.splits["test"][0][0, 0], GRAY)
    assert "warnings" not in data.card and "range" not in capfd.readouterr().err


def test_values_outside_of_the_range_are_said(tmp_path: Path) -> None:
    signed = GRAY.astype(np.int32) * 400 - 5000
    entry = folder_of(tmp_path / "in", lambda path, _: Image.fromarray(signed).save(path))
    (warning,) = prepare_entry(**entry).card["warnings"]
    assert "outside of their range" in warning and "-5000 to 97000 of 0 to 65535" in warning
    data = prepare_entry(**entry, pixel_range=[-5000, 97000])
    assert np.array_equal(data.splits["test"][0][0, 0], GRAY) and "warnings" not in data.card


def test_full_16_bits_need_no_warning(tmp_path: Path) -> None:
    entry = folder_of(tmp_path / "in", lambda path, _: Image.fromarray(GRAY.astype(np.uint16) * 257).save(path))
    assert "warnings" not in prepare_entry(**entry).card


def test_16_bit_colour_that_is_nearly_black_is_said_and_takes_no_range(tmp_path: Path) -> None:
    color = np.repeat(GRAY[..., None].astype(np.uint16), 3, axis=2)
    full = Image.open(io.BytesIO(png_of_16_bit_color(color * 257)))
    assert np.array_equal(pixels_of(full, "RGB")[0], GRAY)
    entry = folder_of(tmp_path / "in", lambda path, _: path.write_bytes(png_of_16_bit_color(color)))
    assert "less than a quarter" in prepare_entry(**entry).card["warnings"][0]
    with pytest.raises(
        BakeoffError, match=r"(train|test)/(cat|dog)/\d+\.tif cannot be decoded.*16 bits per colour only 8"
    ):
        prepare_entry(**entry, pixel_range=[0, 255])


def test_floating_point_pictures_are_named_skipped_or_given_a_range(tmp_path: Path) -> None:
    depth = GRAY.astype(np.float32) / 255

    def save(path: Path, number: int) -> None:
        Image.fromarray(depth if number in (4, 6) else GRAY).save(path)

    entry = folder_of(tmp_path / "in", save)
    with pytest.raises(BakeoffError, match=r"datasets\.data: train/cat/4\.tif .*floating-point.*pixel_range.*skip"):
        prepare_entry(**entry)
    assert prepare_entry(**entry, on_bad_image="skip").card["skipped"] == ["train/cat/4.tif", "train/dog/6.tif"]
    images, _ = prepare_entry(**entry, pixel_range=[0, 1]).splits["train"]
    assert all(np.array_equal(image, GRAY) for image in images[:, 0])
    depth[3, 3] = np.nan
    entry = folder_of(tmp_path / "in", save)
    with pytest.raises(BakeoffError, match=r"train/cat/4\.tif .*not a number"):
        prepare_entry(**entry, pixel_range=[0, 1])


def test_a_range_that_no_image_needs_is_a_mistake(tmp_path: Path) -> None:
    entry = folder_of(tmp_path / "in", lambda path, _: Image.fromarray(GRAY).save(path))
    for of in (entry, {"source": "digits"}):
        with pytest.raises(BakeoffError, match=r"datasets\.data\.pixel_range: no image here is deeper than 8 bits"):
            prepare_entry(**of, pixel_range=[0, 255])


@pytest.mark.parametrize("wrong", [[5, 5], [9, 1], [0, float("inf")], [float("nan"), 1], [1], 255, [0, 1, 2]])
def test_a_range_ascends_and_is_finite(wrong: object) -> None:
    with pytest.raises(ValidationError, match="pixel_range"):
        Dataset.model_validate({"source": "folder", "pixel_range": wrong})


def test_without_a_range_a_dataset_is_specified_as_before() -> None:
    assert "pixel_range" not in dataset_of(source="digits").content["entry"]
    assert dataset_of(source="digits", pixel_range=[0, 9]).content["entry"]["pixel_range"] == [0, 9]


@pytest.mark.parametrize(
    ("values", "entry", "expected"),
    [
        (GRAY.astype(np.uint16) * 257, {}, GRAY),
        (GRAY.astype(np.float64) / 255, {"pixel_range": [0, 1]}, GRAY),
        (GRAY.astype(np.int64), {"pixel_range": [0, 255]}, GRAY),
        (GRAY > 99, {}, np.where(GRAY > 99, 255, 0)),
    ],
)
def test_arrays_of_a_source_may_be_deep(
    monkeypatch: pytest.MonkeyPatch, values: np.ndarray, entry: dict[str, Any], expected: np.ndarray
) -> None:
    images = np.repeat(values[None, None], 12, axis=0)
    provide(monkeypatch, images)
    data = prepare_entry(source="given", test=0.25, validation=0.25, **entry)
    assert data.splits["train"][0].dtype == np.uint8
    assert all(np.array_equal(image[0], expected) for image in data.splits["train"][0])
    assert "warnings" not in data.card


def test_broken_files_of_a_source_may_lie_outside_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / f"{number}.png" for number in range(12)]
    for file in files:
        Image.fromarray(GRAY).save(file)
    files[5].write_bytes(b"no picture")
    provide(monkeypatch, files)
    entry = {"source": "given", "root": str(tmp_path / "elsewhere"), "test": 0.25, "validation": 0.25}
    with pytest.raises(BakeoffError, match=rf"{files[5]} cannot be decoded"):
        prepare_entry(**entry)
    assert prepare_entry(**entry, on_bad_image="skip").card["skipped"] == [str(files[5])]


def test_arrays_without_a_range_are_refused_and_little_of_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, np.ones((12, 1, 4, 4)))
    with pytest.raises(BakeoffError, match=r"train images are numbers of type float64.*pixel_range"):
        prepare_entry(source="given", test=0.25, validation=0.25)
    provide(monkeypatch, np.full((12, 1, 4, 4), 200, np.uint16))
    assert "less than a quarter" in prepare_entry(source="given", test=0.25, validation=0.25).card["warnings"][0]


def provide(monkeypatch: pytest.MonkeyPatch, images: np.ndarray | list[Path]) -> None:
    """A source `given` with these images or files, of two classes."""
    from bakeoff.data.source import SourceData

    labels = np.arange(len(images)) % 2

    def load(request: object, *, test: float) -> SourceData:
        return SourceData({"train": (images, labels)}, ["a", "b"], test_share=test)

    monkeypatch.setitem(REGISTRIES["source"], "given", Plugin("given", "", load))


@pytest.mark.parametrize(("format", "exif"), [("PNG", HEADLESS_EXIF), ("JPEG", b"Exif\0\0" + HEADLESS_EXIF)])
def test_damaged_exif_leaves_a_picture_as_it_lies(format: str, exif: bytes) -> None:
    damaged, whole = reread(GRAY, format, exif=exif), reread(GRAY, format)
    assert np.array_equal(pixels_of(damaged, "L"), pixels_of(whole, "L"))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_are_turned_once_as_pillow_turns_them(tmp_path: Path, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture, file = reread(GRAY[:9], format, exif=exif), tmp_path / "turned"
    file.write_bytes(picture.fp.getvalue())
    decoded = decode_files([file], Request("datasets.data", tmp_path, mode="L")).images
    picture.load()  # without it, Pillow turns TIFFs twice
    assert np.array_equal(decoded[0, 0], np.asarray(ImageOps.exif_transpose(picture).convert("L")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_as_pillow_turns_them(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turned = ImageOps.exif_transpose(reread(GRAY[:9], "PNG", exif=exif))
    deep, used = shallow(reread(GRAY[:9].astype(np.uint16) * 257, "PNG", exif=exif))
    assert np.array_equal(np.asarray(deep), np.asarray(turned)) and used is not None


@pytest.mark.parametrize("content", ["empty", "text", "cut", "huge"])
def test_what_cannot_be_decoded_is_named_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "PNG")
    whole = file.getvalue()
    bad = {"empty": b"", "text": b"no picture", "cut": whole[: len(whole) // 2], "huge": whole}[content]
    if content == "huge":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    entry = folder_of(tmp_path / "in", lambda path, _: path.write_bytes(bad))
    with pytest.raises(
        BakeoffError, match=r"(train|test)/(cat|dog)/\d+\.tif cannot be decoded as an image: \w+"
    ) as error:
        prepare_entry(**entry)
    assert not re.search(r"object at|\n", str(error.value))
