"""The records of the tables: functions make their columns, and the documentation follows from them."""

import subprocess
import sys
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

from bakeoff.analysis.experiment_analysis import PredictionInputs, analyse_experiments
from bakeoff.analysis.mistakes import image_loss, image_wrong
from bakeoff.analysis.statistics import StudyInputs, study_inputs
from bakeoff.analysis.tables import TABLES, statistics_files
from bakeoff.analysis.tables.of_predictions import PREDICTION_TABLES
from bakeoff.analysis.tables.of_study import STUDY_TABLES
from bakeoff.analysis.tables.of_tuning import TUNING_TABLES
from bakeoff.analysis.tables.table import EXPERIMENT, Table
from bakeoff.analysis.test_set_error import influences
from bakeoff.results.summary import summarize
from bakeoff.results.summary_tables import read_tables
from made_predictions import class_predictions, label_predictions
from synthetic_runs import analyse, layout_in, study_of, write_card, write_runs

OF_SEEDS = ("race", "seed_lists")  # empty where seeds are fixed and nobody has added any


def test_names_are_unique_and_predictions_name_their_experiment(tmp_path: Path) -> None:
    files = statistics_files(layout_in(tmp_path, study_of()))
    assert len(TABLES) == len(STUDY_TABLES) + len(PREDICTION_TABLES) == len(set(files.values()))
    for table in TABLES.values():
        assert len(set(table.column_names)) == len(table.columns)
    assert all(table.columns[:4] == EXPERIMENT for table in PREDICTION_TABLES)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_function_is_there_and_takes_inputs_that_exist(table: Table) -> None:
    wanted = set(signature(table.load_function()).parameters)
    if table in PREDICTION_TABLES:
        assert wanted <= {field.name for field in fields(PredictionInputs)}
    else:
        above = [other.name for other in STUDY_TABLES[: STUDY_TABLES.index(table)]]
        assert wanted <= {field.name for field in fields(StudyInputs)} | set(above)


def test_functions_about_a_study_make_the_columns_of_their_records(tmp_path: Path) -> None:
    study = study_of(datasets={name: {"source": "digits"} for name in ("a", "b", "c")})
    layout = layout_in(tmp_path, study)
    write_runs(study, layout)
    for name in study.datasets:
        write_card(study, name, list("0123456789"))
    summarize(study, layout)
    runs = read_tables(layout).runs
    found, _ = analyse_experiments(study, layout, runs)
    inputs = vars(study_inputs(study, layout, runs, found))
    for table in [table for table in STUDY_TABLES if table not in TUNING_TABLES]:  # analysis/test_tuning.py has these
        made = table.make(inputs)
        if table.name in OF_SEEDS and not len(made):
            continue
        assert len(made) > 0 and sorted(made.columns) == sorted(table.column_names), table.name
        inputs |= {table.name: made}


def test_tables_about_races_and_seeds_have_the_columns_of_their_records(tmp_path: Path) -> None:
    few = study_of()
    layout = layout_in(tmp_path, few)
    write_runs(few, layout)
    analyse(few, layout)
    race = study_of(seeds={"until": "decided", "looks": [3, 5], "claim": "these_images"})
    analyse(race, layout)
    runs = read_tables(layout).runs
    inputs = vars(study_inputs(race, layout, runs, analyse_experiments(race, layout, runs)[0]))
    inputs |= {"comparisons": TABLES["comparisons"].make(inputs)}  # stands above them
    for name in OF_SEEDS:
        made = TABLES[name].make(inputs)
        assert len(made) > 0 and sorted(made.columns) == sorted(TABLES[name].column_names), name


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_functions_about_predictions_make_the_columns_of_their_records(task: str) -> None:
    predictions = (
        class_predictions(3, 200, 5, seed=1) if task == "multi-class" else label_predictions(3, 150, 4, seed=2)
    )
    names = list("abcde")[: predictions.classes]
    loss, wrong, influence = image_loss(predictions), image_wrong(predictions), influences(predictions, 1.0)
    inputs = vars(PredictionInputs(predictions, names, loss, wrong, 1.0, influence))
    for table in PREDICTION_TABLES:
        if task in table.tasks:
            made = table.make(inputs)
            assert len(made) > 0 and sorted(made.columns) == sorted(table.column_names[4:]), table.name


def test_planning_imports_nothing_heavy() -> None:
    """The Snakefile reads the records."""
    code = "import sys, bakeoff.analysis.tables; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "bakeoff.analysis.tables" in loaded
    assert not {"numpy", "pandas", "scipy", "torch"} & set(loaded)
