"""What a report says of tuning."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from bakeoff.analysis.statistics import read_statistics, write_statistics
from bakeoff.figures.draw import draw_figures
from bakeoff.report.compose import compose
from bakeoff.report.document import Document, Figure, Items, Paragraph, Table, blocks_of
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.results.selection import select
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import records
from bakeoff.study.reading import parse_study
from bakeoff.study.trainings import training_of
from bakeoff.study.trials import trials
from synthetic_runs import layout_in, result_of, write_run
from tuned_study import ADAM_CELL, CELL, HALVED, finished_tuning, play_rungs, tuned_study, write_trials


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


def test_with_one_tuning_verdicts_are_about_the_chosen_values(report: Document) -> None:
    assert sentences(report).count("They are about the chosen values: tuning again with other points could choose") == 2


def test_the_summary_names_the_chosen_learning_rates(report: Document) -> None:
    rows = {row["Experiment"]: row for row in table(report, "tuning_values") if row["Hyper-parameter"].endswith(".lr")}
    told = [text for text in sentences(report).splitlines() if "Chosen learning rates: " in text]
    assert len(told) == 1
    for name, row in rows.items():
        edge = row["At the edge of its space"]
        assert f"{name}: {row['Chosen']}" + (f" ({edge})" if edge != "no" else "") in told[0]


def test_what_halving_spent_is_said(tmp_path: Path) -> None:
    study = tuned_study(tuning=HALVED, experiments=[{"architectures": "linear", "optimizers": "sgd"}])
    layout = layout_in(tmp_path, study)
    scores = {f"trial0{number}": number / 10 for number in range(9)}
    play_rungs(study, layout, {name: dict.fromkeys((1, 3, 9), score) for name, score in scores.items()})
    select(study, layout, CELL)
    summarize(study, layout)
    write_statistics(study, layout)
    report_of = compose(study, layout)
    text = sentences(report_of)
    assert "9 trials of 9 epochs with 1 tuning seed, chosen on validation alone; one in 3 goes on after 1 and 3" in text
    assert "8 trials were left behind, so tuning took 21 epochs of the 81 that whole trials would have taken" in text
    assert [row["Epochs"] for row in table(report_of, "trials_digits_linear_sgd_plain")] == ["1"] * 6 + ["3"] * 2 + [
        "9"
    ]


def test_several_tuning_studies_are_in_the_verdicts(tmp_path: Path) -> None:
    study = tuned_study(tuning={"trials": 2, "epochs": 2, "studies": 2}, experiments=[{"architectures": "linear"}])
    layout = layout_in(tmp_path, study)
    for cell, scores in ((CELL, (0.6, 0.7)), (ADAM_CELL, (0.7, 0.8))):
        write_trials(study, layout, {"trial00": 0.5, "trial01": scores[0], "study2-trial01": scores[1]}, cell)
        select(study, layout, cell)
    for cell in study.cells:
        for seed, accuracy in enumerate((0.84, 0.85, 0.86)):
            training = training_of(study, layout, cell.run(seed))
            value = accuracy + 0.05 * (cell == ADAM_CELL) + 0.001 * seed * (cell == ADAM_CELL)
            write_run(layout, training.run, result_of(training.study, training.run, value))
    summarize(study, layout)
    write_statistics(study, layout)
    text = sentences(compose(study, layout))
    assert "Verdicts and intervals of the results contain how much 2 tuning studies with" in text
    # 0.6 and 0.7, 0.7 and 0.8: 0.1 / √2; seeds are 0.01 and 0.011 apart
    assert "a standard deviation of 7.07 points; another seed, with the same values, by 1.05 points." in text
    pairs = {(row["a"], row["b"]): row for row in records(read_statistics(layout, "comparisons"))}
    # variances of 0.005, 0.005 and, where nothing is tuned, 0, beside that of all nine scores
    rows = {row["term"]: row for row in records(read_statistics(layout, "variance"))}
    spread = np.var([0.84, 0.85, 0.86, 0.89, 0.901, 0.912, 0.84, 0.85, 0.86], ddof=1)
    assert rows["tuning"]["share"] == pytest.approx(2 / 3 * 0.005 / spread)
    assert rows["tuning"]["degrees_of_freedom"] == 2
    shares = [row["share"] for term, row in rows.items() if term not in ("total", "tuning")]
    assert sum(shares) == pytest.approx(1)
    assert "Tuning again with other points would add variance" in text
    draw_figures(study, layout)
    assert "tuning again" in (layout.figures / "variance_shares.svg").read_text()
    row = pairs[ADAM_CELL.key, CELL.key]
    assert row["difference"] == pytest.approx(0.051) and row["low"] < 0 < row["high"]  # tuning differs by 0.1


def test_an_experiment_without_a_space_is_named(report: Document) -> None:
    assert "1 experiment has no space: its budget was spent on nothing (fixed)." in sentences(report)


def test_values_at_the_edge_of_their_space_are_marked(report: Document) -> None:
    rows = table(report, "tuning_values")
    edges = {(row["Experiment"], row["Hyper-parameter"]): row["At the edge of its space"] for row in rows}
    assert edges["sgd", "optimizers.sgd.lr"] == "no" or "at its" in edges["sgd", "optimizers.sgd.lr"]
    assert edges["sgd", "optimizers.sgd.momentum"] == "no"


def test_sentences_follow_from_the_numbers(report: Document) -> None:
    text = sentences(report)
    assert "Tuning makes 2 experiments better (sgd, adam)." in text
    assert "On digits, the ranking turns: adam leads first, then sgd from 3 trials on." in text
    assert "on digits to score, on average, what a single trial of adam does on validation: sgd 2." in text


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
