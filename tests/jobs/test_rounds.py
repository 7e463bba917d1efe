"""What rounds.json holds, what it refuses, and how a study goes from round to round on finished results."""

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.analysis.statistics import read_statistics
from bakeoff.commands.race_state import next_lines, round_lines
from bakeoff.errors import BakeoffError
from bakeoff.jobs.rounds import PLANNED_WITH, begin_anew, in_present_round, read_record
from bakeoff.study.paths import Layout
from bakeoff.study.study import Study, runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_run

RULE: dict[str, Any] = {"until": "decided", "looks": [3, 5, 8], "claim": "these_images"}
DEEP_ADAM = "digits/deep/adam/plain"


def race(**changes: Any) -> Study:
    return study_of(**({"seeds": RULE} | changes))


def finish(study: Study, layout: Layout, failing: tuple[str, int] | None = None) -> Study:
    """Every run of the present round: linear ones are far behind, adam is a little ahead. Returns the next round."""
    for run in runs(study):
        better = 0.3 * (run.architecture == "deep") + 0.004 * (run.optimizer == "adam")
        noise = 0.003 * ((7 * run.seed + 3 * len(run.architecture) + 5 * len(run.optimizer)) % 5)
        status = "diverged" if (run.experiment.key, run.seed) == failing else "completed"
        write_run(layout, run, result_of(study, run, 0.5 + better + noise, status))
    analyse(study, layout)
    return in_present_round(study, layout)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return layout_in(tmp_path, race())


def test_rounds_go_on_with_who_may_be_the_best(layout: Layout) -> None:
    first = in_present_round(race(), layout)
    assert round_lines(first, layout) == [
        "round 1 of at most 3, to 3 seeds: 4 of 4 experiments are in the race, then at most 20 runs more"
    ]
    second = finish(first, layout)
    left = [key for decision in read_record(second, layout).looks[0].decisions.values() for key in decision.left]
    assert left == ["digits/linear/sgd/plain", "digits/linear/adam/plain"]
    assert {cell.architecture: len(second.seeds_of(cell)) for cell in second.cells} == {"linear": 3, "deep": 5}
    assert next_lines(second, layout)[-2:] == [
        "round 2 of at most 3, to 5 seeds: 2 of 4 experiments are in the race, then at most 6 runs more",
        "type the same command again for this round",
    ]
    last = finish(finish(second, layout), layout)
    assert "the race is over" in round_lines(last, layout)[0]
    assert in_present_round(last, layout) is not last and runs(finish(last, layout)) == runs(last)
    table = read_statistics(layout, "race")
    assert list(table["look"].unique()) == list(range(1, 1 + len(read_record(last, layout).looks)))
    assert table.groupby("architecture")["seeds"].max().to_dict() == {"linear": 3, "deep": 8}


def test_the_same_results_give_the_same_file(layout: Layout, tmp_path: Path) -> None:
    study = finish(in_present_round(race(), layout), layout)
    written = layout.rounds.read_bytes()
    analyse(study, layout)
    assert layout.rounds.read_bytes() == written, "half of the second round decides nothing, and changes nothing"
    layout.rounds.unlink()
    finish(in_present_round(race(), layout), layout)
    assert layout.rounds.read_bytes() == written


def test_jobs_of_snakemake_see_the_round_that_it_has_planned(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(in_present_round(race(), layout), layout)
    monkeypatch.setenv(PLANNED_WITH, "0")
    assert runs(in_present_round(race(), layout)) == runs(race())


def test_what_diverges_in_the_second_round_leaves_there(layout: Layout) -> None:
    second = finish(in_present_round(race(), layout), layout)
    third = finish(second, layout, failing=(DEEP_ADAM, 4))
    decision = read_record(third, layout).looks[1].decisions["digits"]
    assert decision.left == {DEEP_ADAM: "diverged"} and decision.stop == "best"
    assert f"{DEEP_ADAM} dropped out: diverged" in next_lines(third, layout)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": RULE | {"indifference": 0.01}}, "indifference is 0.01 (it was: indifference 0"),
        ({"seeds": RULE | {"looks": [3, 5, 8, 12]}}, "looks is [3, 5, 8, 12]"),
        ({"seeds": RULE | {"claim": "other_images"}}, "claim is other_images"),
        ({"metric": "macro_f1"}, "metric is macro_f1"),
        ({"exclude": {"architectures": "linear", "optimizers": "sgd"}}, "digits/linear/sgd/plain is gone"),
        ({"recipes": {"plain": {"epochs": 5, "batch_size": 32}}}, "is specified otherwise"),
        (
            {"recipes": {"plain": {"epochs": 4, "batch_size": 32}, "long": {"epochs": 9}}},
            "digits/linear/sgd/long is new, digits/linear/adam/long is new, digits/deep/sgd/long is new and 1 more",
        ),
    ],
)
def test_what_was_seen_may_not_change_the_rule(layout: Layout, changes: dict[str, Any], words: str) -> None:
    in_present_round(race(**changes), layout)  # before the first look, everything may change
    finish(in_present_round(race(), layout), layout)
    with pytest.raises(BakeoffError) as refused:
        in_present_round(race(**changes), layout)
    told = str(refused.value)
    assert "the race has begun" in told and words in told and "--restart-rounds" in told and "\n" not in told
    in_present_round(race(title="Another title", threads=2), layout)


