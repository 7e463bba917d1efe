"""Published numbers beside ours: the same measure, and whether our interval covers them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from reading import breakable

from bakeoff.language import language_of
from bakeoff.report.material import gather
from bakeoff.report.published import comparisons, prediction_interval
from bakeoff.report.render import render_report
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.study.reading import parse_study
from bakeoff.study.study import Study, experiments, runs
from synthetic_runs import analyse, layout_in, result_of, scores, study_of, write_run


def published(*numbers: dict[str, Any], **changes: Any) -> Study:
    block = {
        "architectures": "linear",
        "optimizers": "sgd",
        "notes": "The *first* rung.\n\nTwo.",
        "published": [*numbers],
    }
    return study_of(experiments=[block], **changes)


def verdicts(tmp_path: Path, study: Study, **metrics: Any) -> list[Any]:
    """Three runs with test accuracies of 90, 91 and 92 %: a fourth falls in 91 ± 4.3027 · √(1/3 + 1)."""
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.90 + 0.01 * run.seed, **metrics))
    analyse(study, layout)
    (cell,) = experiments(study)
    return comparisons(gather(study, layout, language_of("en")), cell)


@pytest.mark.parametrize(
    ("value", "verdict", "words"),
    [
        (
            0.92,
            "consistent with ours",
            "Runs like ours would average [86.03, 95.97] %: the published 92.00 % is consistent with ours.",
        ),
        (0.86, "below ours", "the published 86.00 % is below ours."),
        (0.96, "above ours", "the published 96.00 % is above ours."),
    ],
)
def test_the_number_is_among_those_of_runs_like_ours_or_beside_them(
    tmp_path: Path, value: float, verdict: str, words: str
) -> None:
    (found,) = verdicts(tmp_path, published({"value": value, "measured": "chosen_on_validation"}))
    assert found.verdict == verdict
    assert breakable(found.sentence).endswith(words)
    assert (breakable(found.ours), breakable(found.interval)) == ("91.00 ± 1.00 %", "[86.03, 95.97] %")


@pytest.mark.parametrize(("runs", "published_runs"), [(3, 1), (5, 1), (5, 4)])
def test_a_faithful_reproduction_is_among_ours_in_95_percent_of_cases(runs: int, published_runs: int) -> None:
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(4000):
        ours, theirs = draw.normal(0.9, 0.01, runs), draw.normal(0.9, 0.01, published_runs).mean()
        low, high = prediction_interval(ours.mean(), ours.std(ddof=1), runs, published_runs) or (1, 0)
        hits += low <= theirs <= high
    assert abs(hits / 4000 - 0.95) < 0.012


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
    ours = [breakable(item.ours) for item in found]
    assert ours[:4] == ["97.00 ± 0.00 %", "60.00 ± 0.00 %", "70.00 ± 0.00 %", "0.2 ± 0"]
    assert ours[4:] == ["65.00 ± 0.00 %", "75.00 ± 0.00 %"]
    assert [breakable(item.published) for item in found[:4]] == ["50.00 %", "50.00 %", "50.00 %", "1.5"]
    assert {item.verdict for item in found} == {"no interval: our runs score the same"}
    assert [("ours at the epoch" in item.measure) for item in found] == [False] * 5 + [True]


def test_results_of_before_the_last_epoch_was_written_say_so(tmp_path: Path) -> None:
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "last_epoch", "split": "train"}))
    assert (found.ours, found.verdict) == ("–", "not measured")


def test_without_the_measure_without_a_run_and_with_one_run(tmp_path: Path) -> None:
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "best_over_epochs"}))
    assert (found.ours, found.verdict) == ("–", "not measured at every epoch (track_test)")
    (found,) = verdicts(tmp_path, published({"value": 0.9, "measured": "last_epoch"}, seeds=1))
    assert (breakable(found.ours), found.verdict) == ("90.00 %", "no interval with one run")
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
        page = breakable(page).replace("\\[", "[").replace("\\]", "]")
        assert "published 92.00 % (4 runs), ours 91.00 ± 1.00 %. Runs like ours would average [87.71, 94.29] %" in page
        assert "Published numbers" in page
    assert parse_study(yaml.safe_load(study_yaml(study))) == study


def test_a_study_without_published_numbers_has_no_table_of_them(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    analyse(study, layout)
    assert "Published numbers" not in render_report(study, layout)[0].read_text()
