"""pyproject.toml and environment.yml name the same packages with the same bounds."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch"}


def bounds(requirement: str) -> tuple[str, frozenset[str]]:
    """`torch>=2.6,<3` → ("pytorch", {">=2.6", "<3"})."""
    name = requirement.split(">")[0].split("<")[0].split("=")[0].strip()
    return CONDA_NAMES.get(name, name), frozenset(requirement[len(name) :].split(","))


def test_conda_and_pip_users_get_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    wanted = {bounds(item) for item in project["dependencies"]} | {("python", frozenset({project["requires-python"]}))}
    assert {bounds(item) for item in environment["dependencies"]} == wanted
