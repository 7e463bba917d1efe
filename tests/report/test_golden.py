"""A small real study renders as it did before: what a change of a template changes is shown as a difference of texts.

What training left is kept, because its last bits depend on the processor. What is made of it must not.

`pytest tests/report/test_golden.py --force-regen` accepts what there is now; `git diff` says what that is.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from terminal import ENVIRONMENT, bakeoff

STUDY = Path(__file__).with_suffix("") / "study.yaml"
VECTORS = " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
PROCESSORS = {
    "an old one": {"OPENBLAS_CORETYPE": "Prescott"},
    "one without vector instructions": {"NPY_DISABLE_CPU_FEATURES": VECTORS},
    "one that rounds twice": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"},
    "a newer one, whose figures are drawn, too": {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": VECTORS},
}
ANALYSIS = """
import sys
from pathlib import Path
from bakeoff.analysis.statistics import write_statistics
from bakeoff.figures.draw import draw_figures
from bakeoff.report.render import render_report
from bakeoff.results.summary import summarize
from bakeoff.study.paths import Layout
from bakeoff.study.reading import load_study
study = load_study(Path(sys.argv[1]))
layout = Layout(study.study)
summarize(study, layout)
write_statistics(study, layout)
if "figures" in sys.argv[2:]:
    draw_figures(study, layout, pdf=True)
render_report(study, layout)
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the golden study's reports, in English and below it in Russian."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(STUDY.parent / "runs", folder / "results/golden/runs")
    steps = [["prepare", STUDY, "digits"], *([step, STUDY] for step in ("check", "summarize", "statistics", "figures"))]
    for arguments in [*steps, ["report", STUDY, "--latex"], ["report", STUDY, "--language", "ru", "--latex"]]:
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
        done = bakeoff(reports.parents[1], "report", STUDY, "--language", language, "--latex")
        assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("name", PROCESSORS)
def test_another_processor_writes_the_same_bytes(reports: Path, tmp_path: Path, name: str) -> None:
    """The libraries are told to do without instructions, and then add in another order."""
    made = reports.parents[1]
    shutil.copytree(made / "results", tmp_path / "results", ignore=shutil.ignore_patterns("summary", "ru"))
    command = [sys.executable, "-c", ANALYSIS, STUDY, *(["figures"] if "figures" in name else [])]
    subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT | PROCESSORS[name], check=True)
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".csv", ".svg", ".md", ".html", ".tex", ".pdf")]
    changed = [path.name for path in files if path.read_bytes() != (made / path.relative_to(tmp_path)).read_bytes()]
    assert len(files) > 40 and changed == []
