"""A small real study renders as it did before: what a change of a template changes is shown as a difference of texts.

`pytest tests/report/test_golden.py --force-regen` accepts what there is now; `git diff` says what that is.
"""

import re
import shutil
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from terminal import bakeoff

STUDY = Path(__file__).with_suffix("") / "study.yaml"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the golden study's reports, in English and below it in Russian."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(STUDY.parent / "runs", folder / "results/golden/runs")
    steps = [["prepare", STUDY, "digits"], *([step, STUDY] for step in ("check", "summarize", "statistics", "figures"))]
    for arguments in [*steps, ["report", STUDY], ["report", STUDY, "--language", "ru"]]:
        done = bakeoff(folder, *arguments)
        assert done.returncode == 0, done.stderr
    return folder / "report/golden"


@pytest.mark.parametrize("name", ["report.md", "report.html", "latex/report.tex", "ru/report.md"])
def test_the_golden_study_renders_as_before(reports: Path, name: str, file_regression: FileRegressionFixture) -> None:
    text = (reports / name).read_text(encoding="utf-8")
    without_drawings = re.sub(r"<svg.*?</svg>", "<svg/>", text, flags=re.DOTALL)  # they change with Matplotlib
    kept = name.replace("/", "-").partition(".")
    file_regression.check(without_drawings, basename=kept[0], extension=f".{kept[2]}", encoding="utf-8")


def test_it_renders_the_same_bytes_each_time(reports: Path) -> None:
    before = {path: path.read_bytes() for path in reports.rglob("*") if path.is_file()}
    shutil.rmtree(reports)
    for language in ("en", "ru"):
        done = bakeoff(reports.parents[1], "report", STUDY, "--language", language)
        assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in before} == before
