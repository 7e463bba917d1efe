"""From the folders of runs to records: times, hyper-parameters, and what is left out."""

import json
import math
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from outlet_truth import diverged_record

from bakeoff.errors import BakeoffError
from bakeoff.outlets.finished_runs import epoch_ends, finished_runs, flattened, read_record
from bakeoff.results.result import read_result
from bakeoff.study.paths import RunPaths
from bakeoff.study.study import runs
from synthetic_runs import history_of, layout_in, result_of, study_of, write_run, write_runs
from tuned_study import CELL, finished_tuning

OLDER = Path(__file__).parents[1] / "results/finished_0_1_0/results/older/runs"
FINISHED = 1_893_456_060.0  # 2030-01-01T00:01:00Z, as synthetic results say


def test_times_of_0_1_0_follow_from_durations_and_are_marked() -> None:
    folder = OLDER / "digits/cnn/sgd/first/seed7"
    result = read_result(folder / "result.json")
    assert result is not None
    record = read_record("older", RunPaths(folder, folder, folder), result)
    seconds = record.series["seconds"]
    finished = datetime.fromisoformat(str(result.provenance.finished)).timestamp()
    assert record.times == record.tags["times"] == "reconstructed"
    assert seconds[-1].time == record.ended == finished
    for before, after in pairwise(seconds):
        assert after.time - before.time == pytest.approx(after.value, abs=0.002)


def test_epochs_without_a_time_end_before_the_next_one() -> None:
    rows = [{"seconds": 2.0}, {"seconds": 3.0}, {"seconds": 4.0, "ended": 100.0}, {"seconds": 5.0}]
    assert epoch_ends(rows, 200.0) == [93.0, 96.0, 100.0, 200.0]
    assert epoch_ends([], 200.0) == []


def test_hyperparameters_have_dotted_names() -> None:
    content = {
        "dataset": {"entry": {"source": "digits"}, "split_seed": 0},
        "recipe": {"schedule": None, "augment": [{"name": "RandomCrop", "arguments": {"size": 8}}], "loss": {}},
        "seed": 3,
    }
    assert flattened(content) == {
        "dataset.source": "digits",
        "dataset.split_seed": 0,
        "recipe.augment.0.name": "RandomCrop",
        "recipe.augment.0.arguments.size": 8,
        "seed": 3,
    }


def test_a_diverged_run_keeps_what_was_not_finite(tmp_path: Path) -> None:
    record = diverged_record(tmp_path)
    loss, accuracy = record.series["train/loss"], record.series["train/accuracy"]
    assert [point.step for point in loss] == [1, 2] and math.isnan(loss[1].value) and accuracy[1].value == math.inf
    assert (record.status, record.message) == ("diverged", "the loss was nan in epoch 2")
    assert [point.time for point in loss] == [FINISHED - 0.5, FINISHED]


def test_missing_stale_and_damaged_results_are_left_out(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    missing, damaged, stale, *whole = runs(study)
    layout.run(missing).result.unlink()
    layout.run(damaged).result.write_text("{")
    changed = result_of(study, stale)
    changed["spec"] = changed["spec"] | {"beta": 2.0}
    layout.run(stale).result.write_text(json.dumps(changed))
    found = finished_runs(study, layout)
    assert list(found.results) == whole
    assert len(found.damaged) == 1 and str(layout.run(damaged).result) in found.damaged[0]


@pytest.mark.parametrize("content", [history_of().replace("0.1", "fast"), "epoch,loss\n,1\n", "epoch,loss\n1,2,3\n"])
def test_a_damaged_history_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    study = study_of(seeds=1)
    layout, run = layout_in(tmp_path, study), runs(study)[0]
    write_run(layout, run, result_of(study, run), content)
    (result,) = finished_runs(study, layout).results.values()
    with pytest.raises(BakeoffError, match=r"history\.csv: cannot use"):
        read_record(study.study, layout.run(run), result)


def test_runs_of_a_tuned_experiment_have_the_values_that_were_chosen(tmp_path: Path) -> None:
    study, layout = finished_tuning(tmp_path)
    chosen = json.loads(layout.selection(CELL).read_text())["values"]
    finished = finished_runs(study, layout)
    assert set(finished.results) == set(runs(study)) and len(runs(study)) == 9
    record = read_record(study.study, layout.run(CELL.run(0)), finished.results[CELL.run(0)])
    assert {key: record.hyperparameters[key.replace("optimizers.sgd", "optimizer")] for key in chosen} == chosen
    layout.selection(CELL).unlink()
    assert set(finished_runs(study, layout).results) == {run for run in runs(study) if run.experiment != CELL}
