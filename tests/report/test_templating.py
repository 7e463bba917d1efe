"""The templates of reports: whoever installs the package has them, and what else it reads."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound

from bakeoff.report.templating import TEMPLATES, environment
from terminal import ROOT

PACKAGE = ROOT / "src/bakeoff"


def test_the_templates_are_in_the_package() -> None:
    inside = {entry.name for entry in files("bakeoff.report").joinpath("templates").iterdir()}
    assert {"report.md.j2", "report.html.j2", "report.js", "report.tex.j2", "table.tex.j2", "figure.tex.j2"} <= inside
    assert inside == {path.name for path in TEMPLATES.iterdir()}
    with pytest.raises(TemplateNotFound):
        environment().get_template("report.txt.j2")


def test_a_wheel_takes_every_file_that_is_no_code() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["bakeoff"]

    def is_no_code(path: Path) -> bool:
        return path.is_file() and path.suffix not in (".py", ".pyc")

    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern) if is_no_code(path)}
    assert packed == {path for path in PACKAGE.rglob("*") if is_no_code(path)}
