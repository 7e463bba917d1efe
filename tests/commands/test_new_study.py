"""`bakeoff init`: a folder that says what its files are, and never writes over what is there."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from bakeoff.commands.new_study import write_study_folder
from bakeoff.errors import BakeoffError
from bakeoff.study.reading import load_study
from terminal import BIN, ENVIRONMENT


def test_the_study_is_the_default_one_under_the_name_of_its_folder(tmp_path: Path) -> None:
    written = write_study_folder(tmp_path / "trees")
    assert load_study(tmp_path / "trees/config.yaml").study == "trees"
    first = (tmp_path / "trees/config.yaml").read_text().splitlines()[0]
    schema = json.loads((tmp_path / "trees" / first.partition("$schema=")[2]).read_text())
    jsonschema.validate(yaml.safe_load((tmp_path / "trees/config.yaml").read_text()), schema)
    assert {path.relative_to(tmp_path / "trees").as_posix() for path in written} == {
        "config.yaml", "study.schema.json", "Snakefile", "README.md", ".gitignore",
        "profiles/default/config.yaml", "profiles/slurm/config.yaml",
    }  # fmt: skip
    assert write_study_folder(tmp_path / "trees") == written


def test_a_name_that_yaml_reads_as_a_number(tmp_path: Path) -> None:
    write_study_folder(tmp_path / "2026")
    assert load_study(tmp_path / "2026/config.yaml").study == "2026"


def test_what_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    with pytest.raises(BakeoffError, match=r"thesis/README.md: is there already and says something else"):
        write_study_folder(folder)
    assert [path.name for path in folder.iterdir()] == ["README.md"] and (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name, why", [("a b", "is no safe folder name"), ("data", "is a folder of Bakeoff's own")])
def test_names_that_no_study_has(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(BakeoffError, match=why):
        write_study_folder(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_snakemake_finds_the_workflow_and_nothing_to_criticize(tmp_path: Path) -> None:
    write_study_folder(tmp_path / "mine")
    said = subprocess.run([BIN / "snakemake", "--lint"], cwd=tmp_path / "mine", env=ENVIRONMENT, capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert "Congratulations" in said.stdout + said.stderr
