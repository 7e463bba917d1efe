"""The HTML page in a real browser: what a reader clicks, types and sees."""

import csv
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bakeoff.figures.draw import draw_figures
from bakeoff.report.render import render_report
from bakeoff.study.study import runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_card, write_run
from terminal import ROOT

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
        allowed = ["clipboard-read", "clipboard-write"]
        opened = browser.new_page(viewport={"width": 1280, "height": 900}, permissions=allowed)
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
    return page.locator("section[aria-labelledby=summary] table").first


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
    shown = page.locator("section[aria-labelledby=summary] .tools input[type=search]").first
    assert field.count() > 0
    shown.fill("net16 adam")
    assert [name.strip() for name in column(page, 2)] == ["net16 · adam"]
    assert (
        page.locator("section[aria-labelledby=summary] [role=status]").first.inner_text() == "1 of 13 rows"
    )  # one is the baseline


def test_ticked_experiments_are_drawn_over_each_other(page: Any) -> None:
    page.get_by_text("Choose curves to compare").click()
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


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_to_complain_of(page: Any, scheme: str) -> None:
    """WCAG AA and good practice, with all that is folded unfolded: names, roles, contrast, order of headings."""
    axe = pytest.importorskip("axe_playwright_python")
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text())
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 15
    assert [(problem["id"], problem["nodes"][0]["html"]) for problem in found["violations"]] == []


def test_a_photograph_has_the_same_colours_in_the_dark(page: Any) -> None:
    page.goto((ROOT / "docs/sample/report.html").as_uri())

    def middle(scheme: str) -> bytes:
        """The image without its edges, which mix with what is around."""
        page.emulate_media(color_scheme=scheme)
        image = page.locator("section[aria-labelledby=data] svg.photos image").first
        with Image.open(BytesIO(image.screenshot())) as shown:
            return shown.crop((8, 8, shown.width - 8, shown.height - 8)).tobytes()

    assert middle("dark") == middle("light")


def test_a_table_can_be_copied_as_csv(page: Any) -> None:
    shown = results(page)
    shown.get_by_role("button", name="Copy as CSV").click()
    page.get_by_role("button", name="Copied").wait_for()
    rows = list(csv.reader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    assert rows[0][:2] == ["Rank", "Experiment"] and len(rows) == 14
    assert [row[1] for row in rows[1:]] == [text.strip() for text in column(page, 2)]


def test_a_cell_of_the_triangle_is_read_with_the_arrow_keys(page: Any) -> None:
    table = page.locator("section[aria-labelledby=comparison] table").first
    cells = table.locator("[data-note]")
    assert cells.count() == 12 * 11 / 2 and table.locator("[data-note][tabindex='0']").count() == 1
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    sentence = page.evaluate("document.activeElement.title")
    assert sentence == table.locator("tbody tr").nth(2).locator("td").nth(1).get_attribute("title")
    assert page.locator(".said").first.inner_text() == sentence != ""


def test_the_confusion_matrix_of_any_experiment_can_be_chosen(page: Any) -> None:
    box = page.locator(".confusions")
    best = box.locator("select").input_value()
    box.locator("select").select_option("net4 · sgd")
    drawn = box.locator("svg.drawn")
    assert drawn.locator("rect title").count() > 5 and "net4 · sgd" in box.locator("figcaption").inner_text()
    box.locator("select").select_option(best)
    assert drawn.count() == 0 and best in box.locator("figcaption").inner_text()


def test_an_experiment_is_unfolded_by_its_link_and_leads_to_its_files(page: Any, report: Path) -> None:
    results(page).get_by_role("link", name="net16 · adam").click()
    part = page.locator("details", has=page.locator("summary", has_text="net16 · adam")).first
    part.get_by_text("Runs of net16 · adam.").wait_for(state="visible")
    addresses = [link.get_attribute("href") for link in part.locator("a.file").all()]
    assert len(addresses) == 2 * 2  # a folder and a result for each seed: these runs have no log
    assert all((report.parent / address).resolve().exists() for address in addresses)


def test_a_figure_can_be_enlarged(page: Any) -> None:
    figure = page.locator("figure").first
    small = figure.locator("svg").bounding_box()["width"]
    figure.get_by_role("button", name="Enlarge").click()
    assert page.locator("dialog svg").bounding_box()["width"] > 1.5 * small
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0


def test_on_paper_all_is_unfolded_and_nothing_is_cut(page: Any) -> None:
    page.set_viewport_size({"width": 690, "height": 1000})  # A4 without its margins
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    right = page.locator("table, pre, svg").evaluate_all(
        "(parts) => parts.map((one) => one.getBoundingClientRect().right)"
    )
    assert max(right) <= 691


def test_a_phone_shows_the_winner_first(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    answer, row = page.locator(".summary").bounding_box(), results(page).locator("tbody tr").first.bounding_box()
    assert answer["y"] + answer["height"] < 844 and row["y"] + row["height"] < 844
    assert (
        page.locator(".summary")
        .inner_text()
        .startswith(column(page, 2)[0].strip().replace(" ·", "\N{NO-BREAK SPACE}·"))
    )


def test_every_control_has_a_name(page: Any) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input")].filter((control) =>
            !(control.getAttribute("aria-label") || control.textContent.trim() || control.closest("label"))).length"""
    )
    assert nameless == 0
