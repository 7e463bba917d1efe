"""Studies that leave little to say, or are hard to write down: the report is right and readable, in both languages."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from reading import Page, breakable, summary_of, table_of
from scipy import stats

from bakeoff.analysis.statistics import read_statistics
from bakeoff.analysis.tables import statistics_files
from bakeoff.figures.draw import draw_figures
from bakeoff.language import language_of
from bakeoff.report.compose import compose
from bakeoff.report.document import Document, Facts, Table, blocks_of
from bakeoff.report.material import gather
from bakeoff.report.pdf import make_pdf
from bakeoff.report.render import render_report
from bakeoff.report.verdicts import sentence
from bakeoff.study.matrix import Run
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from synthetic_runs import (
    analyse,
    layout_in,
    result_of,
    study_of,
    write_card,
    write_plan,
    write_predictions,
    write_run,
)

DIGITS = [str(digit) for digit in range(10)]
NAMES = ["a_b", "100 %", "<b>x</b>", "R&D", "$x$", "#1", "back\\slash", "{curly}", "til~de", "ca^ret", "`tick`",
         "pi|pe", "😀 smile", "Кошка"]  # fmt: skip
ONE = {"architectures": {"deep": {"model": "mlp", "hidden": [64]}}, "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}}}
Ending = Callable[[Run], float | str | None]


def varied(run: Run) -> float:
    """Seeds differ, and not by the same for all experiments."""
    return 0.8 + 0.05 * (run.architecture == "deep") + 0.01 * (run.seed * (3 if run.optimizer == "sgd" else 7) % 5)


def reported(
    folder: Path,
    study: Study,
    ending: Ending,
    language: str,
    classes: list[str] = DIGITS,
    images: int = 20,
    *,
    pdf: bool = False,
) -> tuple[Document, Path]:
    """The report of runs that end with an accuracy, a status, or not at all; as a document, and its folder.

    In whatever format, it has no number that is none.
    """
    layout = replace(layout_in(folder, study), language="" if language == "en" else language)
    write_plan(study, layout)
    write_card(study, "digits", classes)
    for run in runs(study):
        ended = ending(run)
        if isinstance(ended, float):
            write_run(layout, run, result_of(study, run, ended))
            write_predictions(layout, run, images, len(classes))
        elif ended is not None:
            write_run(layout, run, result_of(study, run, status=ended) | {"message": "the loss was not finite"})
    analyse(study, layout)
    draw_figures(study, layout, language, pdf=pdf)
    for path in render_report(study, layout, language):
        assert not re.search(r"\b(nan|NaN|inf|None|NaT)\b|∞", seen(path)), path
    return compose(study, layout, language), layout.report_folder


def seen(path: Path) -> str:
    """What a reader sees of a report; of one in LaTeX, its source."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(text)).text
    return Page(text).text if path.suffix == ".html" else text


def column(table: Table, title: str) -> list[str]:
    """The texts of the column whose title begins so."""
    (index,) = (index for index, found in enumerate(table.columns) if breakable(found.title).startswith(title))
    return [row[index].text for row in table.rows]


def results_of(document: Document) -> Table:
    """The results of the experiments, without the baseline that stands below them."""
    table = table_of(document, "results_digits")
    assert table.rows[-1][1].text in ("majority class", "мажоритарный класс")
    return replace(table, rows=table.rows[:-1])


def tables(document: Document) -> list[str]:
    return [block.name for block in blocks_of(document) if isinstance(block, Table)]


# What Russian alone can break, the golden report in Russian and the tests of the catalogue show in every run.
LANGUAGES = pytest.mark.parametrize("language", ["en", pytest.param("ru", marks=pytest.mark.slow)])


