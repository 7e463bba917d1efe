"""The HTML page in a real browser: what a reader clicks, types and sees."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bakeoff.figures.draw import draw_figures
from bakeoff.report.render import render_report
from bakeoff.study.study import runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_card, write_run

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve experiments whose accuracies are all different."""
    folder = tmp_path_factory.mktemp("page")
    hidden = {f"net{width}": {"model": "mlp", "hidden": [width]} for width in (4, 8, 16, 32, 64, 128)}
    study = study_of(architectures=hidden, seeds=2, datasets={"digits": {"source": "digits"}})
    layout = layout_in(folder, study)
    for index, run in enumerate(runs(study)):
        write_run(layout, run, result_of(study, run, accuracy=0.5 + 0.37 * index % 0.4))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_card(study, "digits", [str(digit) for digit in range(10)])
        analyse(study, layout)
        draw_figures(study, layout)
        return render_report(study, layout)[1]


@pytest.fixture
def page(report: Path) -> Iterator[Any]:
    """The page, opened from a file; anything that it complains of, or asks the network for, is an error."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: None if request.url.startswith(("file:", "blob:", "data:"))
                  else complaints.append(request.url))  # fmt: skip
        opened.goto(report.as_uri())
        yield opened
        assert complaints == []
        browser.close()


def results(page: Any) -> Any:
    return page.locator("section[aria-labelledby=results-digits] table").first


def column(page: Any, index: int) -> list[str]:
    return results(page).locator(f"tbody tr:not([hidden]) > :nth-child({index})").all_inner_texts()


def test_a_columns_head_sorts_by_value_with_the_keyboard_and_gives_the_order_back(page: Any) -> None:
    written = column(page, 3)
    values = [float(text.split(" ")[0]) for text in written]
    assert values != sorted(values)
    head = results(page).locator("thead button").nth(2)
    head.focus()
    page.keyboard.press("Enter")
    assert [float(text.split(" ")[0]) for text in column(page, 3)] == sorted(values)
    assert results(page).locator("thead th").nth(2).get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert [float(text.split(" ")[0]) for text in column(page, 3)] == sorted(values, reverse=True)
    page.keyboard.press("Enter")
    assert column(page, 3) == written


def test_rows_can_be_filtered(page: Any) -> None:
    field = page.get_by_label("Filter rows").locator("visible=true")
    shown = page.locator("section[aria-labelledby=results-digits] .tools input[type=search]").first
    assert field.count() > 0
    shown.fill("net16 adam")
    assert [name.strip() for name in column(page, 1)] == ["net16 · adam"]
    assert (
        page.locator("section[aria-labelledby=results-digits] [role=status]").first.inner_text() == "1 of 13 rows"
    )  # one is the baseline


def test_ticked_experiments_are_drawn_over_each_other(page: Any) -> None:
    chart = page.locator(".chooser figure svg")
    lines = chart.locator("polyline")
    assert lines.count() == 5
    page.get_by_role("checkbox", name="net128 · adam").check()
    assert lines.count() == 6
    boxes = page.locator(".chooser input[type=checkbox]")
    for index in range(boxes.count()):
        boxes.nth(index).set_checked(False)
    assert lines.count() == 0 and "Tick experiments" in (chart.text_content() or "")


def test_a_figure_can_be_saved(page: Any) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save figure").first.click()
    assert download.value.suggested_filename.endswith(".svg")
    assert Path(download.value.path()).read_text().startswith("<svg")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_does_not_scroll_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_text_can_be_read_in_the_dark(page: Any) -> None:
    def contrast() -> float:
        return page.evaluate(
            """() => {
                const luminance = (color) => color.match(/\\d+/g).slice(0, 3).map(Number).map((v) => v / 255)
                    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
                const style = getComputedStyle(document.body);
                const [one, other] = [luminance(style.color), luminance(style.backgroundColor)];
                return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            }"""
        )

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert contrast() > 7


def test_every_control_has_a_name(page: Any) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input")].filter((control) =>
            !(control.getAttribute("aria-label") || control.textContent.trim() || control.closest("label"))).length"""
    )
    assert nameless == 0
