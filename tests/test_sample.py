"""docs/sample is what the code writes now of the tables that are kept there."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from bakeoff.report.render import render_report
from terminal import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import sample

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
ANEW = "make sample writes it anew"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of the kept tables; figures are those of the samples, without their drawings."""
    made = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        for kept in (sample.DIGITS, sample.TUNED):
            sample.lay_out(kept, made)
            for language in kept.copied:
                layout = kept.layout(Path(), language)
                for drawn in (kept.folder / "figures").rglob("*.svg"):
                    path = layout.figures / drawn.relative_to(kept.folder / "figures")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("<svg ><image/></svg>" if "<image" in drawn.read_text() else "<svg ></svg>")
                render_report(kept.study, layout, language or None)
    return made


def without_drawings(path: Path) -> str:
    return re.sub(r"<svg .*?</svg>", "<svg/>", path.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        *((sample.DIGITS, name) for name in ("report.md", "report.html", "ru/report.html", "latex/results_digits.tex")),
        *((sample.TUNED, name) for name in ("report.md", "report.html")),
    ],
)
def test_the_samples_are_what_the_code_writes(folder: Path, kept: sample.Sample, name: str) -> None:
    written = kept.layout(folder).report_folder / name.replace("latex/", "latex/tables/")
    assert without_drawings(kept.folder / name) == without_drawings(written), ANEW


def test_pdfs_and_the_picture_show_the_sample(folder: Path) -> None:
    kept = json.loads((sample.DIGITS.tables / "checksums.json").read_text(encoding="utf-8"))
    assert kept == sample.checksums(sample.DIGITS, folder), ANEW
    page = hashlib.sha256((sample.DIGITS.folder / "report.html").read_bytes()).hexdigest()
    with Image.open(sample.PICTURE) as picture:
        assert picture.text["shows"] == page, ANEW


def test_the_tuned_sample_shows_a_ranking_that_turns_with_the_budget(folder: Path) -> None:
    leaders = pd.read_csv(sample.TUNED.tables / "summary/tuning_leaders.csv")
    assert leaders.loc[leaders["cost"] == "trials", "leader"].nunique() > 1
    assert "the ranking turns" in (folder / "report/optimizers_tuned/report.md").read_text(encoding="utf-8")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("name", ["report.html", "ru/report.html"])
def test_the_default_report_is_no_longer_than_it_may_be(name: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport=sample.SCREEN)
        page.goto((sample.DIGITS.folder / name).as_uri())
        height, answer = page.evaluate("document.documentElement.scrollHeight"), page.locator(".summary").bounding_box()
        browser.close()
    assert height <= 9000 and answer["y"] < 200


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no pdftotext is installed")
@pytest.mark.parametrize(("name", "heading"), [("report.pdf", "More numbers"), ("ru/report.pdf", "Другие числа")])
def test_its_pdf_has_ten_pages_at_most_before_the_appendix(name: str, heading: str) -> None:
    command = ["pdftotext", "-layout", sample.DIGITS.folder / name, "-"]
    pages = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\f")
    begins = next(number for number, page in enumerate(pages) if re.search(rf"^ *A +{heading}$", page, re.MULTILINE))
    assert begins <= 10
    assert "98." in pages[0].replace(",", ".") and pages[0].count(" · ") > 10  # the abstract with figure and table