@LANGUAGES
def test_one_seed_has_no_interval_and_no_verdict(tmp_path: Path, language: str) -> None:
    found, _ = reported(
        tmp_path, study_of(seeds=1), lambda run: varied(run) + 0.01 * (run.optimizer == "sgd"), language
    )
    expected = {"en": "(one run, so no interval)", "ru": "(один запуск, поэтому без интервала)"}
    assert expected[language] in summary_of(found)
    results, pairs = results_of(found), table_of(found, "pairs_digits")
    assert not any("[" in cell.text for row in results.rows for cell in row)
    assert {row[3].text for row in results.rows[1:]} == {{"en": "too few seeds", "ru": "мало сидов"}[language]}
    assert "sizes_digits" not in tables(found)
    assert {cell.text[-1] for row in pairs.rows for cell in row[1:] if cell.text} == {"?"}


@LANGUAGES
def test_one_experiment_is_compared_with_none(tmp_path: Path, language: str) -> None:
    found, _ = reported(tmp_path, study_of(**ONE), varied, language)
    intervals = read_statistics(layout_in(tmp_path, study_of(**ONE)), "intervals").set_index("metric")
    low, high = intervals.loc["accuracy", ["overall_low", "overall_high"]]
    assert low < intervals.loc["accuracy", "low"]  # test images are few
    interval = f"[{100 * low:.2f}, {min(100.0, 100 * high):.2f}]"
    written = interval.replace(", ", "; ").replace(".", ",") if language == "ru" else interval
    (score,) = column(results_of(found), {"en": "Test accuracy", "ru": "Точность"}[language])
    assert breakable(score).endswith(written)
    assert "pairs_digits" not in tables(found) and "variance" not in tables(found)


@LANGUAGES
@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (None, "12 runs are missing"),
        ("diverged", "12 runs diverged"),
        ("metric_undefined", "The metric of 12 runs has no value"),
    ],
)
def test_without_a_complete_run_there_is_no_score(tmp_path: Path, language: str, ending: str | None, said: str) -> None:
    found, folder = reported(tmp_path, study_of(), lambda run: ending, language)
    expected = {"en": "No run on digits is complete yet", "ru": "завершённых запусков пока нет"}
    assert expected[language] in summary_of(found)
    if language == "en":
        assert said in summary_of(found)
        assert "nothing to compare" in (folder / "report.md").read_text()
    results = table_of(found, "results_digits")
    assert {cell.text for row in results.rows for cell in (row[0], *row[2:4])} == {"–"}
    assert {"pairs_digits", "class_scores_digits", "speed"}.isdisjoint(tables(found))


@LANGUAGES
@pytest.mark.parametrize("ending", [None, "diverged", "metric_undefined"])
def test_unequal_seeds_are_compared_where_both_have_one(tmp_path: Path, language: str, ending: str | None) -> None:
    study = study_of(seeds=5)
    cut_short = "linear"
    found, _ = reported(
        tmp_path, study, lambda run: ending if run.architecture == cut_short and run.seed > 2 else varied(run), language
    )
    some = {"en": "{} of 5", "ru": "{} из 5"}[language]
    assert column(results_of(found), {"en": "Runs", "ru": "Запуски"}[language]) == [
        some.format(3 if cut_short in label else 5)
        for label in column(results_of(found), {"en": "Experiment", "ru": "Эксперимент"}[language])
    ]
    compared = read_statistics(layout_in(tmp_path, study), "comparisons")
    for row in compared.itertuples():
        assert row.seeds == (3 if cut_short in row.a + row.b else 5)
    first, second = ([varied(run) for run in runs(study) if run.seed < 3 and run.experiment.key == key] for key in
                     ("digits/deep/adam/plain", "digits/linear/sgd/plain"))  # fmt: skip
    difference = np.subtract(first, second)
    low, high = stats.t.interval(0.95, 2, difference.mean(), stats.sem(difference))
    pair = (compared["a"] == "digits/deep/adam/plain") & (compared["b"] == "digits/linear/sgd/plain")
    (row,) = compared[pair].itertuples()
    assert (row.low, row.high) == pytest.approx((low, high))


