"""What a study cost in all."""

import json
from pathlib import Path
from typing import Any

from bakeoff.analysis.statistics import write_statistics
from bakeoff.analysis.study_cost import study_cost
from bakeoff.report.render import render_report
from bakeoff.results.summary_tables import read_tables, records
from bakeoff.study.paths import Layout
from bakeoff.study.specification import features_folder
from bakeoff.study.study import Study, runs
from synthetic_runs import analyse, layout_in, result_of, study_of, write_run


def written(folder: Path, study: Study, *costs: dict[str, Any]) -> Layout:
    """The first runs of the study, with other costs."""
    layout = layout_in(folder, study)
    for run, cost in zip(runs(study), costs, strict=False):
        result = result_of(study, run)
        write_run(layout, run, {**result, "cost": result["cost"] | cost})
    analyse(study, layout)
    write_statistics(study, layout)
    return layout


def test_costs_of_runs_add_up_and_peaks_do_not(tmp_path: Path) -> None:
    study = study_of()
    gpu = {"gpu_seconds": 8.0, "peak_device_memory_bytes": 2**30}
    layout = written(
        tmp_path, study, gpu | {"energy_kwh": 0.25}, gpu | {"energy_kwh": 0.5, "peak_device_memory_bytes": 2**31}, {}
    )
    cost = study_cost(study, read_tables(layout))
    assert (cost.runs, cost.training_seconds, cost.cpu_seconds) == (3, 7.5, 15.0)
    assert (cost.gpu_seconds, cost.energy_kwh, cost.energy_runs) == (16.0, 0.75, 2)
    first = records(read_tables(layout).experiments)[0]
    assert (first["cpu_seconds_total"], first["gpu_seconds_total"], first["energy_kwh_total"]) == (15.0, 16.0, 0.75)
    assert (first["peak_host_memory_bytes"], first["peak_device_memory_bytes"]) == (2**28, 2**31)
    text = render_report(study, layout)[0].read_text()
    assert "3 finished runs trained for 7.5 s in all" in text
    assert "that is 15 s of processor time. GPUs were held for 16 s." in text
    assert "The energy of 2 runs was estimated: 0.75 kWh in all." in text
    assert "Peak GPU memory" in text and "| 750 |" in text


def test_a_study_on_the_cpu_says_nothing_of_gpus_and_energy(tmp_path: Path) -> None:
    study = study_of()
    text = render_report(study, written(tmp_path, study, {}))[0].read_text()
    assert "that is 5 s of processor time" in text
    assert "GPU" not in text and "kWh" not in text and "Energy" not in text


def test_results_of_before_costs_were_counted_count_as_nothing(tmp_path: Path) -> None:
    """One of two results says less of its cost: sums and means are of the other."""
    study = study_of()
    layout = written(tmp_path, study, {}, {})
    paths = layout.run(runs(study)[0])
    result = json.loads(paths.result.read_text())
    result["cost"] = {"parameters": 1, "macs": 1, "training_seconds": 3.5, "peak_memory_bytes": 1}
    paths.result.write_text(json.dumps(result))
    analyse(study, layout)
    cost = study_cost(study, read_tables(layout))
    assert (cost.runs, cost.training_seconds, cost.cpu_seconds, cost.gpu_seconds) == (2, 6.0, 5.0, 0.0)
    text = render_report(study, layout)[0].read_text()
    assert "2 finished runs trained for 6 s in all" in text and "that is 5 s of processor time" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| [linear · sgd]") and "2,600" in line)
    assert row.endswith("| 6.00 | 0.500 | 5.00 | 2,600 | 256 |")  # of what the results say


def test_features_that_runs_share_are_counted_once(tmp_path: Path) -> None:
    study = study_of(
        architectures={"linear": {"model": "mlp", "pretrained": "random"}},
        recipes={name: {"epochs": epochs, "freeze": "backbone"} for name, epochs in (("short", 1), ("long", 2))},
    )
    layout = written(tmp_path, study, {})
    (folder,) = {features_folder(study, cell) for cell in study.cells}
    assert folder is not None
    cost = study_cost(study, read_tables(layout))
    assert (cost.features, cost.features_seconds) == (0, 0)
    folder.mkdir(parents=True)
    (folder / "card.json").write_text('{"seconds": 12.5}')
    cost = study_cost(study, read_tables(layout))
    assert (cost.features, cost.features_seconds) == (1, 12.5)
    assert (
        "The features of 1 frozen backbone, shared between runs, took another 12.5 s."
        in render_report(study, layout)[0].read_text()
    )


def test_a_run_whose_batches_were_halved_stands_among_those_that_did_not_go_as_planned(tmp_path: Path) -> None:
    study = study_of()
    layout = layout_in(tmp_path, study)
    run = runs(study)[0]
    message = "memory did not hold 32 images: trained in parts of 8"
    write_run(layout, run, result_of(study, run) | {"message": message})
    analyse(study, layout)
    write_statistics(study, layout)
    assert f"{run.key} | completed | {message}" in render_report(study, layout)[0].read_text()