def test_a_damaged_file_is_refused_and_its_removal_loses_nothing(layout: Layout) -> None:
    finish(in_present_round(race(), layout), layout)
    written = layout.rounds.read_text()
    for damaged in (written[:-40], written.replace('"seeds": 3', '"seeds": 4'), "[]", ""):
        layout.rounds.write_text(damaged)
        with pytest.raises(BakeoffError, match=r"rounds.json: is damaged .* remove it and type the same command again"):
            in_present_round(race(), layout)
    layout.rounds.unlink()
    finish(in_present_round(race(), layout), layout)
    assert layout.rounds.read_text() == written


def test_a_file_of_another_study_is_refused(layout: Layout) -> None:
    finish(in_present_round(race(), layout), layout)
    other = race(study="other")
    (layout.results / "other").mkdir()
    layout.rounds.rename(layout.results / "other/rounds.json")
    with pytest.raises(BakeoffError, match="is of the study 'synthetic', not of 'other'"):
        in_present_round(other, Layout("other", layout.results))


def test_results_that_contradict_what_was_decided_are_refused(layout: Layout) -> None:
    study = finish(in_present_round(race(), layout), layout)
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.5 + 0.001 * run.seed))
    with pytest.raises(BakeoffError, match=r"the finished results contradict look 1 \(3 seeds\): on digits it says"):
        analyse(study, layout)


def test_to_begin_anew_is_remembered(layout: Layout) -> None:
    assert begin_anew(race(), layout) == 0
    finish(in_present_round(race(), layout), layout)
    changed = race(seeds=RULE | {"indifference": 0.01})
    assert begin_anew(changed, layout) == 1
    assert runs(in_present_round(changed, layout)) == runs(race()), "the race is at its first round again"
    finish(in_present_round(changed, layout), layout)
    record = read_record(changed, layout)
    assert [before["looks"] for before in record.before] == [[3]] and record.rule["indifference"] == 0.01
    assert set(read_statistics(layout, "race")["begun_before"]) == {1}
    layout.rounds.write_text("{")
    assert begin_anew(changed, layout) == 0 and read_record(changed, layout).before


def test_a_metric_without_influences_is_named_when_statistics_are_made(layout: Layout) -> None:
    """One test image: whether another would say the same is unknown."""
    study = race(seeds=RULE | {"claim": "other_images"})
    for run in runs(study):
        write_run(layout, run, result_of(study, run, 0.9))
        one_image(layout.run(run).predictions)
    with pytest.raises(BakeoffError, match="digits: one test image says nothing of other images; write claim: these"):
        analyse(study, layout)
    assert not layout.rounds.exists()


def one_image(path: Path) -> None:
    import numpy as np

    saved = np.load(path)
    np.savez(path, logits=saved["logits"][:1], labels=saved["labels"][:1])


def test_each_dataset_is_a_race_of_its_own(tmp_path: Path) -> None:
    study = race(datasets={"digits": {"source": "digits"}, "small": {"source": "digits", "limit": 50}})
    layout = layout_in(tmp_path, study)
    for run in runs(study):
        clear = 0.3 if run.dataset == "small" else 0.001
        accuracy = 0.5 + clear * (run.architecture == "deep") * (run.optimizer == "adam") + 0.002 * (run.seed * 7 % 3)
        write_run(layout, run, result_of(study, run, accuracy + 0.0005 * (len(run.key) * run.seed % 4)))
    analyse(study, layout)
    second = in_present_round(study, layout)
    assert {cell.dataset: len(second.seeds_of(cell)) for cell in second.cells} == {"digits": 5, "small": 3}
    ends = read_statistics(layout, "race").groupby("dataset")["end"].last()
    assert ends.to_dict() == {"digits": "", "small": "best"}
    assert json.loads(layout.rounds.read_text())["looks"][0]["decisions"]["small"]["leader"] == "small/deep/adam/plain"