@LANGUAGES
def test_the_best_mean_that_loses_where_both_have_a_seed_is_said_to(tmp_path: Path, language: str) -> None:
    """The deep one diverges with the seeds that are hard for both."""
    linear = [0.96, 0.9605, 0.9595, 0.90, 0.905]
    deep = [0.95, 0.9506, 0.9494]
    study = study_of(seeds=5, optimizers={"sgd": {"name": "SGD", "lr": 0.1}})

    def ending(run: Run) -> float | str:
        if run.architecture == "linear":
            return linear[run.seed]
        return deep[run.seed] if run.seed < len(deep) else "diverged"

    found, folder = reported(tmp_path, study, ending, language)
    said = {
        "en": ("deep leads, but none is clearly best",
               "Yet over the seeds that both completed, 1 other is better (linear).",
               "linear is better than deep", "2 seeds are left out"),
        "ru": ("Впереди deep, но явно лучшего нет", "Однако по сидам, завершённым у обоих, 1 другой лучше (linear).",
               "linear лучше, чем deep", "2 сида исключены"),
    }[language]  # fmt: skip
    for words in said[:2]:
        assert words in summary_of(found)
    assert "beats" not in summary_of(found).partition("An experiment beats")[0]
    for words in said[2:]:
        assert words in breakable((folder / "report.md").read_text())


def test_where_lower_is_better_a_difference_keeps_its_sign(tmp_path: Path) -> None:
    study = study_of(metric="loss", seeds=5, optimizers={"sgd": {"name": "SGD", "lr": 0.1}})
    found, folder = reported(
        tmp_path, study, lambda run: varied(run) + 0.001 * (run.seed % 2) * (run.architecture == "deep"), "en"
    )
    best, other = table_of(found, "pairs_digits").rows
    assert [cell.text[2:] for cell in (best[0], other[0])] == ["deep", "linear"]
    assert other[1].text == "+0.0504\N{NO-BREAK SPACE}▽"  # a higher loss is worse
    words = "deep is better than linear on these test images: −0.0504, 95 % interval over seeds [−0.05"
    assert words in breakable((folder / "report.md").read_text()).replace("\\", "")


def test_verdicts_say_how_far_they_reach(tmp_path: Path) -> None:
    study = study_of(seeds=5)
    reported(tmp_path, study, varied, "en")
    material = gather(study, layout_in(tmp_path, study), language_of("en"))
    row = next(row for row in material.statistic("comparisons") if row["verdict"] == "better_on_these_images")
    here = {**row, "overall_low": -0.01, "overall_high": 0.02}
    assert "on these test images: " in sentence(material, here)
    assert "On other images of the kind it is not settled (95 % interval [−1.00, 2.00])." in breakable(
        sentence(material, here)
    )
    nan = float("nan")
    assert "is not known for this metric" in sentence(material, {**row, "overall_low": nan, "overall_high": nan})
    wide = {**row, "verdict": "better", "overall_low": 0.01, "overall_high": 0.02, "p_overall_holm": 0.03}
    said = breakable(sentence(material, wide))
    assert ", on other images of the kind, too: " in said and "95 % interval [1.00, 2.00], p = 0.03" in said
    undecided = {
        **row,
        "verdict": "not_distinguishable",
        "seeds_needed": 9,
        "seeds_needed_low": 6,
        "seeds_needed_high": nan,
    }
    assert "would take about 9 seeds (at least 6)." in sentence(material, undecided)
    assert "about 9 seeds (6 to 40)." in sentence(material, {**undecided, "seeds_needed_high": 40})
    assert "more test images might" in sentence(material, {**undecided, "seeds_needed": nan})


