"""What a report says of the baseline: answering without looking at the image."""

import json
from pathlib import Path

import numpy as np
import pytest
from reading import breakable, summary_of, table_of

from bakeoff.language import language_of
from bakeoff.report.compose import compose
from bakeoff.report.document import Document
from bakeoff.results.predictions import write_predictions
from bakeoff.study.paths import Layout
from bakeoff.study.specification import data_folder
from bakeoff.study.study import Study, runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_card, write_run

UNBEATEN = "No experiment does better than always answering the most frequent class, yes: 57.10 %."


def made(tmp_path: Path, best: float, **changes: object) -> tuple[Study, Layout]:
    """Two experiments with three seeds on 1,000 test images, 571 of them of the class that most training images have;
    the first always answers that class, whatever its result says."""
    study = study_of(optimizers={"sgd": {"name": "SGD"}}, **changes)
    layout = layout_in(tmp_path, study)
    write_card(study, "digits", ["no", "yes"])
    path = data_folder(study, "digits") / "card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"class_counts": {"train": [30, 50], "validation": [4, 5], "test": [429, 571]}}))
    labels = np.repeat([0, 1], [429, 571])
    for run in runs(study):
        constant = run.architecture == "linear"
        write_run(layout, run, result_of(study, run, min(0.45, best) if constant else best + 0.001 * run.seed))
        logits = np.zeros((1000, 2), np.float32)
        logits[:, 1] = 1 if constant else 1 - 2 * (np.arange(1000) % 3)
        write_predictions(layout.run(run).predictions, logits, labels)
    analyse(study, layout)
    return study, layout


def report(study: Study, layout: Layout, language: str = "en") -> Document:
    return compose(study, layout, language)


def test_the_summary_says_when_no_experiment_beats_the_baseline(tmp_path: Path) -> None:
    assert UNBEATEN in summary_of(report(*made(tmp_path, best=0.476)))


def test_and_is_silent_when_one_does(tmp_path: Path) -> None:
    text = summary_of(report(*made(tmp_path, best=0.572)))
    assert "deep" in text and "does better than" not in text


def test_equal_is_not_better(tmp_path: Path) -> None:
    assert UNBEATEN in summary_of(report(*made(tmp_path, best=0.571, seeds=[0])))


@pytest.mark.parametrize(("best", "unbeaten"), [(0.29, True), (0.36, False)])
def test_of_a_loss_the_lower_is_better(tmp_path: Path, best: float, unbeaten: bool) -> None:
    """The loss of these runs is 1 minus their accuracy; that of the shares of training images is 0.69."""
    assert ("No experiment does better" in summary_of(report(*made(tmp_path, best=best, metric="loss")))) is unbeaten


def test_runs_with_one_answer_are_named(tmp_path: Path) -> None:
    text = summary_of(report(*made(tmp_path, best=0.6)))
    named = ", ".join(f"digits/linear/sgd/plain/seed{seed}" for seed in range(3))
    assert f"3 runs give every test image the same answer ({named})." in text


def test_the_table_of_results_ends_with_the_baseline(tmp_path: Path) -> None:
    table = table_of(report(*made(tmp_path, best=0.6)), "results_digits")
    titles = [column.title for column in table.columns]
    row = dict(zip(titles, table.rows[-1], strict=True))
    assert len(table.rows) == 3 and row["Experiment"].text == "majority class" and row["Experiment"].link is None
    score = row["Test accuracy, 95\N{NO-BREAK SPACE}% interval [%]"]
    assert score.text == "57.10" and score.value == 0.571
    assert {row[title].text for title in ("Rank", "Against the best", "Runs")} == {"–"}
    others = table_of(report(*made(tmp_path, best=0.6)), "measures_digits")
    row = dict(zip([column.title for column in others.columns], others.rows[-1], strict=True))
    assert float(row["Test macro-F1 [%]"].text) == pytest.approx(100 * 571 / 1571, abs=0.005)


def test_a_report_without_prepared_data_has_no_baseline(tmp_path: Path) -> None:
    study, layout = made(tmp_path, best=0.3)
    (data_folder(study, "digits") / "card.json").unlink()
    analyse(study, layout)
    document = report(study, layout)
    assert "most frequent class" not in summary_of(document) and len(table_of(document, "results_digits").rows) == 2


def test_in_russian(tmp_path: Path) -> None:
    document = report(*made(tmp_path, best=0.3), "ru")
    assert "Ни один эксперимент не лучше, чем всегда отвечать самым частым классом, yes" in summary_of(document)
    name = language_of("ru").say("majority class")
    assert breakable(table_of(document, "results_digits").rows[-1][1].text) == name != "majority class"
