"""Reports: what they say, that they need nothing else, and that they show text as text."""

import json
import re
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from reading import Page, breakable, summary_of, table_of

from bakeoff.errors import BakeoffError
from bakeoff.figures.draw import draw_figures
from bakeoff.report.compose import compose
from bakeoff.report.markdown import escape_markdown
from bakeoff.report.render import render_report
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import data_folder, plan_file
from bakeoff.study.study import Study, experiments, runs
from synthetic_runs import (
    analyse,
    layout_in,
    result_of,
    scores,
    study_of,
    write_card,
    write_plan,
    write_run,
    write_runs,
)


def rendered(study: Study, layout: Layout, figures: bool = False) -> tuple[str, str]:
    analyse(study, layout)
    if figures:
        draw_figures(study, layout)
    markdown, html, latex = render_report(study, layout)
    assert (markdown.name, html.name, latex.name) == ("report.md", "report.html", "report.tex")
    return markdown.read_text(encoding="utf-8"), html.read_text(encoding="utf-8")


def complete(tmp_path: Path, **changes: object) -> tuple[Study, Layout]:
    study = study_of(**changes)
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    write_plan(study, layout)
    write_card(study, "digits", [str(digit) for digit in range(10)])
    return study, layout


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    _, html = rendered(study, layout, figures=True)
    page = Page(html)
    assert "svg" in page.tags
    assert not page.tags & {"link", "img", "iframe", "object"}
    linked = [reference for reference in page.references if not reference.startswith(("#", "data:"))]
    assert all((layout.report_folder / link).exists() for link in linked) and len(linked) == 12 * 2
    assert len(page.references) > 20
    # Whatever is referred to is there, once: figures do not take each other's clip paths and markers.
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references if reference.startswith("#")} <= set(page.ids)
    addresses = set(re.findall(r"https?://[^\"'\s<>]*", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in html and "prefers-color-scheme: dark" in html and 'name="viewport"' in html


def test_text_of_the_study_is_text(tmp_path: Path) -> None:
    hostile = "<b>&</b> <script>alert(1)</script> | a_b_c *x* [y](z) `q` $1$"
    study, layout = complete(tmp_path, title=hostile, description=f"- {hostile}\n\n1. second")
    write_card(study, "digits", ["</details><b>|`*"] + [str(digit) for digit in range(1, 10)])
    markdown, html = rendered(study, layout)
    page = Page(html)
    assert "&lt;b&gt;&amp;&lt;/b&gt; &lt;script&gt;" in html
    assert "b" not in page.tags and html.count("</script>") == html.count("<script")
    assert "alert(1)</script>" not in html
    assert hostile in page.text
    shown = Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))
    assert hostile in shown.text and f"- {hostile}" in shown.text and "1. second" in shown.text
    assert "</details><b>|`*" in shown.text
    assert "b" not in shown.tags and "script" not in shown.tags


@pytest.mark.parametrize(
    "text",
    [
        "a_b_c",
        "*x*",
        "<b>",
        "&amp;",
        "a|b",
        "- list",
        "+ list",
        "1. list",
        "12) list",
        "# head",
        "> quote",
        "`c`",
        "[a](b)",
        "~~x~~",
        "--- ",
        "\\*",
    ],
)
def test_escaped_markdown_reads_as_it_stands(text: str) -> None:
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape_markdown(text))
    assert Page(page).text.strip() == text.strip()
    assert Page(page).tags == {"p"}


def test_markdown_tables_are_tables_on_github(tmp_path: Path) -> None:
    study, layout = complete(
        tmp_path, architectures={"under_score": {"model": "mlp", "hidden": [8]}, "deep": {"model": "mlp", "a": "x|y"}}
    )
    markdown, _ = rendered(study, layout)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    page = Page(html)
    assert "under_score" in page.text and "a: x|y" in page.text
    # Results, other measures, ensembles; pairs, sizes, intervals, single runs, variance; calibration, classes,
    # confused pairs; cost, other costs, speed; entries, classes; layers of two architectures; runs of four experiments.
    assert html.count("<table>") == 3 + 5 + 3 + 3 + 2 + 2 + 4
    assert "|" not in page.text.replace("x|y", "")
    assert "**" not in page.text