@LANGUAGES
def test_scores_that_are_all_the_same_have_no_interval(tmp_path: Path, language: str) -> None:
    found, _ = reported(tmp_path, study_of(seeds=5), lambda run: 0.9, language)
    results, pairs = results_of(found), table_of(found, "pairs_digits")
    assert all("[" in row[2].text for row in results.rows)  # other images may give other scores
    assert {cell.text[-1] for row in pairs.rows for cell in row[1:] if cell.text} == {"="}
    assert {row[4].text for row in table_of(found, "sizes_digits").rows} == {"–"}  # effect size
    intervals = table_of(found, "intervals_digits")
    assert {cell.text for row in intervals.rows for cell in row[6:7]} == {"–"}
    alone, _ = reported(tmp_path / "alone", study_of(seeds=5, **ONE), lambda run: 0.9, language)
    interval = {"en": "90.00 % [", "ru": "90,00 % ["}[language]
    assert interval in summary_of(alone)  # of other images


def test_experiments_with_the_same_score_lead_together(tmp_path: Path) -> None:
    """Seven times 0.7 has another mean than three times 0.7 when it is rounded on the way."""
    study = study_of(seeds=7, optimizers={"sgd": {"name": "SGD", "lr": 0.1}})
    found, _ = reported(tmp_path, study, lambda run: 0.7 if run.seed < 3 or run.architecture == "deep" else None, "en")
    assert "linear and deep share the best mean: test accuracy 70.00 %" in summary_of(found)
    assert column(results_of(found), "Rank") == ["1", "1"]


def test_without_a_common_seed_the_rule_of_verdicts_is_left_out(tmp_path: Path) -> None:
    study = study_of(seeds=4)
    found, _ = reported(
        tmp_path, study, lambda run: varied(run) if (run.architecture == "deep") == (run.seed < 2) else None, "en"
    )
    shared = [cell.text for row in table_of(found, "pairs_digits").rows for cell in row[1:] if cell.text]
    assert shared.count("–") == 4 and len(shared) == 6
    alone = reported(tmp_path / "alone", study_of(**ONE), varied, "en")[1]
    assert "Holm" not in seen(alone / "report.md") and "nothing to compare" in seen(alone / "report.md")


@LANGUAGES
def test_names_of_classes_are_shown_as_they_are(tmp_path: Path, language: str) -> None:
    _, folder = reported(tmp_path, study_of(), varied, language, NAMES, pdf=True)
    for name in NAMES:
        assert name in seen(folder / "report.md") and name in seen(folder / "report.html")
    svg = (folder / "figures/classes_digits.svg").read_text()
    assert ">$x$<" in svg  # no formula
    if not shutil.which("latexmk") or not shutil.which("pdftotext"):
        pytest.skip("no latexmk or no pdftotext is installed")
    pdf = make_pdf(folder / "latex/report.tex")
    assert "Missing character" not in (folder / "latex/report.log").read_text(errors="replace")
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    for name in NAMES:
        assert name.replace("😀", "[grinning face]") in text


@LANGUAGES
def test_two_hundred_classes_are_read_from_the_worst(tmp_path: Path, language: str) -> None:
    classes = [f"class {number}" for number in range(200)]
    study = study_of(seeds=2, **ONE)
    found, folder = reported(tmp_path, study, varied, language, classes, images=130)
    scores = pd.read_csv(statistics_files(Layout(study.study, tmp_path / "results"))["classes"])
    assert scores["f1"].isna().sum() == 70  # without a test image a class has no F1
    worst = scores.sort_values("f1", kind="stable")["class"].head(20)
    assert [row[0].text for row in table_of(found, "class_scores_digits").rows] == list(worst)
    assert not (folder / "figures/confusion_digits.svg").exists() and "classes_digits" not in tables(found)
    facts = [value for block in blocks_of(found) if isinstance(block, Facts) for name, value in block.pairs]
    assert "200" in facts
    assert {"en": "0 to 1", "ru": "от 0 до 1"}[language] in facts  # 80 training images
    assert len(table_of(found, "confused_pairs_digits").rows) == 20
