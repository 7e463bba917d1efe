"""What a report says of tuning."""

from pathlib import Path

import pytest
import yaml

from bakeoff.figures.draw import draw_figures
from bakeoff.report.compose import compose
from bakeoff.report.document import Document, Figure, Items, Paragraph, Table, blocks_of
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.study.reading import parse_study
from bakeoff.study.trials import trials
from tuned_study import finished_tuning, tuned_study


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("tuned")
    study, layout = finished_tuning(folder)
    drawn = {path.relative_to(layout.figures).as_posix() for path in draw_figures(study, layout)}
    assert {"tuning_curve_digits.svg", "learning_rate_digits.svg", "trials/digits__linear__sgd__plain.svg"} <= drawn
    return compose(study, layout)


def sentences(report: Document) -> str:
    found = [block for block in blocks_of(report) if isinstance(block, Paragraph | Items)]
    return "\n".join(text for block in found for text in (block.texts if isinstance(block, Items) else [block.text]))


def table(report: Document, name: str) -> list[dict[str, str]]:
    (found,) = [block for block in blocks_of(report) if isinstance(block, Table) and block.name == name]
    return [{column.title: cell.text for column, cell in zip(found.columns, row, strict=True)} for row in found.rows]


def test_verdicts_say_what_they_are_conditional_on(report: Document) -> None:
    told = (
        "with the same budget: 4 trials of 2 epochs with 1 tuning seed, chosen on validation alone. Verdicts hold for"
    )
    assert sentences(report).count(told) == 2  # in the summary, and above the section


def test_an_experiment_without_a_space_is_named(report: Document) -> None:
    assert "1 experiment has no space: its budget was spent on nothing (fixed)." in sentences(report)


def test_values_at_the_edge_of_their_space_are_marked(report: Document) -> None:
    rows = table(report, "tuning_values")
    edges = {(row["Experiment"], row["Hyper-parameter"]): row["At the edge of its space"] for row in rows}
    assert edges["sgd", "optimizers.sgd.lr"] == "no" or "at its" in edges["sgd", "optimizers.sgd.lr"]
    assert edges["sgd", "optimizers.sgd.momentum"] == "no"  # choices have no edge


def test_sentences_follow_from_the_numbers(report: Document) -> None:
    text = sentences(report)
    assert "Tuning makes 2 experiments better (sgd, adam)." in text
    assert "On digits, the ranking turns: adam leads first, then sgd from 3 trials on." in text


def test_all_trials_have_a_table_and_a_figure(report: Document) -> None:
    rows = table(report, "trials_digits_linear_sgd_plain")
    assert [row["Rank"] for row in rows] == ["3", "1", "4", "2"]
    assert [row["State"] for row in rows] == ["completed", "completed", "diverged", "completed"]
    figures = {block.path for block in blocks_of(report) if isinstance(block, Figure)}
    assert {"trials/digits__linear__sgd__plain", "trials/digits__linear__adam__plain"} <= figures


def test_tables_of_results_are_about_evaluation_runs_alone(report: Document) -> None:
    assert "9 of 9 planned runs are complete." in sentences(report)


def test_the_study_in_the_report_has_its_spaces() -> None:
    study = tuned_study()
    again = parse_study(yaml.safe_load(study_yaml(study)))
    assert again.spaces == study.spaces and again.tuning == study.tuning
    assert trials(again) == trials(study)


def test_it_is_said_in_russian(tmp_path: Path) -> None:
    study, layout = finished_tuning(tmp_path)
    text = sentences(compose(study, layout, "ru"))
    assert "Подбор улучшает 2 эксперимента" in text and "4 испытания, в каждом 2 эпохи, 1 сид подбора" in text