def test_figures_of_the_markdown_lie_beside_it(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    stray = layout.report_folder / "figures" / "curves" / "old.svg"
    stray.parent.mkdir(parents=True)
    stray.write_text("<svg/>")
    markdown, _ = rendered(study, layout, figures=True)
    links = re.findall(r"^!\[.*\]\((figures/[^)]*)\)$", markdown, re.MULTILINE)
    assert len(links) == 10 + 4
    assert {path.relative_to(layout.report_folder).as_posix() for path in layout.report_folder.rglob("*.svg")} == set(
        links
    )


def test_the_summary_says_who_leads_and_from_whom_it_can_be_told(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    means = {("linear", "sgd"): 0.60, ("linear", "adam"): 0.94, ("deep", "sgd"): 0.95, ("deep", "adam"): 0.96}
    for run in runs(study):
        spread = 0.01 * (run.seed - 1) * (1 if run.optimizer == "adam" else -1)
        write_run(layout, run, result_of(study, run, means[run.architecture, run.optimizer] + spread))
    analyse(study, layout)
    report = compose(study, layout)
    said = re.fullmatch(
        r"deep · adam is best: test accuracy 96\.00 % (\[.+?\])\. It beats 1 of 3 and is tied with 2\. "
        r"It is ahead of the second, deep · sgd, by 1\.00 points \[.+?\]\. (.+)",
        summary_of(report),
    )
    assert said is not None, summary_of(report)
    assert said[2].endswith("12 of 12 planned runs are complete.")
    table = table_of(report, "results_digits")
    shown = [[breakable(cell.text) for cell in row] for row in table.rows]
    assert [row[0] for row in shown] == ["1", "2", "3", "4"]
    assert [row[1] for row in shown] == ["deep · adam", "deep · sgd", "linear · adam", "linear · sgd"]
    assert [row[3] for row in shown] == ["best", "tied", "tied", "worse"]
    assert shown[0][2] == f"96.00 {said[1]}" and shown[0][4] == "3 of 3"
    assert [cell.text for row in table.rows for cell in row if cell.bold] == [
        "deep · adam",
        table.rows[0][2].text,
        "best",
    ]
    low, high = map(float, said[1].strip("[]").split(", "))
    assert low < 93.52 and high == 100  # over three seeds alone, the half width is 4.3027 × 1 / sqrt(3) = 2.48


def test_a_triangle_holds_every_pair_once_and_says_what_it_shows(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    for run in runs(study):
        better = {"linear": 0.0, "deep": 0.2}[run.architecture] + 0.001 * (run.optimizer == "adam") * (run.seed - 1)
        write_run(layout, run, result_of(study, run, 0.7 + better + 0.002 * run.seed))
    analyse(study, layout)
    table = table_of(compose(study, layout), "pairs_digits")
    filled = [[(place, cell) for place, cell in enumerate(row[1:], start=1) if cell.text] for row in table.rows]
    assert [[place for place, _ in row] for row in filled] == [[], [1], [1, 2], [1, 2, 3]]
    for row in filled[2:]:
        for _, cell in row[:2]:  # the linear against the deep ones
            assert cell.text.startswith("−20.0") and cell.text[-1] in "▼▽" and cell.tone in ("worse", "maybe_worse")
            assert "deep" in cell.note and "is better than linear" in cell.note
    assert "▲" not in table.key and ("▼ the row is worse" in table.key or "▽" in table.key)
    sentences = [cell.note for row in filled for _, cell in row]
    markdown, html = (path.read_text() for path in render_report(study, layout)[:2])
    for sentence in sentences:
        assert sentence.partition(":")[0] in markdown.replace("\\", "") and sentence.partition(":")[0] in html


def test_a_loss_is_best_when_lowest_and_no_percentage(tmp_path: Path) -> None:
    study, layout = complete(tmp_path, metric="loss")
    analyse(study, layout)
    report = compose(study, layout)
    assert "deep · sgd and deep · adam share the best mean: test loss 0.04" in summary_of(report)
    row = table_of(report, "results_digits").rows[0]
    assert row[0].text == "1" and row[2].text.startswith("0.04 [")


def test_failed_and_missing_runs_are_named(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    planned = runs(study)
    write_run(layout, planned[0], result_of(study, planned[0], status="diverged"))
    write_run(layout, planned[4], result_of(study, planned[4], status="out_of_memory"))
    layout.run(planned[11]).result.unlink()
    markdown, html = rendered(study, layout)
    text = Page(html).text
    for page in (text, markdown):
        assert "9 of 12 planned runs are complete." in page
        assert "1 run diverged (digits/linear/sgd/plain/seed0)." in page
        assert "1 run did not fit in memory (digits/linear/adam/plain/seed1)." in page
        assert "1 run is missing (digits/deep/adam/plain/seed2)." in page
        assert "the loss was nan in epoch 2" in page
    assert "2 of 3" in text


def test_images_that_splits_share_and_what_preparing_noticed_are_named(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    path = data_folder(study, "digits") / "card.json"
    pairs = [[f"train/cat/{k}_a.png", f"test/cat/{k}.png"] for k in range(5)]
    shared = [{"splits": ["train", "test"], "images": 5, "pairs": pairs}]
    noticed = {"duplicates": shared, "warnings": ["the images use little of their range"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | noticed))
    markdown, html = rendered(study, layout)
    expected = "The splits Train and Test share 5 images, such as train/cat/0_a.png = test/cat/0.png, train/cat/1_a.png"
    for text in (Page(html).text, markdown.replace("\\", "")):
        assert expected in text and "3_a.png" not in text
        assert "Preparing the data noticed: the images use little of their range" in text
    path.write_text(json.dumps(json.loads(path.read_text()) | {"duplicates": []}))
    assert "share" not in re.sub(
        r"share of", "", rendered(study, layout)[0].partition("## Data")[2].partition("\n## ")[0]
    )


def test_a_report_of_no_runs_at_all(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    markdown, html = rendered(study, layout, figures=True)
    text = Page(html).text
    assert "No run on digits is complete yet" in text and "0 of 12 planned runs are complete." in text
    assert text.count("No run of this experiment is complete.") == 4
    assert "seed2" in text and "nan" not in text.lower().replace("finance", "")
    assert "![" not in markdown and "<svg" not in html.partition("<script>")[0]
    assert "not prepared here" in markdown


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    study, layout = complete(tmp_path, seeds=1, architectures={"deep": {"model": "mlp"}})
    _, html = rendered(study, layout)
    text = Page(html).text
    assert "±" not in text
    analyse(study, layout)
    rows = table_of(compose(study, layout), "results_digits").rows
    assert [row[2].text for row in rows] == ["95.00", "95.00", "10.00"]  # the last is the baseline


def test_the_best_test_epoch_is_marked_as_optimistic_only_where_it_is_shown(tmp_path: Path) -> None:
    study, layout = complete(tmp_path)
    assert "optimistic" not in "".join(rendered(study, layout))
    for run in runs(study):
        write_run(layout, run, result_of(study, run, test_max=scores(0.9876)))
    for page in rendered(study, layout):
        assert "98.76" in page and "optimistic" in page
        assert "The validation images chose the epoch" in page


def test_the_study_in_the_report_is_the_study(tmp_path: Path) -> None:
    recipes = {
        "plain": {"epochs": 4},
        "more": {
            "epochs": 5,
            "augment": ["RandomHorizontalFlip", {"RandomCrop": {"size": 8}}],
            "normalize": "none",
            "init_from": {"recipe": "plain"},
        },
    }
    study = study_of(
        recipes=recipes, seeds=[3, 5], exclude=[{"recipes": "more", "architectures": "deep"}], description="a: 'b'\n\nc"
    )
    layout = layout_in(tmp_path, study)
    analyse(study, layout)
    assert parse_study(yaml.safe_load(study_yaml(study))) == study


def test_multiple_datasets_are_ranked_apart(tmp_path: Path) -> None:
    study, layout = complete(
        tmp_path, datasets={"digits": {"source": "digits"}, "small": {"source": "digits", "resize": 6}}
    )
    analyse(study, layout)
    report = compose(study, layout)
    for name in ("digits", "small"):
        assert sum(row[0].text == "1" for row in table_of(report, f"results_{name}").rows) == 2


def test_what_cannot_be_rendered_says_so(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    with pytest.raises(BakeoffError, match="bakeoff summarize"):
        render_report(study, layout)
    analyse(study, layout)
    with pytest.raises(BakeoffError, match="unsupported language 'xx'; choose en or ru"):
        render_report(study, layout, language="xx")
    with pytest.raises(BakeoffError, match="other runs than the study plans"):
        render_report(study_of(seeds=4), layout)
    write_plan(study, layout)
    plan_file(study, layout, experiments(study)[0]).write_text("{")
    with pytest.raises(BakeoffError, match=r"plan.*\.json.*bakeoff check"):
        render_report(study, layout)
