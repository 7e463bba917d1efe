"""What a report says of seeds until decided, and of seeds that were added after verdicts had been read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from reading import summary_of, table_of

from bakeoff.errors import BakeoffError
from bakeoff.figures.draw import draw_figures
from bakeoff.jobs.rounds import begin_anew, in_present_round
from bakeoff.report.compose import compose
from bakeoff.report.render import render_report
from bakeoff.report.sections.reproducibility import study_yaml
from bakeoff.study.paths import Layout
from bakeoff.study.reading import parse_study
from bakeoff.study.study import Study, runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_run

RACE: dict[str, Any] = {"until": "decided", "looks": [3, 5, 8], "claim": "these_images"}


def finished(study: Study, layout: Layout) -> Study:
    """The present round: linear experiments are far behind, adam may be a little ahead. Returns the next one."""
    for run in runs(study):
        noise = 0.003 * ((7 * run.seed + 3 * len(run.architecture) + 5 * len(run.optimizer)) % 5)
        accuracy = 0.5 + 0.3 * (run.architecture == "deep") + 0.002 * (run.optimizer == "adam") + noise
        write_run(layout, run, result_of(study, run, accuracy))
    analyse(study, layout)
    return in_present_round(study, layout)


def report_of(study: Study, layout: Layout, language: str = "en") -> str:
    """All three formats, one after the other."""
    there = Layout(layout.study_name, layout.results, layout.report, "" if language == "en" else language)
    draw_figures(study, there, language)
    return "\n".join(path.read_text(encoding="utf-8") for path in render_report(study, there, language))


def markdown_of(study: Study, layout: Layout) -> str:
    return render_report(study, layout)[0].read_text(encoding="utf-8")


def test_a_race_has_one_figure_and_one_table(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    second = finished(study, layout)
    third = finished(second, layout)
    last = finished(third, layout)
    assert runs(finished(last, layout)) == runs(last)
    all_formats = report_of(last, layout)
    assert all_formats.count("The race ended with its last look, after 8 seeds, without a winner") == 6  # and summaries
    assert "22 runs; 32 would have been a fixed 8 seeds for each experiment" in all_formats
    assert (layout.report_folder / "latex/tables/race_digits.tex").exists()
    assert (layout.report_folder / "figures/race_digits.svg").exists()
    table = table_of(compose(last, layout), "race_digits")
    columns = {column.title: [row[place].text for row in table.rows] for place, column in enumerate(table.columns)}
    assert columns["Seeds"] == ["8", "8", "3", "3"]
    assert columns["Left at look"] == ["–", "–", "1", "1"]
    assert columns["Why"][2:] == ["deep · adam is ahead"] * 2
    assert columns["Seeds saved"] == ["0", "0", "5", "5"]
    assert columns["Ahead of the best of the others [points]"][2].endswith("0.00]")


def test_a_race_in_russian(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    second = finished(study, layout)
    analyse(second, layout)
    text = report_of(second, layout, "ru")
    assert "Гонка продолжается: на проверке 1 (всего не больше 3, сидов: 3) лидирует deep · adam" in text
    assert "впереди deep · adam" in text


def test_the_study_in_the_report_is_a_race_again(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    assert parse_study(yaml.safe_load(study_yaml(study))).rounds == study.rounds


def test_verdicts_of_pairs_are_those_of_the_race(tmp_path: Path) -> None:
    """The t-test of fixed seeds, at each look, would promise too much: sentences have corrected p-values."""
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    second = finished(study, layout)
    analyse(second, layout)
    text = markdown_of(second, layout)
    assert "corrected for all pairs and all looks" in text and "Do not add seeds" not in text
    assert "would take about" not in text, "a race needs no advice on seeds"
    assert "begun anew" not in text


@pytest.mark.parametrize("status", ["diverged", "out_of_memory", "metric_undefined"])
def test_who_fails_leaves_with_that_reason(tmp_path: Path, status: str) -> None:
    study = study_of(seeds=RACE, exclude={"architectures": "linear", "optimizers": "sgd"})
    layout = layout_in(tmp_path, study)
    finished(study, layout)
    layout.rounds.unlink()
    for run in runs(study):
        if run.architecture == "deep" or run.seed == 1:
            write_run(layout, run, result_of(study, run, 0.5, status if run.optimizer == "adam" else "completed"))
    analyse(study, layout)
    report_of(study, layout, "ru")
    table = table_of(compose(study, layout), "race_digits")
    why = {row[0].text: row[5].text for row in table.rows}
    words = {"diverged": "a run diverged", "out_of_memory": "a run did not fit in memory"}
    assert set(why.values()) == {"leads", words.get(status, "the metric of a run has no value")}
    assert "deep · sgd alone has a score with every seed" in summary_of(compose(study, layout))


def test_a_race_in_which_all_fail_has_a_report(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.5, "diverged" if run.seed == 0 else "completed"))
    analyse(study, layout)
    assert "no experiment has a score with every seed" in report_of(study, layout)
    assert runs(in_present_round(study, layout)) == runs(study)


def test_a_race_that_was_begun_anew_says_so(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    finished(study, layout)
    begin_anew(study, layout)
    finished(in_present_round(study, layout), layout)
    analyse(study, layout)
    assert "This race was begun anew 1 time after decisions had been seen" in markdown_of(study, layout)


def test_seeds_that_are_added_after_verdicts_were_read_are_said(tmp_path: Path) -> None:
    few, many = study_of(seeds=3), study_of(seeds=6)
    layout = layout_in(tmp_path, few)
    finished(few, layout)
    analyse(few, layout)
    assert "Verdicts were read" not in markdown_of(few, layout), "the same seeds again are no other look"
    written = layout.seed_lists.read_bytes()
    finished(many, layout)
    text = markdown_of(many, layout)
    assert "Verdicts were read with 3 seeds before" in text and "errs in 21 to 29 % of studies" in text
    assert written[:-3] == layout.seed_lists.read_bytes()[: len(written) - 3], "it is only appended to"
    finished(study_of(seeds=9), layout)
    assert "with 3 seeds and 6 seeds before" in markdown_of(study_of(seeds=9), layout)


def test_who_changes_the_experiments_has_not_looked_at_them(tmp_path: Path) -> None:
    few = study_of(seeds=3)
    layout = layout_in(tmp_path, few)
    finished(few, layout)
    other = study_of(seeds=6, recipes={"plain": {"epochs": 4, "batch_size": 64}})
    finished(other, layout)
    assert "Verdicts were read" not in markdown_of(other, layout)


def test_a_fixed_study_after_a_race_has_been_looked_at(tmp_path: Path) -> None:
    study = study_of(seeds=RACE)
    layout = layout_in(tmp_path, study)
    finished(study, layout)
    fixed = study_of(seeds=10)
    finished(fixed, layout)
    assert "Verdicts were read with 3 seeds before" in markdown_of(fixed, layout)


def test_two_seeds_give_no_verdict_and_are_no_look(tmp_path: Path) -> None:
    few = study_of(seeds=2)
    layout = layout_in(tmp_path, few)
    finished(few, layout)
    assert not layout.seed_lists.exists()
    assert "There are too few seeds to judge 3 others" in summary_of(compose(few, layout))


def test_where_no_verdict_is_given_now_earlier_ones_mislead_nobody(tmp_path: Path) -> None:
    more, few = study_of(seeds=3), study_of(seeds=2)
    layout = layout_in(tmp_path, more)
    finished(more, layout)
    analyse(few, layout)
    assert layout.seed_lists.exists() and "Verdicts were read" not in markdown_of(few, layout)


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    study = study_of(seeds=3)
    layout = layout_in(tmp_path, study)
    finished(study, layout)
    layout.seed_lists.write_text("[{")
    with pytest.raises(BakeoffError, match=r"seed_lists\.json: is damaged"):
        analyse(study, layout)
