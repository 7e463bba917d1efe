"""The pages of docs/ say what the code says."""

import sys
from pathlib import Path

import pytest

from terminal import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import generate


@pytest.mark.parametrize(("page", "wanted"), generate.pages(), ids=lambda value: getattr(value, "name", ""))
def test_what_is_generated_is_as_the_code_says(page: Path, wanted: str) -> None:
    assert page.read_text(encoding="utf-8") == wanted, "make docs writes it anew"


def test_every_generator_has_its_place() -> None:
    markers = {block[2] for page, _ in generate.pages() for block in generate.BLOCK.finditer(page.read_text())}
    assert markers == set(generate.GENERATED)
