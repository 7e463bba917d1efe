"""Published numbers beside ours: the same measure, and whether our interval covers them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff.language import language_of
from bakeoff.report.material import gather
from bakeoff.report.published import comparisons
from bakeoff.report.render import render_report
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.study import Study, experiments, runs
from bakeoff.study_file import parse_study
from synthetic_runs import analyse, layout_in, result_of, scores, study_of, write_run


@pytest.fixture(autouse=True)
def _in_the_studys_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def published(*numbers: dict[str, Any], **changes: Any) -> Study:
    block = {
        "architectures": "linear",
        "optimizers": "sgd",
        "notes": "The *first* rung.\n\nTwo.",
        "published": [*numbers],
    }
    return study_of(experiments=[block], **changes)


def verdicts(tmp_path: Path, study: Study, **metrics: Any) -> list[Any]:
    """Three runs with test accuracies of 90, 91 and 92 %: their 95 % interval is 91 ± 2.48."""
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.90 + 0.01 * run.seed, **metrics))
    analyse(study, layout)
    (cell,) = experiments(study)
    return comparisons(gather(study, layout, language_of("en")), cell)


@pytest.mark.parametrize(
    ("value", "verdict", "words"),
    [
        (0.92, "covered", "Our interval 88.52 – 93.48 % covers the published 92.00 %."),
        (0.88, "below our interval", "lies above the published 88.00 %."),
        (0.94, "above our interval", "lies below the published 94.00 %."),
    ],
)
def test_the_interval_covers_the_number_or_lies_beside_it(
    tmp_path: Path, value: float, verdict: str, words: str
) -> None:
    (found,) = verdicts(tmp_path, published({"value": value, "measured": "chosen_on_validation"}))
    assert found.verdict == verdict
    assert found.sentence.endswith(words)
    assert (found.ours, found.interval) == ("91.00 ± 1.00 %", "88.52 – 93.48 %")


def test_ours_is_of_the_same_measure(tmp_path: Path) -> None:
    study = published(
        {"value": 0.5, "measured": "best_over_epochs"},
        {"value": 0.5, "measured": "last_epoch"},
        {"value": 0.5, "measured": "chosen_on_validation", "split": "validation"},
        {"value": 1.5, "measured": "last_epoch", "split": "train", "metric": "loss"},
        {"value": 0.5, "measured": "last_epoch", "split": "validation"},
        {"value": 0.5, "measured": "best_over_epochs", "split": "train"},
    )
    found = verdicts(
        tmp_path, study, test_max=scores(0.97), test_last=scores(0.6), validation=scores(0.7), train=scores(0.75),
        train_last=scores(0.8), validation_last=scores(0.65),
    )  # fmt: skip
    assert [item.ours for item in found[:4]] == ["97.00 ± 0.00 %", "60.00 ± 0.00 %", "70.00 ± 0.00 %", "0.2 ± 0"]
    assert [item.ours for item in found[4:]] == ["65.00 ± 0.00 %", "75.00 ± 0.00 %"]
    assert [item.published for item in found[:4]] == ["50.00 %", "50.00 %", "50.00 %", "1.5"]
    assert [("ours at the epoch" in item.measure) for item in found] == [False] * 5 + [True]


def test_results_of_before_the_last_epoch_was_written_say_so(tmp_path: Path) -> None:
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "last_epoch", "split": "train"}))
    assert (found.ours, found.verdict) == ("–", "not measured")


def test_without_the_measure_without_a_run_and_with_one_run(tmp_path: Path) -> None:
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "best_over_epochs"}))
    assert (found.ours, found.verdict) == ("–", "not measured at every epoch (track_test)")
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "last_epoch"}, seeds=1))
    assert (found.ours, found.verdict) == ("90.00 %", "no interval with one run")
    study = published({"value": 0.9, "measured": "last_epoch"}, study="none")
    layout = layout_in(tmp_path, study)
    analyse(study, layout)
    assert "no complete run" in render_report(study, layout)[0].read_text()


def test_notes_and_numbers_stand_in_both_reports(tmp_path: Path) -> None:
    study = published({"value": 0.92, "measured": "chosen_on_validation", "runs": 4})
    verdicts(tmp_path, study)
    layout = layout_in(tmp_path, study)
    markdown, html = (path.read_text() for path in render_report(study, layout)[:2])
    assert "The \\*first\\* rung." in markdown and "<p>The *first* rung.</p>" in html
    for page in (markdown, html):
        assert "published 92.00 % (4 runs), ours 91.00 ± 1.00 %. Our interval 88.52 – 93.48 % covers" in page
        assert "Published numbers" in page
    assert parse_study(yaml.safe_load(study_yaml(study))) == study


def test_a_study_without_published_numbers_has_no_table_of_them(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    analyse(study, layout)
    assert "Published numbers" not in render_report(study, layout)[0].read_text()
