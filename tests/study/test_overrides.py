"""Studies that are changed by --set and --config."""

from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.study.overrides import load, overrides_of
from bakeoff.study.yaml_file import read_yaml
from terminal import STUDIES, bakeoff

TINY = STUDIES / "tiny.yaml"


def test_values_are_yaml() -> None:
    study = load(TINY, ["seeds=[3, 5]", "title='010'", "optimizers={sgd: {name: SGD, lr: 1e-3}, adam: {name: Adam}}"])
    assert (study.seeds, study.title, study.optimizers["sgd"].arguments["lr"]) == ((3, 5), "010", 1e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds=[1", "not YAML: did not find expected"),
        ("seeds=2024-13-45", "not YAML: month must be in 1..12"),
        ("seeds=010", "reads numbers that begin with 0 as octal"),
        ("title=1:30", "base 60"),
        ("recipes={plain: {epochs: 1, epochs: 2}}", "'epochs' is given twice"),
        ("recipes={1: {epochs: 1}}", "quote it"),
        ("seeds", "write KEY=VALUE"),
    ],
)
def test_what_is_no_value_is_said_in_a_line(text: str, words: str) -> None:
    with pytest.raises(BakeoffError) as error:
        load(TINY, [text])
    assert str(error.value).startswith(f"--set {text}: ") and words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_command_says_it_so(tmp_path: Path) -> None:
    ended = bakeoff(tmp_path, "plan", TINY, "--set", "seeds=[1")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ["error: --set seeds=[1: is not YAML: did not find expected ',' or ']'"]


def test_what_snakemake_merged_is_the_same_in_a_job() -> None:
    written = read_yaml(TINY)
    merged = {**written, "title": 'a "b"\n1:30', "seeds": ["7", "8"]}
    study = load(TINY, overrides_of(merged, TINY))
    assert (study.title, study.seeds) == ('a "b"\n1:30', (7, 8))
    assert overrides_of(written, TINY) == []
