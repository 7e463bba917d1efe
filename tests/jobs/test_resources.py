"""What training jobs ask a cluster for: hints of the study, numbers of the profile, more at each attempt."""

from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.jobs.resources import requested
from bakeoff.study.reading import parse_study
from bakeoff.study.specification import specify
from bakeoff.study.study import Study, StudyError, runs
from bakeoff.study.yaml_file import read_yaml
from terminal import STUDIES, snakemake

PROFILE = ["tmpdir=system_tmpdir", "slurm_partition=gpu", "mem_mb=4000", "runtime=30", "max_runtime=100"]


def tiny(architecture: dict[str, int], recipe: dict[str, int]) -> Study:
    """The tiny study with hints for its perceptron and its recipe."""
    content = read_yaml(STUDIES / "tiny.yaml")
    content["architectures"]["perceptron"]["resources"] = architecture
    content["recipes"]["plain"]["resources"] = recipe
    return parse_study(content)


@pytest.mark.parametrize(
    ("architecture", "recipe", "resource", "attempt", "asked"),
    [
        ({}, {}, "mem_mb", 1, 4000),
        ({}, {}, "runtime", 2, 60),
        ({"mem_mb": 9000}, {"mem_mb": 500}, "mem_mb", 1, 9000),  # the larger of the two
        ({"mem_mb": 9000}, {"mem_mb": 500}, "mem_mb", 3, 27000),
        ({"mem_mb": 9000}, {"runtime": 45}, "runtime", 2, 90),
        ({}, {"runtime": 45}, "runtime", 3, 100),  # what the partition allows
        ({}, {"runtime": 600}, "runtime", 2, 600),  # the study's word is not cut
    ],
)
def test_the_study_asks_first_and_then_the_profile(
    architecture: dict[str, int], recipe: dict[str, int], resource: str, attempt: int, asked: int
) -> None:
    study = tiny(architecture, recipe)
    cells = [cell for cell in study.cells if cell.architecture == "perceptron"]
    assert requested(study, PROFILE, resource, cells, attempt) == asked


def test_what_has_no_hint_asks_for_the_profiles_number_beside_what_has_one() -> None:
    study = tiny({"mem_mb": 9000}, {})
    by_architecture = {cell.architecture: requested(study, PROFILE, "mem_mb", [cell], 1) for cell in study.cells}
    assert by_architecture == {"logistic": 4000, "perceptron": 9000}
    assert requested(study, PROFILE, "mem_mb", study.cells, 1) == 9000  # features that both need


def test_without_a_profile_there_are_numbers_too() -> None:
    study = tiny({}, {})
    snakemakes_own = ["mem_mb=min(max(2*input.size_mb, 1000), 8000)"]
    assert requested(study, snakemakes_own, "mem_mb", study.cells, 1) == 8000
    assert requested(study, [], "runtime", study.cells, 2) == 240


def test_a_default_that_is_no_number_is_an_error() -> None:
    study = tiny({}, {})
    with pytest.raises(BakeoffError, match=r"default-resources: runtime: must be a number.*found '30 \* attempt'"):
        requested(study, ["runtime=30 * attempt"], "runtime", study.cells, 1)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("mem_mb=16GB", "default-resources: mem_mb: must be a number"),
        ("runtime=30 * attempt", "default-resources: runtime: must be a number"),
        ("max_runtime=2h", "default-resources: max_runtime: must be a number"),
    ],
)
def test_a_profile_that_cannot_be_asked_for_ends_before_anything_starts(
    tmp_path: Path, written: str, message: str
) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text(f"default-resources: [{written}]\n")
    planned = snakemake(tmp_path, STUDIES / "tiny.yaml", "--workflow-profile", profile, "-n")
    assert planned.returncode != 0
    said = planned.stdout + planned.stderr
    assert message in said
    assert "Traceback" not in said and "InputFunctionException" not in said


def test_hints_are_no_part_of_a_specification() -> None:
    with_hints, without = tiny({"mem_mb": 9000}, {"runtime": 45}), tiny({}, {})
    assert [specify(with_hints, run).content for run in runs(with_hints)] == [
        specify(without, run).content for run in runs(without)
    ]


def test_a_wrong_hint_says_where_it_is_and_what_is_allowed() -> None:
    with pytest.raises(StudyError, match=r"architectures\.perceptron\.resources\.memory: unknown key.*mem_mb, runtime"):
        tiny({"memory": 1}, {})
    with pytest.raises(StudyError, match=r"recipes\.plain\.resources\.runtime: .*greater than 0; found 0"):
        tiny({}, {"runtime": 0})


def test_other_hints_train_nothing_again(finished_study: Path, tmp_path: Path) -> None:
    text = (STUDIES / "tiny.yaml").read_text().replace("{epochs: 2}", "{epochs: 2, resources: {runtime: 45}}")
    assert "runtime" in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text)
    planned = snakemake(finished_study, changed, "-n")
    assert planned.returncode == 0, planned.stderr
    assert "Nothing to be done" in planned.stdout + planned.stderr
